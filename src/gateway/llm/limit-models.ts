import type { Limits } from '../limits/limits.ts'
import type { Pool } from './pool.ts'

/** A pool whose models are held to their limits: each turn that a model takes counts, a retry does not. */
export function limitModels(pool: Pool, take: Limits['model'], redisMs: number): Pool {
  return {
    ...pool,
    async exchange(exchange) {
      const { model } = exchange
      // Any of them may answer what names none.
      const names = model === undefined ? pool.models() : [model]
      const patience = { redisMs }
      const places: (() => void)[] = []
      try {
        for (const name of names) places.push(await take(name, patience))
        return await pool.exchange(exchange)
      } finally {
        for (const leave of places) leave()
      }
    },
  }
}
