import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import type { Description } from '../../registry/sources/describe.ts'
import { sourceLimits } from '../../registry/sources/limits.ts'
import type { RedisPort } from '../policies/redis-port.ts'

/** Bounds of what Redis holds of sources. */
export const keepLimits = {
  /** A description that packs to more is not kept. */
  packedBytesMax: 4 * 1_048_576,
  /** One value, so that no operation keeps others waiting. */
  chunkBytesMax: 128 * 1024,
  ttlMs: 30 * 86_400_000,
} as const

const pack = promisify(gzip)
const unpack = promisify(gunzip)

/** A description, and of which statement of the source it is. */
export type Kept = Description & { of: string }

/** What replicas share of sources, and what outlives a restart; without Redis it holds nothing. */
export type Keep = {
  /** What admins added, by id, as JSON; undefined when Redis does not answer. */
  definitions(): Promise<Record<string, string> | undefined>
  saveDefinition(id: string, json: string): Promise<boolean>
  removeDefinition(id: string): Promise<void>
  /** The last good description of a source. */
  description(id: string): Promise<Kept | undefined>
  saveDescription(id: string, description: Kept): Promise<boolean>
  removeDescription(id: string): Promise<void>
}

/** Of a gateway without Redis: nothing is packed that nobody will read. */
export const noKeep: Keep = {
  definitions: async () => undefined,
  saveDefinition: async () => false,
  removeDefinition: async () => undefined,
  description: async () => undefined,
  saveDescription: async () => false,
  removeDescription: async () => undefined,
}

const definitionsKey = 'tg:r:sources'
const partKey = (id: string, part: number): string => `tg:r:d:{${id}}:${part}`

/** Keeps sources in Redis under `tg:r:`. */
export function createKeep(redis: RedisPort): Keep {
  return {
    definitions: () => redis.attempt(client => client.hgetall(definitionsKey)),
    async saveDefinition(id, json) {
      const saved = await redis.attempt(client => client.hset(definitionsKey, id, json))
      return saved !== undefined
    },
    async removeDefinition(id) {
      await redis.attempt(client => client.hdel(definitionsKey, id))
    },

    async description(id) {
      const first = await redis.attempt(client => client.getBuffer(partKey(id, 0)))
      if (!first || first.length < 4) return undefined
      const parts = [first.subarray(4)]
      const count = first.readUInt32BE(0)
      for (let part = 1; part < count; part++) {
        const chunk = await redis.attempt(client => client.getBuffer(partKey(id, part)))
        if (!chunk) return undefined
        parts.push(chunk)
      }
      return read(Buffer.concat(parts))
    },

    async saveDescription(id, { text, ...where }) {
      // The text stands behind a line of JSON: to write 10 MiB as JSON would stop the loop.
      const packed = await pack(`${JSON.stringify(where)}\n${text}`)
      if (packed.length > keepLimits.packedBytesMax) return false
      const size = keepLimits.chunkBytesMax
      const count = Math.max(1, Math.ceil(packed.length / size))
      const head = Buffer.alloc(4)
      head.writeUInt32BE(count)
      // The first part goes last: it says how many there are.
      for (let part = count - 1; part >= 0; part--) {
        const chunk = packed.subarray(part * size, (part + 1) * size)
        const value = part === 0 ? Buffer.concat([head, chunk]) : chunk
        const saved = await redis.attempt(client =>
          client.set(partKey(id, part), value, 'PX', keepLimits.ttlMs),
        )
        if (saved !== 'OK') return false
      }
      return true
    },

    async removeDescription(id) {
      await redis.attempt(client => client.del(partKey(id, 0)))
    },
  }
}

/** What was kept, or undefined when it is broken: it will be fetched anew. */
async function read(packed: Buffer): Promise<Kept | undefined> {
  try {
    const bytes = await unpack(packed, { maxOutputLength: 2 * sourceLimits.documentBytesMax })
    const line = bytes.indexOf(0x0a)
    const { url, of } = JSON.parse(bytes.toString('utf8', 0, line)) as Partial<Kept>
    if (typeof url !== 'string' || typeof of !== 'string') return undefined
    return { text: bytes.toString('utf8', line + 1), url, of }
  } catch {
    return undefined
  }
}
