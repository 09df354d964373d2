import { LRUCache } from 'lru-cache'
import { fail, type ToolError } from '../../registry/errors.ts'
import type { Amount } from '../limits/amount.ts'
import { takeLocally, type Used } from '../limits/gcra.ts'
import { addressOf } from '../limits/limits.ts'
import type { Holder } from './keys.ts'

/** Bounds of what is remembered of callers' addresses. */
export const attemptLimits = { addressesMax: 10_000, addressesPerKeyMax: 1_000 } as const

/** Makes guessing of keys slow: whoever brings too many wrong ones is heard no more for a while. */
export type Attempts = {
  /** Counts a wrong key; the error is what to answer in place of its own. */
  failed(ip: string): ToolError | undefined
  /**
   * Why a good key is not taken: its address has brought too many wrong ones, and has not used this
   * one before. Right and wrong guesses look alike then, and callers that are known go on.
   */
  suspect(holder: Holder, ip: string): ToolError | undefined
  configure(amount: Amount): void
}

/** Makes it. It is this process's own: a guess costs a hash, and asks Redis nothing. */
export function createAttempts(options: { amount: Amount; now?: () => number }): Attempts {
  const { now = Date.now } = options
  let { amount } = options
  const addresses = new LRUCache<string, Used>({ max: attemptLimits.addressesMax })
  const users = new WeakMap<Holder, Set<string>>()

  const refusalOf = (ip: string, used: Used, wanted: number): ToolError | undefined => {
    const copy = wanted > 0 ? used : { ...used }
    const ask = { wanted: 1, now: now(), busy: 0 }
    const { admitted, retryMs } = takeLocally(copy, { rate: amount }, ask)
    return admitted > 0
      ? undefined
      : fail('TG_RATE_LIMITED', `too many wrong keys of ${ip}`, retryMs)
  }

  return {
    failed(ip) {
      const address = addressOf(ip) ?? ip
      const used = addresses.get(address) ?? { fullAt: 0, window: 0, count: 0 }
      addresses.set(address, used)
      return refusalOf(ip, used, 1)
    },
    suspect(holder, ip) {
      let known = users.get(holder)
      if (known?.has(ip)) return undefined
      const used = addresses.size > 0 ? addresses.get(addressOf(ip) ?? ip) : undefined
      const refused = used && refusalOf(ip, used, 0)
      if (refused) return refused
      if (!known) users.set(holder, (known = new Set()))
      if (known.size < attemptLimits.addressesPerKeyMax) known.add(ip)
      return undefined
    },
    configure(next) {
      amount = next
    },
  }
}
