import { setTimeout as delay } from 'node:timers/promises'
import { type Config, isLoopback } from '../config.ts'
import { createKeyDesk } from '../gateway/auth/key-desk.ts'
import { createKeyFile, type KeyStore } from '../gateway/auth/key-file.ts'
import type { KeyRecord } from '../gateway/auth/key-record.ts'
import { createKeyRedis } from '../gateway/auth/key-redis.ts'
import { createKeySync } from '../gateway/auth/key-sync.ts'
import { createKeyRing, type KeyRing } from '../gateway/auth/keys.ts'
import type { RedisGate } from '../gateway/policies/redis.ts'
import { redisName } from '../gateway/policies/redis-url.ts'
import type { ToolLog } from '../registry/tool.ts'
import type { KeyDesk } from './keys.ts'
import { loadConfig } from './load-config.ts'

/** How long keys in Redis are waited for. */
const waits = { startMs: 3_000, knownMs: 500, commandMs: 5_000, pollMs: 50 } as const

/**
 * The keys of a gateway that is about to listen: the configured ones, those of the file, and those in
 * Redis. Where no other key is known Redis is waited for, since it may hold some. If it does not answer
 * the ring awaits it, unless the file says that this Redis held none when it was last seen.
 */
export async function openKeys(parts: {
  config: Config
  log: ToolLog
  redis: RedisGate | undefined
}): Promise<{ ring: KeyRing; keepKeys: KeyStore['save']; close: () => Promise<void> }> {
  const { config, log, redis } = parts
  const isAlwaysKeyed = config.jwt !== undefined
  const file = createKeyFile(config.keyFile)
  const shared = redis && createKeyRedis(redis)
  const place = redisName(config.redisUrl ?? '')
  const isNoted = await file.isNoted(place).catch(() => false)
  const isAwaited = shared !== undefined && !isNoted
  const ring = createKeyRing(config.keys, { isAlwaysKeyed, isAwaited })
  let isAnswered = false
  const onRead = async (store: KeyStore): Promise<void> => {
    if (store !== shared) return
    isAnswered = true
    ring.settle()
    if (!ring.any && !isNoted) await file.note(place).catch(tellUnnoted)
  }
  const tellUnnoted = (err: unknown): void => log.warn({ err }, 'keys cannot be read or kept')
  const keys = createKeySync({ ring, stores: [file, ...(shared ? [shared] : [])], log, onRead })
  await keys.sync()
  const endsAt =
    performance.now() + (isNoted && isLoopback(config.host) ? waits.knownMs : waits.startMs)
  const mustWait = (): boolean => !ring.any && !config.anonymous && !isAnswered
  while (redis && mustWait() && performance.now() < endsAt) {
    await delay(waits.pollMs)
    await keys.sync()
  }
  if (ring.isAwaited && !config.anonymous)
    log.warn({}, 'Redis, which may hold keys, does not answer: nobody is let in until it does')
  return { ring, keepKeys: records => keys.keep(records), close: () => keys.close() }
}

/** The desk of `toolgate keys`: at Redis where there is one, else at the file. */
export async function openKeyDesk(
  env: Readonly<Record<string, string | undefined>>,
): Promise<KeyDesk> {
  const config = await loadConfig(env)
  const redis = config.redisUrl ? await openRedisNow(config.redisUrl) : undefined
  const store = redis ? createKeyRedis(redis) : createKeyFile(config.keyFile)
  let known: readonly KeyRecord[] = []
  const desk = createKeyDesk({
    records: async () => (known = (await store.read()) ?? known),
    save: store.save,
    isTaken: id => config.keys.some(key => key.id === id),
  })
  return { ...desk, close: () => redis?.close() }
}

async function openRedisNow(url: string): Promise<RedisGate> {
  const { openRedis } = await import('../gateway/policies/redis.ts')
  const redis = openRedis({ url, limits: { operationMs: waits.commandMs } })
  const endsAt = performance.now() + waits.commandMs
  while (!(await redis.attempt(client => client.ping()))) {
    if (performance.now() > endsAt) {
      redis.close()
      throw new Error('REDIS_URL is set, but no Redis answers there')
    }
    await delay(waits.pollMs)
  }
  return redis
}
