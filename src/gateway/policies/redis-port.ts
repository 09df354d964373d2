import type { Redis } from 'ioredis'

/** What Redis may cost a request, and how it is left alone when it fails. */
export const redisLimits = {
  /** One operation, and all of one request, milliseconds. */
  operationMs: 50,
  /** After a failure nothing is sent for this long, milliseconds. */
  restMs: 1_000,
  connectMs: 2_000,
  reconnectMsMax: 2_000,
  /** A connection on which commands stay unanswered this long is opened anew, milliseconds. */
  silenceMs: 5_000,
} as const

/** What one request may still wait for Redis in all, milliseconds; `attempt` takes from it. */
export type Patience = { redisMs: number }

/** Redis as the policies see it: `undefined` when it is absent, slow or down; it never throws. */
export type RedisPort = {
  attempt: <T>(run: (client: Redis) => Promise<T>, patience?: Patience) => Promise<T | undefined>
}

/** The port of a gateway without Redis. */
export const noRedis: RedisPort = { attempt: () => Promise.resolve(undefined) }
