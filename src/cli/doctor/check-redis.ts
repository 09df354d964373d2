import type { Redis } from 'ioredis'
import { createClient } from '../../gateway/policies/redis.ts'
import { redisPlace } from '../../gateway/policies/redis-url.ts'
import { doctorLimits, error, type Finding, ok, reasonOf, warning } from './finding.ts'

const check = 'redis'
/** A reply later than this eats a good part of what a call may wait, milliseconds. */
const slowMs = 10
const skewMsMax = 2_000

/** Whether Redis can be reached, is one that may be written to, bounded, quick, and of our time. */
export async function checkRedis(url: string | undefined): Promise<Finding[]> {
  if (url === undefined)
    return [ok(check, 'none configured: cache, locks, pace and limits are this replica’s own')]
  let client: Redis | undefined
  let failure: Error | undefined
  try {
    client = createClient(redisPlace(url), {
      lazyConnect: true,
      connectTimeout: doctorLimits.checkMs,
      commandTimeout: doctorLimits.checkMs,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
      sentinelRetryStrategy: () => null,
    })
    // Why there is no connection is told here alone; the command says only that there is none.
    client.on('error', (error: Error) => {
      failure = error
    })
    await client.connect()
    return await examine(client)
  } catch (cause) {
    return [
      error(
        check,
        `cannot be used: ${reasonOf(failure ?? cause)}`,
        'see that Redis runs and that REDIS_URL has its address and password',
      ),
    ]
  } finally {
    client?.disconnect()
  }
}

async function examine(client: Redis): Promise<Finding[]> {
  const ms = await latencyMs(client)
  const info = await client.info()
  const fact = (name: string): string =>
    new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim() ?? ''
  const findings = [
    ms > slowMs
      ? warning(check, `answers in ${ms} ms`, 'put Redis nearer, or raise limits.redisMs')
      : ok(check, `version ${fact('redis_version')}, answers in ${ms} ms`),
  ]
  if (fact('role') === 'slave')
    findings.push(
      error(
        check,
        'is a read-only replica',
        'let REDIS_URL name the primary, or its Sentinels: redis+sentinel://…',
      ),
    )
  findings.push(...memory(fact('maxmemory'), fact('maxmemory_policy')))
  const [seconds] = await client.time()
  const skewMs = Math.abs(Date.now() - Number(seconds) * 1000)
  if (skewMs > skewMsMax)
    findings.push(
      warning(check, `its clock is ${Math.round(skewMs / 1000)} s off ours`, 'run NTP on both'),
    )
  return findings
}

function memory(maxmemory: string, policy: string): Finding[] {
  if (maxmemory === '0' || maxmemory === '')
    return [
      warning(
        check,
        'has no bound on its memory',
        'set maxmemory, and maxmemory-policy volatile-lru',
      ),
    ]
  if (policy === 'noeviction')
    return [
      warning(
        check,
        'refuses writes when it is full (noeviction)',
        'set maxmemory-policy volatile-lru',
      ),
    ]
  if (policy.startsWith('allkeys'))
    return [
      warning(
        check,
        `may evict limits and keys before cached answers (${policy})`,
        'set maxmemory-policy volatile-lru',
      ),
    ]
  return [ok(check, `bounded, ${policy}`)]
}

/** The median of a few pings. */
async function latencyMs(client: Redis): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < 5; round++) {
    const startedAt = performance.now()
    await client.ping()
    times.push(performance.now() - startedAt)
  }
  times.sort((a, b) => a - b)
  return Math.round((times[2] ?? 0) * 10) / 10
}
