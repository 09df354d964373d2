import { fail } from '../../registry/errors.ts'

/** How many calls may wait for a place at one server. */
export const placeLimits = { waitersMax: 500, retryAfterMs: 1_000 } as const

/** Lets so many calls of one server run at once; the rest wait in order, as long as they are wanted. */
export type Places = {
  /** Runs when a place is free. Throws TG_BUSY when too many wait, or why the call was ended. */
  take<Value>(name: string, signal: AbortSignal, run: () => Promise<Value>): Promise<Value>
}

/** Makes places; they are each process's own. */
export function createPlaces(
  max: number,
  limits: { waitersMax: number; retryAfterMs: number } = placeLimits,
): Places {
  const waiters = new Set<() => void>()
  let running = 0
  return {
    async take(name, signal, run) {
      if (running >= max) await wait(name, signal)
      else running += 1
      try {
        return await run()
      } finally {
        const [next] = waiters
        if (next) next()
        else running -= 1
      }
    },
  }

  function wait(name: string, signal: AbortSignal): Promise<void> {
    if (waiters.size >= limits.waitersMax) throw fail('TG_BUSY', name, limits.retryAfterMs)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const go = (): void => {
      waiters.delete(go)
      signal.removeEventListener('abort', leave)
      resolve()
    }
    const leave = (): void => {
      waiters.delete(go)
      reject(signal.reason as Error)
    }
    if (signal.aborted) leave()
    else {
      waiters.add(go)
      signal.addEventListener('abort', leave, { once: true })
    }
    return promise
  }
}
