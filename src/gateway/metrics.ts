import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry as Metrics } from 'prom-client'
import type { CallContext, Invoke } from '../registry/call.ts'
import { toToolError } from '../registry/errors.ts'
import type { Registry } from '../registry/registry.ts'
import type { RedisHealth } from './policies/redis.ts'
import type { Store } from './policies/store.ts'

/** The gateway's Prometheus metrics; `docs/operations.md` says what each is for. */
export type GatewayMetrics = {
  metrics: Metrics
  /** Counts an answer of an imported tool that its schema does not allow. */
  misfit: (tool: string) => void
  /** Wraps the way in, so that every call of every face is counted and timed. */
  observe: (invoke: Invoke) => Invoke
}

/** Makes the metrics of one gateway; each has its own registry, so that tests may have many. */
export function createMetrics(options: {
  registry: Registry
  store: Store
  redisHealth: () => RedisHealth | undefined
}): GatewayMetrics {
  const { registry, store, redisHealth } = options
  const metrics = new Metrics()
  collectDefaultMetrics({ register: metrics })
  // Counting with labels costs as much as a cached call, so calls are tallied here and told when asked.
  const tally = new Map<string, { tool: string; face: string; outcome: string; count: number }>()
  new Counter({
    name: 'toolgate_calls_total',
    help: 'Calls by tool, face and outcome (ok or an error code)',
    labelNames: ['tool', 'face', 'outcome'],
    registers: [metrics],
    collect() {
      this.reset()
      for (const { count, ...labels } of tally.values()) this.inc(labels, count)
    },
  })
  const seconds = new Histogram({
    name: 'toolgate_call_seconds',
    help: 'Duration of calls that went past this process, by tool and cache (redis, stale, none)',
    labelNames: ['tool', 'cache'],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 60],
    registers: [metrics],
  })
  const gauge = (name: string, help: string, read: () => number): Gauge =>
    new Gauge({
      name,
      help,
      registers: [metrics],
      collect() {
        this.set(read())
      },
    })
  gauge('toolgate_tools', 'Tools listed', () => registry.list().length)
  gauge('toolgate_tools_available', 'Tools that can work now', () => registry.available().length)
  gauge('toolgate_l1_bytes', 'Bytes in the cache of this process', () => store.size().bytes)
  gauge('toolgate_l1_entries', 'Answers in the cache of this process', () => store.size().entries)
  gauge('toolgate_redis_up', 'Whether Redis answers: 1, 0, or -1 when none is configured', () => {
    const health = redisHealth()
    return health ? Number(health.state === 'up') : -1
  })
  gauge(
    'toolgate_redis_failures_total',
    'Operations that Redis failed or was too slow for',
    () => redisHealth()?.failures ?? 0,
  )

  const misfits = new Counter({
    name: 'toolgate_output_misfits_total',
    help: 'Answers of imported tools that their schemas do not allow, by tool',
    labelNames: ['tool'],
    registers: [metrics],
  })

  return {
    metrics,
    misfit: tool => misfits.inc({ tool }),
    observe: invoke => async (name, args, context) => {
      const startedAt = performance.now()
      const label = registry.get(name) ? name : 'unknown'
      try {
        const answer = await invoke(name, args, context)
        count(label, 'ok', context, startedAt)
        return answer
      } catch (error) {
        count(label, toToolError(error).code, context, startedAt)
        throw error
      }
    },
  }

  function count(tool: string, outcome: string, context: CallContext, startedAt: number): void {
    const { face, report } = context
    const key = `${tool} ${face} ${outcome}`
    const entry = tally.get(key)
    if (entry) entry.count += 1
    else tally.set(key, { tool, face, outcome, count: 1 })
    if (report.hit === 'l1') return
    seconds.observe({ tool, cache: report.hit ?? 'none' }, (performance.now() - startedAt) / 1000)
  }
}
