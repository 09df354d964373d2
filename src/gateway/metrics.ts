import { Counter, collectDefaultMetrics, Gauge, Registry as Metrics } from 'prom-client'
import type { Registry } from '../registry/registry.ts'
import { isOurs } from '../registry/tool.ts'
import type { Breaker } from './policies/breaker.ts'
import type { RedisGate } from './policies/redis.ts'
import type { Store } from './policies/store.ts'
import type { TellStage } from './telemetry/stages.ts'
import { createTally, createTiming } from './telemetry/tally.ts'
import type { CallListener } from './telemetry/watch-calls.ts'
import type { Workers } from './workers.ts'

/** What keeps the number of series small, whatever is imported and called. */
export const metricsLimits = {
  /** Imported tools that are told by name; the rest is `other`. */
  importedToolsMax: 200,
} as const

/** The gateway's Prometheus metrics; `docs/operations.md` says what each is for. */
export type GatewayMetrics = {
  metrics: Metrics
  /** Counts an answer of an imported tool that its schema does not allow. */
  misfit: (tool: string) => void
  /** Counts and times a call of any face. */
  onCall: CallListener
  /** Times a stage of a call. */
  onStage: TellStage
  /** Counts a request of any route by the status that it got. */
  onResponse: (route: string, method: string, status: number) => void
  /** Reads off what was not there yet when the metrics were made. */
  watch: (parts: { workers: Workers; breakers: readonly Breaker[] }) => void
  watchAudit: (dropped: () => number) => void
}

/** A call in this process takes microseconds, an upstream seconds. */
const buckets = [
  0.0001, 0.0005, 0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
] as const

/** Makes the metrics of one gateway; each has its own registry, so that tests may have many. */
export function createMetrics(options: {
  registry: Registry
  store: Store
  redis: RedisGate | undefined
}): GatewayMetrics {
  const { registry, store, redis } = options
  const metrics = new Metrics()
  collectDefaultMetrics({ register: metrics })
  const labelOf = createToolLabel(registry)
  const calls = createTally(metrics, {
    name: 'toolgate_calls_total',
    help: 'Calls by tool, face and outcome (ok or an error code)',
    labelNames: ['tool', 'face', 'outcome'],
  })
  const callSeconds = createTiming(metrics, {
    name: 'toolgate_call_seconds',
    help: 'Duration of calls, by tool and cache (l1, redis, stale, none)',
    labelNames: ['tool', 'cache'],
    buckets,
  })
  const stageSeconds = createTiming(metrics, {
    name: 'toolgate_stage_seconds',
    help: 'Duration of the stages of calls: parse, cache, queue, pace, upstream, run',
    labelNames: ['stage', 'tool'],
    buckets,
  })
  const responses = createTally(metrics, {
    name: 'toolgate_http_responses_total',
    help: 'Answers over HTTP by route, method and status',
    labelNames: ['route', 'method', 'status'],
  })
  const redisSeconds = createTiming(metrics, {
    name: 'toolgate_redis_seconds',
    help: 'Time waited for Redis, by outcome (ok, failed)',
    labelNames: ['outcome'],
    buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1],
  })
  redis?.onReply((ms, ok) => redisSeconds.observe(ms / 1000, ok ? 'ok' : 'failed'))
  const misfits = new Counter({
    name: 'toolgate_output_misfits_total',
    help: 'Answers of imported tools that their schemas do not allow, by tool',
    labelNames: ['tool'],
    registers: [metrics],
  })
  const gauge = gaugesOf(metrics)
  const counter = countersOf(metrics)
  gauge('toolgate_tools', 'Tools listed', () => registry.list().length)
  gauge('toolgate_tools_available', 'Tools that can work now', () => registry.available().length)
  gauge('toolgate_l1_bytes', 'Bytes in the cache of this process', () => store.size().bytes)
  gauge('toolgate_l1_entries', 'Answers in the cache of this process', () => store.size().entries)
  gauge('toolgate_redis_up', 'Whether Redis answers: 1, 0, or -1 when none is configured', () =>
    redis ? Number(redis.health().state === 'up') : -1,
  )
  counter(
    'toolgate_redis_failures_total',
    'Operations that Redis failed or was too slow for',
    () => redis?.health().failures ?? 0,
  )

  return {
    metrics,
    misfit: tool => misfits.inc({ tool: labelOf(tool) }),
    onCall({ name, outcome, ms, context: { face, report } }) {
      const tool = labelOf(name)
      calls.add(tool, face, outcome)
      callSeconds.observe(ms / 1000, tool, report.hit ?? 'none')
    },
    onStage: (stage, tool, ms) => stageSeconds.observe(ms / 1000, stage, labelOf(tool)),
    onResponse: (route, method, status) => responses.add(route, method, String(status)),
    watchAudit: dropped =>
      counter('toolgate_audit_dropped_total', 'Lines that the audit trail had to drop', dropped),
    watch: ({ workers, breakers }) => {
      gauge('toolgate_workers_busy', 'Threads at work', () => workers.load().busy)
      gauge('toolgate_workers_queued', 'Calls that wait for a thread', () => workers.load().queued)
      watchBreakers(metrics, breakers)
    },
  }
}

/** The name of a tool as a label: of imported ones only so many, of what is no tool none. */
function createToolLabel(registry: Registry): (name: string) => string {
  const imported = new Set<string>()
  return name => {
    const tool = registry.get(name)
    if (!tool) return 'unknown'
    if (imported.has(name) || isOurs(tool)) return name
    if (imported.size >= metricsLimits.importedToolsMax) return 'other'
    imported.add(name)
    return name
  }
}

type Read = (name: string, help: string, read: () => number) => void

const gaugesOf =
  (metrics: Metrics): Read =>
  (name, help, read) => {
    new Gauge({
      name,
      help,
      registers: [metrics],
      collect() {
        this.set(read())
      },
    })
  }

/** Counters that are kept elsewhere. */
const countersOf =
  (metrics: Metrics): Read =>
  (name, help, read) => {
    new Counter({
      name,
      help,
      registers: [metrics],
      collect() {
        this.reset()
        this.inc(read())
      },
    })
  }

/** Only circuits that are not closed are told: their number is the number of troubles. */
function watchBreakers(metrics: Metrics, breakers: readonly Breaker[]): void {
  new Gauge({
    name: 'toolgate_breaker_open',
    help: 'Upstreams that are left alone (1) or probed (0.5) after failures',
    labelNames: ['upstream'],
    registers: [metrics],
    collect() {
      this.reset()
      for (const { upstream, state } of breakers.flatMap(breaker => breaker.states()))
        if (state !== 'closed') this.set({ upstream }, state === 'open' ? 1 : 0.5)
    },
  })
}
