import type { Limits } from '../limits/limits.ts'
import type { Pool } from './pool.ts'

/** A pool whose models are held to their limits: each turn that a model takes counts, a retry does not. */
export function limitModels(pool: Pool, take: Limits['model'], redisMs: number): Pool {
  return {
    ...pool,
    async exchange(exchange) {
      const { model } = exchange
      const leave = model === undefined ? undefined : await take(model, { redisMs })
      try {
        return await pool.exchange(exchange)
      } finally {
        leave?.()
      }
    },
  }
}
