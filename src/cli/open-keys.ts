import { setTimeout as delay } from 'node:timers/promises'
import { type Config, isLoopback } from '../config.ts'
import { createKeyDesk } from '../gateway/auth/key-desk.ts'
import { createKeyFile, type KeyStore } from '../gateway/auth/key-file.ts'
import type { KeyRecord } from '../gateway/auth/key-record.ts'
import { createKeyRedis } from '../gateway/auth/key-redis.ts'
import { createKeySync } from '../gateway/auth/key-sync.ts'
import { createKeyRing, type KeyRing } from '../gateway/auth/keys.ts'
import type { RedisGate } from '../gateway/policies/redis.ts'
import type { ToolLog } from '../registry/tool.ts'
import type { KeyDesk } from './keys.ts'
import { loadConfig } from './load-config.ts'

/** How long keys in Redis are waited for. */
const waits = { startMs: 3_000, commandMs: 5_000, pollMs: 50 } as const

/**
 * The keys of a gateway that is about to listen: the configured ones, those of the file, and those in
 * Redis. Off loopback Redis is waited for where no other key is known, since without one nothing listens.
 */
export async function openKeys(parts: {
  config: Config
  log: ToolLog
  redis: RedisGate | undefined
}): Promise<{ ring: KeyRing; keepKeys: KeyStore['save'] }> {
  const { config, log, redis } = parts
  const ring = createKeyRing(config.keys, { isAlwaysKeyed: config.jwt !== undefined })
  const stores = [createKeyFile(config.keyFile), ...(redis ? [createKeyRedis(redis)] : [])]
  const keys = createKeySync({ ring, stores, log })
  await keys.sync()
  const endsAt = performance.now() + waits.startMs
  const mustWait = (): boolean => !ring.any && !config.anonymous && !isLoopback(config.host)
  while (redis && mustWait() && performance.now() < endsAt) {
    await delay(waits.pollMs)
    await keys.sync()
  }
  return { ring, keepKeys: records => keys.keep(records) }
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
