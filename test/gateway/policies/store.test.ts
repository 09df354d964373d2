import t from 'tap'
import { openRedis } from '../../../src/gateway/policies/redis.ts'
import { noRedis, type RedisPort } from '../../../src/gateway/policies/redis-port.ts'
import { createStore, redisKey } from '../../../src/gateway/policies/store.ts'
import { skipWithoutRedis, startRedisServer } from '../../fixtures/redis.ts'
import { storeContract } from '../../fixtures/store-contract.ts'
import { until } from '../../fixtures/until.ts'

const entry = { json: '{"a":1}', storedAt: 0, ttlMs: 1_000, staleMs: 0 }

t.test('in memory', async t => {
  await storeContract(t, {
    open: async now => createStore({ redis: noRedis, now }),
    find: async (store, key) => store.peek(key),
  })
})

t.test('in Redis', { skip: skipWithoutRedis }, async t => {
  const server = await startRedisServer(t)
  const gate = openRedis({ url: server.url })
  t.teardown(gate.close)
  await until('it is up', () => gate.health().state === 'up')
  // As another replica sees it: a store with an empty L1.
  let now = () => 0
  const other = () => createStore({ redis: gate, now: () => now() })

  await storeContract(t, {
    open: async clock => {
      now = clock
      return other()
    },
    find: async (_store, key) => other().fetch(key),
  })

  t.test('what is fetched is kept in L1', async t => {
    now = () => 0
    await other().save('far', entry)
    const store = other()
    t.equal(store.peek('far'), undefined)
    t.same(await store.fetch('far'), entry)
    t.same(store.peek('far'), entry)
  })

  t.test('an entry leaves Redis by itself', async t => {
    await other().save('short', { ...entry, ttlMs: 5_000, staleMs: 5_000 })
    const lifeMs = await gate.attempt(client => client.pttl(redisKey('tg:c', 'short')))
    t.ok(lifeMs && lifeMs > 8_000 && lifeMs <= 10_000, `${lifeMs} ms`)
    await other().save('over', { ...entry, storedAt: -5_000 })
    t.equal(await other().fetch('over'), undefined)
  })

  t.test('what another version wrote is not read', async t => {
    for (const text of ['', '2 0 1000 0\n{}', '1 0 1000\n{}', '{"a":1}']) {
      await gate.attempt(client => client.set(redisKey('tg:c', 'odd'), text))
      t.equal(await other().fetch('odd'), undefined, text)
    }
  })

  t.test('an answer and the lock of its flight are in one slot', async t => {
    const slots = await Promise.all(
      (['tg:c', 'tg:f'] as const).map(prefix =>
        gate.attempt(client => client.cluster('KEYSLOT', redisKey(prefix, 'key'))),
      ),
    )
    t.equal(slots[0], slots[1])
  })
})

t.test('while Redis is away, L1 serves alone', async t => {
  const store = createStore({ redis: noRedis, now: () => 0 })
  await store.save('key', entry)
  t.equal(await store.fetch('key'), undefined)
  t.same(store.peek('key'), entry)
})

t.test('L1 is bounded in bytes and entries', async t => {
  const redis: RedisPort = noRedis
  const store = createStore({
    redis,
    now: () => 0,
    limits: { l1BytesMax: 10_000, l1EntriesMax: 5 },
  })
  for (let index = 0; index < 10; index++) await store.save(`key ${index}`, entry)
  t.equal(store.size().entries, 5)
  t.equal(store.peek('key 0'), undefined, 'the one not used for longest goes')
  t.ok(store.peek('key 9'))
  await store.save('wide', { ...entry, json: JSON.stringify('天'.repeat(2_000)) })
  t.ok(store.size().bytes <= 10_000)
  await store.save('huge', { ...entry, json: JSON.stringify('天'.repeat(4_000)) })
  t.equal(store.peek('huge'), undefined, 'what would not fit is not kept')
  const none = createStore({ redis, now: () => 0, limits: { l1BytesMax: 0 } })
  await none.save('key', entry)
  t.equal(none.peek('key'), undefined, '0 bytes are no L1')
})
