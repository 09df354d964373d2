import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { Config } from '../../config.ts'
import type { ModelRequestFacts } from '../llm/call.ts'
import { createTrail, type Trail, type TrailSink } from './trail.ts'
import { descriptorSink, fileSink } from './trail-sinks.ts'
import type { CallFacts, CallListener } from './watch-calls.ts'

/** Of arguments and answers, where they are wanted, so many characters are kept. */
export const auditLimits = { bodyCharactersMax: 65_536, nameCharactersMax: 80 } as const

/** The trail of who did what; nothing of it waits, and nothing waits for it. */
export type Audit = {
  /** Hears of every call; none where there is no trail. */
  listeners: CallListener[]
  /** Hears of every request to a model. */
  onModelRequest: ((facts: ModelRequestFacts) => void) | undefined
  /** Notes what is asked of routes that change the gateway. */
  watchAdmin: (app: FastifyInstance) => void
  dropped: () => number
  close: () => Promise<void>
}

const noAudit: Audit = {
  listeners: [],
  onModelRequest: undefined,
  watchAdmin: () => undefined,
  dropped: () => 0,
  close: () => Promise.resolve(),
}

/** Opens the trail that the configuration asks for. */
export function createAudit(options: {
  config: Config['audit']
  log: Pick<FastifyBaseLogger, 'warn' | 'info'>
  now: () => number
  /** In place of the file or standard output. */
  sink?: TrailSink
}): Audit {
  const { config, log, now } = options
  const { to, bodies } = config
  if (to === undefined) return noAudit
  const trail = createTrail({
    sink: options.sink ?? (to === 'stdout' ? descriptorSink(1) : fileSink(to, config)),
    onChange: err =>
      err
        ? log.warn({ err }, 'audit trail not written')
        : log.info({}, 'audit trail written again'),
    gap: dropped => entry({ kind: 'gap', dropped }),
  })
  return {
    listeners: [facts => add(trail, callEntry(facts, bodies))],
    onModelRequest: facts => add(trail, { kind: 'llm', ...facts }),
    watchAdmin: app => watchAdmin(app, facts => add(trail, facts)),
    dropped: trail.dropped,
    close: trail.close,
  }

  function entry(facts: object): string {
    return JSON.stringify({ time: new Date(now()).toISOString(), ...facts })
  }

  function add(to: Trail, facts: object): void {
    to.add(entry(facts))
  }
}

function callEntry({ name, args, outcome, ms, context, answer }: CallFacts, bodies: boolean) {
  const { requestId, face, caller, address, report } = context
  const asked = JSON.stringify(args) ?? ''
  const given = answer?.result.json ?? ''
  return {
    kind: 'call',
    requestId,
    face,
    caller,
    address,
    tool: answer?.tool.name ?? name.slice(0, auditLimits.nameCharactersMax),
    outcome,
    ms: Math.round(ms * 100) / 100,
    cache: report.hit ?? report.forward,
    bytesIn: Buffer.byteLength(asked),
    bytesOut: Buffer.byteLength(given),
    ...(bodies
      ? {
          arguments: asked.slice(0, auditLimits.bodyCharactersMax),
          answer: given.slice(0, auditLimits.bodyCharactersMax),
        }
      : {}),
  }
}

/** Who changed sources, nodes or keys; also who tried. */
function watchAdmin(app: FastifyInstance, tell: (facts: object) => void): void {
  app.addHook('onRoute', route => {
    if (route.config?.access !== 'admin') return
    const told = [route.onResponse ?? []].flat()
    route.onResponse = [
      ...told,
      async (request, reply) => {
        tell({
          kind: 'admin',
          requestId: request.id,
          caller: request.caller,
          address: request.ip,
          method: request.method,
          route: request.routeOptions.url,
          status: reply.statusCode,
        })
      },
    ]
  })
}
