import { LRUCache } from 'lru-cache'
import { fail } from '../../registry/errors.ts'

/** When an upstream is left alone. */
export const breakerLimits = {
  /** So many failures in a row open the circuit. */
  failuresMax: 10,
  /** Then it stays open for this long, twice as long after each probe that fails. */
  openMs: 2_000,
  openMsMax: 30_000,
  /** An upstream that asks for a pause is left alone for so long at most. */
  holdMsMax: 5_000,
  /** Upstreams remembered. */
  keysMax: 1_000,
} as const

/** One request's right to go out. Exactly one of succeed, fail and leave is to be called. */
export type Permit = {
  succeed(): void
  fail(): void
  /** The request ended without a verdict on the upstream, e.g. because the caller left. */
  leave(): void
  /** The upstream asked for a pause. */
  hold(ms: number): void
}

/** A circuit breaker for each upstream. */
export type Breaker = {
  /** Lets a request out, or throws TG_UPSTREAM_BUSY while the circuit is open. */
  enter(key: string): Permit
  /** The state of each upstream, for metrics and health. */
  states(): { upstream: string; state: 'closed' | 'open' | 'half-open' }[]
}

type Circuit = { failures: number; openUntil: number; openMs: number; probing: boolean }

/** Makes a breaker. After an open spell one probe goes out; what it finds decides. */
export function createBreaker(
  options: {
    now?: () => number
    limits?: Partial<Record<keyof typeof breakerLimits, number>>
  } = {},
): Breaker {
  const now = options.now ?? Date.now
  const limits = { ...breakerLimits, ...options.limits }
  const longestMs = Math.max(limits.openMsMax, limits.holdMsMax)
  const circuits = new LRUCache<string, Circuit>({ max: limits.keysMax })

  function circuitOf(key: string): Circuit {
    const known = circuits.get(key)
    if (known) return known
    const made = { failures: 0, openUntil: 0, openMs: limits.openMs, probing: false }
    circuits.set(key, made)
    return made
  }

  function enter(key: string): Permit {
    const circuit = circuitOf(key)
    // A clock that was set back must not leave an upstream alone for as long.
    if (circuit.openUntil - now() > longestMs) circuit.openUntil = 0
    const waitMs = circuit.openUntil - now()
    if (waitMs > 0) throw fail('TG_UPSTREAM_BUSY', key, 'it is left alone for a while', waitMs)
    const isProbe = circuit.failures >= limits.failuresMax
    if (isProbe && circuit.probing)
      throw fail('TG_UPSTREAM_BUSY', key, 'it is being probed after failures', circuit.openMs)
    circuit.probing = isProbe
    const settle = () => {
      if (isProbe) circuit.probing = false
    }
    return {
      succeed() {
        settle()
        circuit.failures = 0
        circuit.openMs = limits.openMs
      },
      fail() {
        settle()
        circuit.failures += 1
        // Of those that went out together, one opens it; after that only a probe tells anything new.
        if (!isProbe && circuit.failures !== limits.failuresMax) return
        circuit.openUntil = now() + circuit.openMs
        circuit.openMs = Math.min(circuit.openMs * 2, limits.openMsMax)
      },
      leave: settle,
      hold(ms) {
        circuit.openUntil = Math.max(circuit.openUntil, now() + Math.min(ms, limits.holdMsMax))
      },
    }
  }

  return {
    enter,
    states: () =>
      [...circuits].map(([upstream, { failures, openUntil }]) => {
        if (openUntil > now()) return { upstream, state: 'open' as const }
        return {
          upstream,
          state: failures >= limits.failuresMax ? ('half-open' as const) : ('closed' as const),
        }
      }),
  }
}

/** The upstreams that are left alone or probed. */
export const openCircuits = (breakers: readonly Breaker[]): string[] =>
  breakers
    .flatMap(breaker => breaker.states())
    .flatMap(({ upstream, state }) => (state === 'closed' ? [] : upstream))
