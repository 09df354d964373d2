// A gateway of BENCH_TOOLS tools of our own, linted as at any start. GET /bench says what it cost.
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { pino } from 'pino'
import Type from 'typebox'
import { parseConfig } from '../../src/config.ts'
import { buildApp } from '../../src/gateway/app.ts'
import { createRegistry } from '../../src/registry/registry.ts'
import { defineTool, type Tool } from '../../src/registry/tool.ts'

const count = Number(process.env['BENCH_TOOLS'] ?? 10_000)
const verbs = ['list', 'find', 'create', 'rename', 'archive', 'compare', 'translate', 'measure']
const things = ['invoice', 'ticket', 'sensor', 'contract', 'photo', 'parcel', 'train', 'recipe']
const places = [
  '上海',
  'Berlin',
  'warehouse',
  'calendar',
  'archive',
  'laboratory',
  '邮件',
  'harbour',
]
const pick = (words: string[], at: number): string => words[at % words.length] ?? ''

function toolOf(at: number): Tool {
  const [verb, thing] = [pick(verbs, at), pick(things, Math.floor(at / 8))]
  const place = pick(places, Math.floor(at / 64))
  return defineTool({
    name: `${verb}_${thing}_${at}`,
    title: `${verb} ${thing} ${at}`,
    description: `Can ${verb} one ${thing} of the ${place}, number ${at}. Use it when the ${thing} is known.`,
    category: thing,
    tags: [verb, place],
    keywords: [place, `${thing} ${verb}`],
    input: Type.Object({
      id: Type.String({ description: `Id of the ${thing}`, minLength: 1, maxLength: 80 }),
      limit: Type.Optional(Type.Integer({ description: 'How many', minimum: 1, maximum: 100 })),
      exact: Type.Optional(Type.Boolean({ description: 'No near matches' })),
    }),
    output: Type.Object({
      name: Type.String({ description: `Name of the ${thing}` }),
      parts: Type.Array(
        Type.Object({
          id: Type.String({ description: 'Id of the part' }),
          grams: Type.Number({ description: 'Its weight, grams' }),
        }),
        { description: 'Its parts' },
      ),
    }),
    run: async ({ id }) => ({ name: id, parts: [] }),
  })
}

const definitions = Array.from({ length: count }, (_, at) => toolOf(at))
const startedAt = performance.now()
const startCpu = process.cpuUsage()
const config = parseConfig({ TOOLGATE_FILES: process.env['BENCH_FILES'] ?? '.toolgate/files' })
const registry = createRegistry(definitions)
const log = pino({ level: 'silent' })
const app = await buildApp({ config, registry, version: '0.0.0', log })
const delay = monitorEventLoopDelay({ resolution: 1 })
let [startMs, startCpuMs] = [0, 0]
app.get('/bench', async () => {
  const blockMs = delay.max / 1e6
  delay.reset()
  return { startMs, startCpuMs, blockMs, rssMb: process.memoryUsage.rss() / 1_048_576 }
})
const address = await app.listen({ host: '127.0.0.1', port: 0 })
startMs = performance.now() - startedAt
const { user, system } = process.cpuUsage(startCpu)
startCpuMs = (user + system) / 1000
delay.enable()
process.stdout.write(`${address}\n`)
process.on('SIGTERM', () => void app.close().then(() => process.exit(0)))
