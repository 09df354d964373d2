import { LRUCache } from 'lru-cache'

/** How many second tries an upstream may get. */
export const retryBudgetLimits = {
  /** Each request earns so much of a retry: at most one in ten is tried again. */
  earned: 0.1,
  /** So many may be saved up; a fresh upstream has them all. */
  savedMax: 10,
  keysMax: 1_000,
} as const

/** Keeps second tries from doubling the load on an upstream that is going under. */
export type RetryBudget = {
  /** A request goes out. */
  earn(key: string): void
  /** True when a second try may go out; it is then paid for. */
  spend(key: string): boolean
}

/** Makes a budget for each upstream. */
export function createRetryBudget(
  limits: typeof retryBudgetLimits = retryBudgetLimits,
): RetryBudget {
  const saved = new LRUCache<string, number>({ max: limits.keysMax })
  const of = (key: string): number => saved.get(key) ?? limits.savedMax
  return {
    earn: key => {
      saved.set(key, Math.min(of(key) + limits.earned, limits.savedMax))
    },
    spend: key => {
      const left = of(key)
      if (left < 1) return false
      saved.set(key, left - 1)
      return true
    },
  }
}
