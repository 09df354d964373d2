import type { RedisPort } from '../policies/redis-port.ts'
import type { KeyStore } from './key-file.ts'
import { type KeyRecord, readRecord } from './key-record.ts'

/** One hash: a record by its id, and under `#`, which is no id, how often there was a change. */
const name = 'tg:k:keys'
const changes = '#'
/** So many fields a page, so that ten thousand keys are no long wait for anybody. */
const pageSize = 500

/** Keeps keys in Redis, where all replicas see them; a look at what has not changed is one small read. */
export function createKeyRedis(redis: RedisPort): KeyStore {
  let seen: string | undefined

  return {
    async read() {
      const mark = await redis.attempt(async client => (await client.hget(name, changes)) ?? 'none')
      if (mark === undefined || mark === seen) return undefined
      const records = await readPages(redis)
      if (records) seen = mark
      return records
    },
    async save(records) {
      for (let at = 0; at < records.length; at += pageSize) {
        const page = records.slice(at, at + pageSize).map(record => JSON.stringify(record))
        const saved = await redis.attempt(client => client.eval(saveScript, 1, name, ...page))
        if (saved === undefined) throw new Error('Redis does not answer: the keys are not saved')
      }
    },
  }
}

async function readPages(redis: RedisPort): Promise<KeyRecord[] | undefined> {
  const found = new Map<string, KeyRecord>()
  let cursor = '0'
  do {
    const page = await redis.attempt(client => client.hscan(name, cursor, 'COUNT', pageSize))
    if (!page) return undefined
    const [next, fields] = page
    for (const field of fields) {
      const record = field.startsWith('{') ? readRecord(parse(field)) : undefined
      if (record) found.set(record.id, record)
    }
    cursor = next
  } while (cursor !== '0')
  return [...found.values()]
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Somebody else's; what is no record is left alone.
    return undefined
  }
}

/** Sets each record that is newer than what is there, or as new and ended; counts the change. */
const saveScript = `
local changed = 0
for _, text in ipairs(ARGV) do
  local record = cjson.decode(text)
  local known = redis.call('HGET', KEYS[1], record.id)
  local old = known and cjson.decode(known)
  if not old or old.changedAt < record.changedAt
    or (old.changedAt == record.changedAt and record.revokedAt and not old.revokedAt) then
    redis.call('HSET', KEYS[1], record.id, text)
    changed = changed + 1
  end
end
if changed > 0 then redis.call('HINCRBY', KEYS[1], '#', 1) end
return changed`
