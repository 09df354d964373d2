import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { CallContext, Interceptor } from '../../registry/call.ts'
import { answerFrom, fits, isFresh, isStorable } from './cache.ts'
import { cacheKey } from './cache-key.ts'
import type { RedisPort } from './redis-port.ts'
import { redisKey, type Store } from './store.ts'

/** How waiters look for the answer of the replica that holds the lock. */
export const replicaLockLimits = { pollMsMin: 20, pollMsMax: 100, lockGraceMs: 100 } as const

/**
 * Of equal calls at once over all replicas exactly one goes on: it holds a lock in Redis that expires
 * with the tool's deadline, should its holder die. The others wait for the answer in the store, no
 * longer than their own deadline. Without Redis each replica goes on alone.
 */
export function replicaLock(options: {
  store: Store
  redis: RedisPort
  now?: () => number
}): Interceptor {
  const { store, redis, now = Date.now } = options

  return next => async (tool, input, context) => {
    if (!isStorable(tool, context.control) || context.control?.noCache)
      return next(tool, input, context)
    const key = cacheKey(tool, input, context)
    const lock = { name: redisKey('tg:f', key), token: randomUUID() }
    const lockMs = tool.timeoutMs + replicaLockLimits.lockGraceMs
    for (let pollMs: number = replicaLockLimits.pollMsMin; ;) {
      const taken = await redis.attempt(
        client => client.set(lock.name, lock.token, 'PX', lockMs, 'NX'),
        context.patience,
      )
      if (taken === undefined) return next(tool, input, context)
      const landed = await store.fetch(key, context.patience)
      if (landed && isFresh(landed, now()) && fits(landed, context.control, now())) {
        if (taken) release(lock)
        context.report.collapsed = true
        return answerFrom(landed, 'redis', context.report, now())
      }
      if (taken) break
      pollMs = await pause(pollMs, context)
    }
    try {
      return await next(tool, input, context)
    } finally {
      release(lock)
    }
  }

  /** Nobody waits for it: `attempt` never throws, and a lock that stays runs out. */
  function release({ name, token }: { name: string; token: string }): void {
    void redis.attempt(client => client.eval(releaseScript, 1, name, token))
  }
}

/** Waits, jittered, before the next look. Waiting for a replica is not waiting for Redis. */
async function pause(pollMs: number, context: CallContext): Promise<number> {
  await wait(pollMs * (0.5 + Math.random()), undefined, { signal: context.signal })
  context.patience.redisMs = Math.max(context.patience.redisMs, replicaLockLimits.pollMsMin)
  return Math.min(pollMs * 2, replicaLockLimits.pollMsMax)
}

/** Deletes the lock only if it is still ours: an expired one may have been taken by another replica. */
const releaseScript =
  "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"
