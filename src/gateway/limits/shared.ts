import { randomUUID } from 'node:crypto'
import type { Patience, RedisPort } from '../policies/redis-port.ts'
import type { Allowed } from './amount.ts'
import { type Outcome, outcomeOf, type Standing, standingsOf, type Used } from './gcra.ts'

/** A place that a dead replica held is free again after so long, milliseconds. */
export const leaseMs = 600_000

/** Limits as all replicas count them together. */
export type Shared = {
  /** Takes up to `wanted`; undefined while Redis does not answer. `tokens` name the places taken. */
  take(
    id: string,
    allowed: Allowed,
    ask: { wanted: number; patience: Patience },
  ): Promise<(Outcome & { used: Used; tokens: string[] }) | undefined>
  /** Gives places back; nobody waits for it. */
  leave(id: string, tokens: readonly string[]): void
}

/** Counts in Redis, on its clock, by one script a look. What one is limited by shares a hash tag. */
export function createShared(redis: RedisPort): Shared {
  return {
    async take(id, allowed, { wanted, patience }) {
      const { rate, quota, concurrency = 0 } = allowed
      const token = concurrency > 0 ? randomUUID() : ''
      const reply = await redis.attempt(
        client =>
          client.eval(
            takeScript,
            3,
            ...keysOf(id),
            wanted,
            rate?.count ?? 0,
            rate?.perMs ?? 0,
            quota?.count ?? 0,
            quota?.perMs ?? 1,
            concurrency,
            leaseMs,
            token,
          ),
        patience,
      )
      if (!Array.isArray(reply)) return undefined
      const [admitted = 0, nowMs = 0, fullMs = 0, count = 0, busy = 0, ...rooms] = reply.map(Number)
      const [rateRoom = 0, rateMs = 0, quotaRoom = 0, quotaMs = 0, busyRoom = 0] = rooms
      const limits: [Standing['policy'], number, number][] = [
        ...(rate
          ? [
              ['rate', rateRoom, rateMs + (admitted * rate.perMs) / rate.count] as [
                Standing['policy'],
                number,
                number,
              ],
            ]
          : []),
        ...(quota ? [['quota', quotaRoom, quotaMs] as [Standing['policy'], number, number]] : []),
        ...(concurrency > 0
          ? [['concurrency', busyRoom, 1_000] as [Standing['policy'], number, number]]
          : []),
      ]
      return {
        ...outcomeOf(limits, wanted, admitted),
        standings: standingsOf(allowed, { fullMs, count, now: nowMs, busy }),
        used: { fullAt: fullMs, window: Math.floor(nowMs / (quota?.perMs ?? 1)), count },
        tokens: token ? Array.from({ length: admitted }, (_, index) => `${token}${index + 1}`) : [],
      }
    },
    leave(id, tokens) {
      if (tokens.length === 0) return
      void redis.attempt(client => client.zrem(keysOf(id)[2], ...tokens))
    },
  }
}

const keysOf = (id: string): [string, string, string] => [
  `tg:l:{${id}}:rate`,
  `tg:l:{${id}}:quota`,
  `tg:l:{${id}}:busy`,
]

/** The same sum as `takeLocally`, for as many at once as asked in one turn of a replica's loop. */
const takeScript = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local wanted = tonumber(ARGV[1])
local rate, per = tonumber(ARGV[2]), tonumber(ARGV[3])
local quota, window = tonumber(ARGV[4]), tonumber(ARGV[5])
local places, lease = tonumber(ARGV[6]), tonumber(ARGV[7])
local admitted = wanted
local full, rateRoom, rateMs = now, 0, 0
if rate > 0 then
  full = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0))
  rateRoom = math.floor((now + per - full) * rate / per + 0.000001)
  rateMs = full + per / rate - now - per
  admitted = math.min(admitted, rateRoom)
end
local count, quotaRoom, quotaMs = 0, 0, 0
local index = math.floor(now / window)
if quota > 0 then
  local kept = redis.call('HMGET', KEYS[2], 'w', 'c')
  if tonumber(kept[1] or -1) == index then count = tonumber(kept[2]) end
  quotaRoom = quota - count
  quotaMs = (index + 1) * window - now
  admitted = math.min(admitted, quotaRoom)
end
local busy, busyRoom = 0, 0
if places > 0 then
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
  busy = redis.call('ZCARD', KEYS[3])
  busyRoom = places - busy
  admitted = math.min(admitted, busyRoom)
end
if admitted < 0 then admitted = 0 end
if admitted > 0 then
  if rate > 0 then
    full = full + admitted * per / rate
    redis.call('SET', KEYS[1], string.format('%.3f', full), 'PX', math.ceil(full - now) + 1000)
  end
  if quota > 0 then
    count = count + admitted
    redis.call('HSET', KEYS[2], 'w', string.format('%d', index), 'c', count)
    redis.call('PEXPIRE', KEYS[2], math.ceil(quotaMs) + 1000)
  end
  if places > 0 then
    for i = 1, admitted do redis.call('ZADD', KEYS[3], now + lease, ARGV[8] .. i) end
    redis.call('PEXPIRE', KEYS[3], lease)
    busy = busy + admitted
  end
end
local say = function(number) return string.format('%.3f', number) end
return {admitted, say(now), say(full - now), count, busy,
  rateRoom, say(rateMs), quotaRoom, say(quotaMs), busyRoom}`
