import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { Config } from '../../config.ts'
import type { Invoke } from '../../registry/call.ts'
import type { ModelRequestFacts } from '../llm/call.ts'
import type { GatewayMetrics } from '../metrics.ts'
import { createAudit } from './audit.ts'
import { createCallLog } from './call-log.ts'
import { countResponses } from './count-responses.ts'
import type { Traces } from './traces.ts'
import { watchCalls } from './watch-calls.ts'

/** All that watches a gateway, around what it does: metrics, traces, the line a call, the audit trail. */
export type Seen = {
  /** Around the way in. */
  wrap: (invoke: Invoke) => Invoke
  /** Around every route that is added from now on. */
  watch: (app: FastifyInstance) => void
  onModelRequest: (facts: ModelRequestFacts) => void
  close: () => Promise<void>
}

/** Puts it together. */
export function createSeen(options: {
  config: Config
  log: FastifyBaseLogger
  now: () => number
  metrics: GatewayMetrics
  traces: Traces
}): Seen {
  const { config, log, now, metrics, traces } = options
  const audit = createAudit({ config: config.audit, log, now })
  metrics.watchAudit(audit.dropped)
  const hear = watchCalls([
    metrics.onCall,
    createCallLog({ log, share: config.callLog }),
    ...audit.listeners,
  ])
  return {
    wrap: invoke => hear(traces.wrap(invoke)),
    watch(app) {
      traces.watch(app)
      countResponses(app, metrics.onResponse)
      audit.watchAdmin(app)
    },
    onModelRequest(facts) {
      audit.onModelRequest?.(facts)
      traces.onModelRequest?.(facts)
    },
    async close() {
      await Promise.all([audit.close(), traces.close()])
    },
  }
}
