import type { Redis } from 'ioredis'

/** What one request may still wait for Redis in all, milliseconds; `attempt` takes from it. */
export type Patience = { redisMs: number }

/** Redis as the policies see it: `undefined` when it is absent, slow or down; it never throws. */
export type RedisPort = {
  attempt<T>(run: (client: Redis) => Promise<T>, patience?: Patience): Promise<T | undefined>
}

/** The port of a gateway without Redis. */
export const noRedis: RedisPort = { attempt: () => Promise.resolve(undefined) }
