import {
  type CacheReport,
  type CallContext,
  type Interceptor,
  type Result,
} from '../../registry/call.ts'
import { fail } from '../../registry/errors.ts'
import { isStorable } from './cache.ts'
import { cacheKey } from './cache-key.ts'

/** Each caller has a seat of its own, even callers with one context. */
type Seat = { context: CallContext }
type Flight = {
  landing: Promise<Result>
  report: CacheReport
  controller: AbortController
  seats: Set<Seat>
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
    const seat = { context }
    const flying = flights.get(name)
    const flight = flying ?? start(name, seat, flown => next(tool, input, flown))
    const result = await sit(flight, name, seat)
    Object.assign(context.report, flight.report)
    if (flying) context.report.collapsed = true
    return result
  }

  function start(name: string, seat: Seat, run: (context: CallContext) => Promise<Result>): Flight {
    const controller = new AbortController()
    const seats = new Set([seat])
    const report: CacheReport = { ...seat.context.report }
    const landing = run(sharedContext(seat.context, { seats, report, controller }))
    const flight = { landing, report, controller, seats }
    flights.set(name, flight)
    const land = (): void => void forget(name, flight)
    landing.then(land, land)
    return flight
  }

  async function sit(flight: Flight, name: string, seat: Seat): Promise<Result> {
    const { signal } = seat.context
    flight.seats.add(seat)
    const { promise, reject } = Promise.withResolvers<never>()
    const leave = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', leave, { once: true })
    if (signal.aborted) leave()
    try {
      return await Promise.race([flight.landing, promise])
    } finally {
      signal.removeEventListener('abort', leave)
      flight.seats.delete(seat)
      if (flight.seats.size === 0 && forget(name, flight))
        flight.controller.abort(fail('TG_CLIENT_CLOSED'))
    }
  }

  /** True when it was still flying. */
  function forget(name: string, flight: Flight): boolean {
    return flights.get(name) === flight && flights.delete(name)
  }
}

/**
 * The context of a flight belongs to all in it: it is nobody's deadline alone, and all hear of its
 * progress.
 */
function sharedContext(
  { deadlineMs: _deadlineMs, deadlineAt: _deadlineAt, ...first }: CallContext,
  { seats, report, controller }: Omit<Flight, 'landing'>,
): CallContext {
  return Object.assign(new LastDeadline(seats), first, {
    report,
    signal: controller.signal,
    progress: (...[done, total, message]: Parameters<NonNullable<CallContext['progress']>>) => {
      for (const { context } of seats) context.progress?.(done, total, message)
    },
  })
}

/**
 * A turn at a paced upstream is worth taking while anybody will still be there. A class, for a getter
 * in a literal would give each context a hidden class of its own.
 */
class LastDeadline {
  readonly #seats: ReadonlySet<Seat>

  constructor(seats: ReadonlySet<Seat>) {
    this.#seats = seats
  }
  get deadlineAt(): number {
    let last = 0
    for (const { context } of this.#seats)
      last = Math.max(last, context.deadlineAt ?? Number.POSITIVE_INFINITY)
    return last
  }
}

/** Calls that want a younger answer, or only a stored one, do not share a flight with the rest. */
const flightName = (key: string, { control = {} }: CallContext): string =>
  `${control.noCache ? 'fresh' : (control.maxAgeMs ?? '')} ${control.onlyIfCached ? 'stored' : ''} ${key}`
