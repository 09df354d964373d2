import type { Allowed } from './amount.ts'

/** What one who is limited has used. Times are milliseconds since the epoch, on whichever clock decides. */
export type Used = {
  /** When the rate's bucket is full again (the theoretical arrival time of GCRA). */
  fullAt: number
  window: number
  count: number
}

/** How one allowance stands after a look at it. */
export type Standing = {
  policy: 'rate' | 'quota' | 'concurrency'
  limit: number
  perMs: number
  remaining: number
  /** Until all of it is there again. */
  resetMs: number
}
/** What came of asking for a number of places at once. */
export type Outcome = {
  admitted: number
  /** What refused the rest. */
  refusedBy?: Standing['policy']
  retryMs: number
  standings: Standing[]
}

/**
 * Takes up to `wanted` from an allowance, as the script in Redis does: the rate by GCRA (so many at
 * once, then one in an interval), the quota by windows that begin at midnight UTC and on the hour.
 */
export function takeLocally(
  used: Used,
  allowed: Allowed,
  ask: { wanted: number; now: number; busy: number },
): Outcome {
  const { wanted, now, busy } = ask
  const { rate, quota, concurrency } = allowed
  const rooms: [Standing['policy'], number, number][] = []
  if (rate) {
    const interval = rate.perMs / rate.count
    used.fullAt = Math.max(used.fullAt, now)
    const room = Math.floor((now + rate.perMs - used.fullAt) / interval + 1e-6)
    rooms.push(['rate', room, used.fullAt + interval - now - rate.perMs])
  }
  if (quota) {
    const window = Math.floor(now / quota.perMs)
    if (window !== used.window) Object.assign(used, { window, count: 0 })
    rooms.push(['quota', quota.count - used.count, (window + 1) * quota.perMs - now])
  }
  if (concurrency !== undefined) rooms.push(['concurrency', concurrency - busy, 1_000])
  const admitted = Math.max(0, Math.min(wanted, ...rooms.map(([, room]) => room)))
  if (rate) {
    const taken = (admitted * rate.perMs) / rate.count
    used.fullAt += taken
    if (rooms[0]) rooms[0][2] += taken
  }
  if (quota) used.count += admitted
  const facts = { fullMs: used.fullAt - now, count: used.count, now, busy: busy + admitted }
  return { ...outcomeOf(rooms, wanted, admitted), standings: standingsOf(allowed, facts) }
}

/** Who refused, and for how long: of several the one that lasts longest. */
export function outcomeOf(
  rooms: readonly [Standing['policy'], number, number][],
  wanted: number,
  admitted: number,
): Omit<Outcome, 'standings'> {
  if (admitted >= wanted) return { admitted, retryMs: 0 }
  const [worst] = rooms.filter(([, room]) => room < wanted).toSorted(([, , a], [, , b]) => b - a)
  return worst
    ? { admitted, refusedBy: worst[0], retryMs: Math.max(1, worst[2]) }
    : { admitted, retryMs: 1 }
}

/** How an allowance stands, for the headers that tell of it. */
export function standingsOf(
  { rate, quota, concurrency }: Allowed,
  { fullMs, count, now, busy }: { fullMs: number; count: number; now: number; busy: number },
): Standing[] {
  const standings: Standing[] = []
  if (rate) {
    const room = Math.floor(((rate.perMs - fullMs) * rate.count) / rate.perMs + 1e-6)
    const remaining = Math.max(0, room)
    const { count: limit, perMs } = rate
    standings.push({ policy: 'rate', limit, perMs, remaining, resetMs: Math.max(0, fullMs) })
  }
  if (quota) {
    const { count: limit, perMs } = quota
    const resetMs = perMs - (now % perMs)
    standings.push({
      policy: 'quota',
      limit,
      perMs,
      remaining: Math.max(0, limit - count),
      resetMs,
    })
  }
  if (concurrency !== undefined)
    standings.push({
      policy: 'concurrency',
      limit: concurrency,
      perMs: 0,
      remaining: Math.max(0, concurrency - busy),
      resetMs: 0,
    })
  return standings
}
