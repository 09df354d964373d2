import {
  type CacheReport,
  type CallContext,
  type Interceptor,
  type Result,
} from '../../registry/call.ts'
import { fail } from '../../registry/errors.ts'
import { isStorable } from './cache.ts'
import { cacheKey } from './cache-key.ts'

type Flight = {
  landing: Promise<Result>
  report: CacheReport
  controller: AbortController
  waiters: number
}

/**
 * Of equal calls at once in this process exactly one goes on; the others wait for its answer. A
 * waiter that leaves aborts nothing; the last one to leave aborts the flight. Only calls whose answer
 * may be shared are joined: two equal calls of a tool without a cache are two calls.
 */
export function singleFlight(): Interceptor {
  const flights = new Map<string, Flight>()

  return next => async (tool, input, context) => {
    if (!isStorable(tool, context.control)) return next(tool, input, context)
    const name = flightName(cacheKey(tool, input, context), context)
    const flying = flights.get(name)
    const flight = flying ?? start()
    const result = await join(flight, name, context)
    Object.assign(context.report, flight.report)
    if (flying) context.report.collapsed = true
    return result

    function start(): Flight {
      const controller = new AbortController()
      const report: CacheReport = { ...context.report }
      const landing = next(tool, input, { ...context, signal: controller.signal, report })
      const flight: Flight = { landing, report, controller, waiters: 0 }
      flights.set(name, flight)
      const land = (): void => forget(name, flight)
      landing.then(land, land)
      return flight
    }
  }

  async function join(flight: Flight, name: string, { signal }: CallContext): Promise<Result> {
    flight.waiters += 1
    const { promise, reject } = Promise.withResolvers<never>()
    const leave = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', leave, { once: true })
    if (signal.aborted) leave()
    try {
      return await Promise.race([flight.landing, promise])
    } finally {
      signal.removeEventListener('abort', leave)
      flight.waiters -= 1
      if (flight.waiters === 0) {
        forget(name, flight)
        flight.controller.abort(fail('TG_CLIENT_CLOSED'))
      }
    }
  }

  function forget(name: string, flight: Flight): void {
    if (flights.get(name) === flight) flights.delete(name)
  }
}

/** Calls that want a younger answer, or only a stored one, do not share a flight with the rest. */
const flightName = (key: string, { control = {} }: CallContext): string =>
  `${control.noCache ? 'fresh' : (control.maxAgeMs ?? '')} ${control.onlyIfCached ? 'stored' : ''} ${key}`
