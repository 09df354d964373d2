import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Patience, RedisPort } from './redis-port.ts'

/** A stored answer. Times are milliseconds since the epoch. */
export type Entry = { json: string; storedAt: number; ttlMs: number; staleMs: number }
/** Where answers are kept: L1 in this process, L2 in Redis, shared by all replicas. */
export type Store = {
  /** From L1 alone, at once. */
  peek: (key: string) => Entry | undefined
  /** From L2; what is found is kept in L1. Undefined too when Redis is away. */
  fetch: (key: string, patience?: Patience) => Promise<Entry | undefined>
  /** Into both. Never fails: what Redis does not take stays in L1. */
  save: (key: string, entry: Entry, patience?: Patience) => Promise<void>
  /** Bytes and entries in L1, for the metrics. */
  size: () => { entries: number; bytes: number }
}

/** Bounds of the store. */
export const storeLimits = { l1BytesMax: 64 * 1024 * 1024, l1EntriesMax: 50_000 } as const

/** Makes a store; without Redis it is L1 alone. */
export function createStore(options: {
  redis: RedisPort
  now?: () => number
  limits?: Partial<Record<keyof typeof storeLimits, number>>
}): Store {
  const { redis, now = Date.now } = options
  const limits = { ...storeLimits, ...options.limits }
  const l1 = new LRUCache<string, Entry>({
    max: limits.l1EntriesMax,
    // Nothing fits into one byte, so 0 means no L1.
    maxSize: Math.max(1, limits.l1BytesMax),
    sizeCalculation: ({ json }, key) => Buffer.byteLength(json) + key.length + 100,
  })
  const remember = (key: string, entry: Entry): void => {
    l1.set(key, entry)
  }
  const usable = (entry: Entry | undefined): Entry | undefined =>
    entry && now() < entry.storedAt + entry.ttlMs + entry.staleMs ? entry : undefined

  return {
    peek(key) {
      const entry = l1.get(key)
      if (!entry || usable(entry)) return entry
      l1.delete(key)
      return undefined
    },
    async fetch(key, patience) {
      const text = await redis.attempt(client => client.get(redisKey('tg:c', key)), patience)
      const entry = usable(decode(text))
      if (entry) remember(key, entry)
      return entry
    },
    async save(key, entry, patience) {
      remember(key, entry)
      const lifeMs = entry.storedAt + entry.ttlMs + entry.staleMs - now()
      if (lifeMs >= 1)
        await redis.attempt(
          client => client.set(redisKey('tg:c', key), encode(entry), 'PX', Math.ceil(lifeMs)),
          patience,
        )
    },
    size: () => ({ entries: l1.size, bytes: l1.calculatedSize }),
  }
}

/** The braces keep an answer and the lock of its flight in one slot of a Redis Cluster. */
export const redisKey = (prefix: 'tg:c' | 'tg:f', key: string): string =>
  `${prefix}:{${hash('sha256', key, 'base64url')}}`

const encode = ({ json, storedAt, ttlMs, staleMs }: Entry): string =>
  `1 ${storedAt} ${ttlMs} ${staleMs}\n${json}`

/** Undefined for what this version did not write. */
function decode(text: string | null | undefined): Entry | undefined {
  const head = text?.match(/^1 ([\d.]+) ([\d.]+) ([\d.]+)\n/)
  if (!text || !head) return undefined
  const [line, storedAt, ttlMs, staleMs] = head
  return {
    json: text.slice(line.length),
    storedAt: Number(storedAt),
    ttlMs: Number(ttlMs),
    staleMs: Number(staleMs),
  }
}
