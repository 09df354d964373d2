// The figures of a large registry: 10,000 tools of our own. `node bench/registry.ts [--smoke]`
import { loadavg } from 'node:os'
import { Agent, request } from 'undici'
import { startServer } from './processes.ts'
import { report } from './report.ts'

const isSmoke = process.argv.includes('--smoke')
const [tools, rounds] = isSmoke ? [500, 10] : [10_000, 200]
const agent = new Agent({ connections: 1 })
const server = await startServer('./servers/many.ts', { BENCH_TOOLS: String(tools) })
type Cost = { startMs: number; startCpuMs: number; blockMs: number; rssMb: number }
const cost = async (): Promise<Cost> => JSON.parse(await get('/bench')) as Cost

const idle = await cost()
const [firstSearchMs] = await time('/registry/search?limit=10&q=compare+sensor')
const built = await cost()
const queries = [
  'rename invoice',
  '上海',
  'archve contract',
  'measure recipe 9',
  'photo of a train',
]
const searches = Array.from({ length: rounds }, (_, at) => queries[at % queries.length] ?? '')
const searchMs: number[] = []
for (const q of searches)
  searchMs.push((await time(`/registry/search?limit=10&q=${encodeURIComponent(q)}`))[0])
const listMs: number[] = []
for (let at = 0; at < rounds; at++) listMs.push((await time('/registry?limit=50'))[0])
await cost()
const [firstMcpMs, bytes] = await time('/mcp', listTools)
const wrote = await cost()
const mcpMs: number[] = []
for (let at = 0; at < Math.min(rounds, 20); at++) mcpMs.push((await time('/mcp', listTools))[0])
const { rssMb } = await cost()
await agent.close()
await server.stop()

const ms = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`
await report('registry', [
  {
    what: `start with ${tools} tools, linted`,
    seen: `${(idle.startMs / 1000).toFixed(2)} s`,
    goal: '< 4 s',
    note: `${(idle.startCpuMs / 1000).toFixed(2)} s of processor, ${loadavg()[0]?.toFixed(1)} processes ready to run`,
  },
  { what: 'GET /registry?limit=50, p50', seen: ms(median(listMs)), goal: '< 3 ms' },
  {
    what: 'GET /registry/search, p50',
    seen: ms(median(searchMs)),
    goal: '< 10 ms',
    note: `the first ${ms(firstSearchMs)}; longest block of the loop until then ${ms(built.blockMs)}`,
  },
  {
    what: 'tools/list over MCP, all on one page, p50',
    seen: ms(median(mcpMs)),
    goal: 'cached',
    note: `${(bytes / 1_048_576).toFixed(1)} MiB; the first ${ms(firstMcpMs)}, longest block ${ms(wrote.blockMs)}`,
  },
  {
    what: 'resident memory after all of that',
    seen: `${Math.round(rssMb)} MiB`,
    goal: '',
    note: `${Math.round(idle.rssMb)} MiB when started`,
  },
])

function listTools() {
  return JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' })
}

async function get(path: string): Promise<string> {
  return (await request(`${server.url}${path}`, { dispatcher: agent })).body.text()
}

async function time(path: string, body?: () => string): Promise<[number, number]> {
  const startedAt = performance.now()
  const answer = await request(`${server.url}${path}`, {
    dispatcher: agent,
    ...(body
      ? { method: 'POST', body: body(), headers: { 'content-type': 'application/json' } }
      : {}),
  })
  const { byteLength } = await answer.body.arrayBuffer()
  if (answer.statusCode !== 200) throw new Error(`${path} answered ${answer.statusCode}`)
  return [performance.now() - startedAt, byteLength]
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
