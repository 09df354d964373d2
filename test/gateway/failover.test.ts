import t, { type Test } from 'tap'
import { openRedis } from '../../src/gateway/policies/redis.ts'
import { testApp } from '../fixtures/app.ts'
import { skipWithoutRedis } from '../fixtures/redis.ts'
import {
  movingAddress,
  type RedisNode,
  startNode,
  startSentinel,
} from '../fixtures/redis-failover.ts'
import { until } from '../fixtures/until.ts'
import { watchProcess } from '../fixtures/watch-process.ts'

const odd = watchProcess()

const skip = skipWithoutRedis
t.setTimeout(120_000)

/** A gateway with a limit, so that each call is a write to Redis, and calls that are counted. */
async function gateway(t: Test, url: string) {
  const redis = openRedis({ url, limits: { restMs: 50 } })
  const { app } = await testApp(t, {
    redis,
    file: { allowances: { address: { rate: '100000/min' } } },
  })
  await until('Redis is up', () => redis.health().state === 'up')
  const told = { calls: 0, answered: 0 }
  const callMany = async (): Promise<void> => {
    const call = async (): Promise<void> => {
      const payload = { text: `say ${told.calls++}` }
      const { statusCode, body } = await app.inject({ method: 'POST', url: '/tools/echo', payload })
      if (statusCode === 200 && body.includes(payload.text)) told.answered += 1
      else t.fail(`${statusCode} ${body}`)
    }
    await Promise.all(Array.from({ length: 20 }, call))
  }
  /** Calls until what they count stands in that node. */
  const callUntilKnownBy = ({ client }: RedisNode) =>
    until(
      'the calls are counted there',
      async () => {
        await callMany()
        const [at] = await client.keys('tg:l:*')
        return at !== undefined && redis.health().state === 'up'
      },
      30_000,
    )
  return { redis, told, callMany, callUntilKnownBy }
}

t.test('a primary that dies is followed by Sentinel, and no call notices', { skip }, async t => {
  const primary = await startNode(t)
  const replica = await startNode(t, primary)
  const sentinel = await startSentinel(t, primary)
  const url = `redis+sentinel://127.0.0.1:9,127.0.0.1:${sentinel}/main`
  const { told, callMany, callUntilKnownBy, redis } = await gateway(t, url)
  await callUntilKnownBy(primary)
  await replica.client.ping()
  const killing = primary.kill()
  await callMany()
  await killing
  await until(
    'the replica is the primary',
    async () => {
      await callMany()
      return (await replica.client.info('replication')).includes('role:master')
    },
    30_000,
  )
  await replica.client.flushall()
  await callUntilKnownBy(replica)
  t.equal(redis.health().state, 'up')
  t.equal(told.answered, told.calls)
  t.comment(`${told.calls} calls, ${told.answered} answered`)
})

t.test('a primary that is demoted is left, behind one address too', { skip }, async t => {
  const first = await startNode(t)
  const second = await startNode(t, first)
  const address = await movingAddress(t, first)
  const { told, callMany, callUntilKnownBy, redis } = await gateway(
    t,
    `redis://127.0.0.1:${address.port}`,
  )
  await callUntilKnownBy(first)
  // The old one lives on, and so do connections to it: it alone can say that it is none any more.
  address.leadsTo = second
  await second.client.replicaof('NO', 'ONE')
  await first.client.replicaof('127.0.0.1', second.port)
  await second.client.flushall()
  await callMany()
  await callUntilKnownBy(second)
  t.equal(redis.health().state, 'up')
  t.equal(told.answered, told.calls)
  t.comment(`${told.calls} calls, ${told.answered} answered`)
})

t.test('no rejection was left unhandled, and Node warned of nothing', async t => {
  t.same(odd, [])
})
