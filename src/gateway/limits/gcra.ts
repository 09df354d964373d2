import type { Allowed, Amount } from './amount.ts'

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

/** What one policy has room for, and after how many milliseconds there is more. */
export type Room = readonly [policy: Standing['policy'], room: number, retryMs: number]

/**
 * Takes up to `wanted` from an allowance, as the script in Redis does: the rate by GCRA (so many at
 * once, then one in an interval), the quota by windows that begin at midnight UTC and on the hour.
 */
export function takeLocally(
  used: Used,
  allowed: Allowed,
  { wanted, now, busy }: { wanted: number; now: number; busy: number },
): Outcome {
  const { rate, quota, concurrency } = allowed
  let admitted = wanted
  if (rate) {
    used.fullAt = Math.max(used.fullAt, now)
    admitted = Math.min(admitted, roomOf(rate, used.fullAt - now))
  }
  if (quota) {
    const window = Math.floor(now / quota.perMs)
    if (window !== used.window) used.count = 0
    used.window = window
    admitted = Math.min(admitted, quota.count - used.count)
  }
  if (concurrency !== undefined) admitted = Math.min(admitted, concurrency - busy)
  admitted = Math.max(0, admitted)
  // Nearly all are let in, and who would have refused them need not be asked.
  const refusal =
    admitted < wanted &&
    outcomeOf(roomsOf(used, allowed, { now, busy, admitted }), wanted, admitted)
  if (rate) used.fullAt += takenMs(rate, admitted)
  if (quota) used.count += admitted
  const facts = { fullMs: used.fullAt - now, count: used.count, now, busy: busy + admitted }
  const standings = standingsOf(allowed, facts)
  return refusal ? { ...refusal, standings } : { admitted, retryMs: 0, standings }
}

const roomOf = (rate: Amount, fullMs: number): number =>
  Math.floor(((rate.perMs - fullMs) * rate.count) / rate.perMs + 1e-6)
const takenMs = (rate: Amount, taken: number): number => (taken * rate.perMs) / rate.count

/** What there was room for, and how long it takes for more once `admitted` have it. */
function roomsOf(
  used: Used,
  { rate, quota, concurrency }: Allowed,
  { now, busy, admitted }: { now: number; busy: number; admitted: number },
): Room[] {
  const rooms: Room[] = []
  if (rate) {
    const fullMs = used.fullAt - now
    const retryMs = fullMs + takenMs(rate, admitted + 1) - rate.perMs
    rooms.push(['rate', roomOf(rate, fullMs), retryMs])
  }
  if (quota) rooms.push(['quota', quota.count - used.count, (used.window + 1) * quota.perMs - now])
  if (concurrency !== undefined) rooms.push(['concurrency', concurrency - busy, 1_000])
  return rooms
}

/** Who refused, and for how long: of several the one that lasts longest. */
export function outcomeOf(
  rooms: readonly Room[],
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
    const remaining = Math.max(0, roomOf(rate, fullMs))
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
