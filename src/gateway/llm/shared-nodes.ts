import type { RedisPort } from '../policies/redis-port.ts'
import type { LlmLog } from './health.ts'
import { parseRecord } from './json.ts'
import { nodeName, type NodeSpec } from './node.ts'
import type { Pool } from './pool.ts'

/** Nodes that were added while running, known to all replicas. */
export type SharedNodes = {
  put(spec: NodeSpec): Promise<void>
  remove(url: string): Promise<void>
  /** Takes over what other replicas added and removed; runs by itself every `everyMs`. */
  sync(): Promise<void>
  close(): void
}

/** Where nodes are shared, and the pool they go into. */
export type SharedNodesOptions = {
  redis: RedisPort
  pool: Pool
  parse: (value: unknown) => NodeSpec
  log: LlmLog
  everyMs?: number
}

const key = 'tg:n:nodes'
/** The list outlives a night without replicas, not a forgotten installation. */
const ttlSeconds = 7 * 24 * 3_600

/** Shares the nodes of the admin routes by Redis; without it each replica has its own. */
export function createSharedNodes(options: SharedNodesOptions): SharedNodes {
  const { redis, pool, parse, log, everyMs = 5_000 } = options
  /** What came from the list: only that goes when it leaves the list. */
  const taken = new Map<string, string>()

  const sync = async (): Promise<void> => {
    const listed = await redis.attempt(async client => {
      const entries = await client.hgetall(key)
      if (Object.keys(entries).length > 0) await client.expire(key, ttlSeconds)
      return entries
    })
    if (!listed) return
    for (const [url, text] of Object.entries(listed)) {
      if (taken.get(url) === text) continue
      taken.set(url, text)
      try {
        await pool.add(parse(parseRecord(text)))
      } catch (err) {
        log.warn({ err, node: url }, 'a shared llm node cannot be taken')
      }
    }
    for (const url of taken.keys()) {
      if (url in listed) continue
      taken.delete(url)
      pool.drain(url)
    }
  }
  const timer = setInterval(() => void sync(), everyMs).unref()
  return {
    sync,
    async put(spec) {
      const [name, text] = [nodeName(spec.url), JSON.stringify(spec)]
      const done = await redis.attempt(async client => {
        await client.hset(key, name, text)
        await client.expire(key, ttlSeconds)
        return true
      })
      if (done) taken.set(name, text)
    },
    async remove(url) {
      const name = nodeName(url)
      taken.delete(name)
      await redis.attempt(client => client.hdel(key, name))
    },
    close: () => clearInterval(timer),
  }
}
