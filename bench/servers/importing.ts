// A gateway that imports one server: BENCH_SOURCE is its address. Tells how it went on GET /bench.
import { enableCompileCache } from 'node:module'
import { pino } from 'pino'
import { parseConfig } from '../../src/config.ts'
import { buildApp } from '../../src/gateway/app.ts'
import { noRedis } from '../../src/gateway/policies/redis-port.ts'
import { createSources } from '../../src/gateway/sources/sources.ts'
import { createRegistry } from '../../src/registry/registry.ts'
import { parseSource } from '../../src/registry/sources/source.ts'

// As the command does.
enableCompileCache()
const config = parseConfig({ TOOLGATE_FILES: `/tmp/toolgate-bench-${process.pid}` })
const registry = createRegistry([])
const log = pino({ level: 'error' })
const sources = createSources({
  registry,
  definitions: [],
  redis: noRedis,
  version: '0.0.0',
  allowedHosts: [],
  log,
})
const app = await buildApp({ config, registry, version: '0.0.0', log })

/** How long a work took, and the longest that it kept this thread busy between two turns of the loop. */
async function longestBlockMs(work: () => Promise<unknown>): Promise<[number, number]> {
  // The thread's own time: on a busy machine a timer is late for reasons that are not ours.
  const busyMs = (): number => {
    const { user, system } = process.threadCpuUsage()
    return (user + system) / 1_000
  }
  let [longest, at] = [0, busyMs()]
  const timer = setInterval(() => {
    const now = busyMs()
    longest = Math.max(longest, now - at)
    at = now
  }, 1)
  const startedAt = performance.now()
  await work()
  const ms = performance.now() - startedAt
  await new Promise(resolve => setTimeout(resolve, 5))
  clearInterval(timer)
  return [ms, longest]
}

const { BENCH_SOURCE = '' } = process.env
const definition = parseSource({
  name: 'many',
  kind: 'openapi',
  url: `${BENCH_SOURCE}/openapi.json`,
})
const usedBefore = process.cpuUsage()
const [ms, blockMs] = await longestBlockMs(() => sources.put(definition))
const used = process.cpuUsage(usedBefore)
const cpuMs = (used.user + used.system) / 1_000
const tools = registry.list().length
app.get('/bench', { config: { access: 'open' } }, () => ({ ms, cpuMs, blockMs, tools }))
process.stdout.write(`${await app.listen({ host: '127.0.0.1', port: 0 })}\n`)
process.on('SIGTERM', () => process.exit(0))
