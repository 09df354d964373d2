import type { FastifyInstance } from 'fastify'
import type { Registry as Metrics } from 'prom-client'
import type { TellLimited } from '../limits/limiter.ts'
import { toHttpError } from '../http/errors.ts'
import { createTally } from './tally.ts'

/** Counts what was refused, on every face, by the code of the error. */
export type Refusals = {
  /** Counts the errors of a server's requests from now on. */
  watch(app: FastifyInstance): void
  /** Counts what never became a request. */
  tell: (code: string) => void
  /** Counts what was over a limit. */
  onLimited: TellLimited
}

/** Makes the counters: refusals by code, and by what was limited. */
export function createRefusals(metrics: Metrics): Refusals {
  const refusals = createTally(metrics, {
    name: 'toolgate_refusals_total',
    help: 'Requests that were answered with an error, by code',
    labelNames: ['code'],
  })
  const limited = createTally(metrics, {
    name: 'toolgate_limited_total',
    help: 'Requests and calls over a limit, by what was limited (key, address, tool, model) and how',
    labelNames: ['by', 'policy'],
  })
  return {
    watch(app) {
      app.addHook('onError', (_request, _reply, error, done) => {
        refusals.add(toHttpError(error).code)
        done()
      })
    },
    tell: code => refusals.add(code),
    onLimited: (by, policy) => limited.add(by, policy),
  }
}
