import t from 'tap'
import { openRedis, type RedisGate, redisLimits } from '../../../src/gateway/policies/redis.ts'
import { skipWithoutRedis, startRedisServer } from '../../fixtures/redis.ts'
import { until } from '../../fixtures/until.ts'
import { watchProcess } from '../../fixtures/watch-process.ts'

const odd = watchProcess()

const get = (gate: RedisGate, patience?: { redisMs: number }): Promise<string | null | undefined> =>
  gate.attempt(client => client.get('key'), patience)
const isUp = (gate: RedisGate) => () => gate.health().state === 'up'

/** How long a promise takes, milliseconds. */
async function timed<T>(promise: Promise<T>): Promise<[T, number]> {
  const startedAt = performance.now()
  return [await promise, performance.now() - startedAt]
}

t.test('where nothing listens, every attempt answers at once', async t => {
  const gate = openRedis({ url: '/nowhere/at-all' })
  t.teardown(gate.close)
  for (let attempt = 0; attempt < 3; attempt++) {
    const [value, ms] = await timed(get(gate))
    t.equal(value, undefined)
    t.ok(ms < 1_000, `${ms} ms`)
  }
  await until('it is refused', () => gate.health().error !== undefined)
  t.match(gate.health(), { state: 'down', error: /ENOENT/ })
})

t.test('with a Redis', { skip: skipWithoutRedis }, async t => {
  t.test('an answer comes through, and what changes is told', async t => {
    const server = await startRedisServer(t)
    const told: string[] = []
    const gate = openRedis({
      url: server.url,
      onChange: ({ state }) => told.push(state),
      limits: { operationMs: 10_000 },
    })
    t.teardown(gate.close)
    await until('it is up', isUp(gate))
    t.equal(await get(gate), null)
    const patience = { redisMs: 50 }
    await get(gate, patience)
    t.ok(patience.redisMs < 50, 'an attempt takes from the patience of its request')
    t.equal(await get(gate, { redisMs: 0 }), undefined, 'and one without patience is not made')
    await server.kill()
    await until('it is down', () => gate.health().state === 'down')
    t.equal(await get(gate), undefined)
    await server.start()
    await until('it is up again', isUp(gate))
    await until('it is used again', async () => (await get(gate)) === null)
    t.same(told, ['up', 'down', 'up'])
  })

  t.test('killed while it is asked, it fails nobody', async t => {
    const server = await startRedisServer(t)
    const gate = openRedis({ url: server.url })
    t.teardown(gate.close)
    await until('it is up', isUp(gate))
    const asked = Array.from({ length: 50 }, () => get(gate))
    await server.kill()
    for (const value of await Promise.all(asked)) t.ok(value === null || value === undefined)
    const [value, ms] = await timed(get(gate))
    t.equal(value, undefined)
    t.ok(ms < 1_000, `${ms} ms`)
  })

  t.test('hung, it costs one request 50 ms and the next nothing, for a second', async t => {
    const server = await startRedisServer(t)
    const clock = { ms: 0 }
    const gate = openRedis({ url: server.url, now: () => clock.ms })
    t.teardown(gate.close)
    await until('it is up', isUp(gate))
    server.hang()
    const patience = { redisMs: redisLimits.operationMs }
    t.equal(await get(gate, patience), undefined)
    t.ok(patience.redisMs <= 0, 'the patience of the request is used up')
    t.match(gate.health(), { state: 'down', error: 'no reply within 50 ms', failures: 1 })
    for (const ms of [0, 500, 999]) {
      clock.ms = ms
      t.equal(await get(gate), undefined)
      t.equal(gate.health().failures, 1, 'it is not asked')
    }
    server.wake()
    await until('it answers again', async () => {
      clock.ms += 1_000
      return (await get(gate)) === null
    })
    t.equal(gate.health().state, 'up')
  })

  t.test('hung for long, its connection is opened anew', async t => {
    const server = await startRedisServer(t)
    const gate = openRedis({ url: server.url, limits: { silenceMs: 100, restMs: 10 } })
    t.teardown(gate.close)
    await until('it is up', isUp(gate))
    server.hang()
    await get(gate)
    await until('the connection is given up', () =>
      /Socket timeout/.test(gate.health().error ?? ''),
    )
    const [value, ms] = await timed(get(gate))
    t.equal(value, undefined)
    t.ok(ms < 1_000, `${ms} ms`)
    server.wake()
    await until('it is used again', async () => (await get(gate)) === null)
  })

  t.test('a busy loop of ours is not held against it', async t => {
    const server = await startRedisServer(t)
    const gate = openRedis({ url: server.url })
    t.teardown(gate.close)
    await until('it is up', isUp(gate))
    const asked = get(gate)
    const endsAt = performance.now() + 200
    while (performance.now() < endsAt);
    t.equal(await asked, null)
    t.match(gate.health(), { state: 'up', failures: 0 })
  })

  t.test('a server that is no primary any more is left once, however often it says so', async t => {
    const server = await startRedisServer(t)
    const gate = openRedis({ url: server.url, limits: { operationMs: 10_000, restMs: 10 } })
    t.teardown(gate.close)
    await until('it is up', isUp(gate))
    await gate.attempt(client => client.replicaof('127.0.0.1', 9))
    await gate.attempt(client =>
      Promise.all(Array.from({ length: 100 }, (_, at) => client.set('key', at))),
    )
    t.match(gate.health(), { state: 'down', error: /READONLY/ })
    await until('it is primary again', async () => {
      await gate.attempt(client => client.replicaof('NO', 'ONE'))
      return (await gate.attempt(client => client.set('key', 'value'))) === 'OK'
    })
    t.same(odd, [])
  })

  t.test('a client that has given up begins anew', async t => {
    const server = await startRedisServer(t)
    const gate = openRedis({ url: server.url, limits: { restMs: 10 } })
    t.teardown(gate.close)
    await until('it is up', isUp(gate))
    await gate.attempt(async client => client.disconnect())
    await until('it is down', () => gate.health().state === 'down')
    await until('it is used again', async () => (await get(gate)) === null)
  })

  t.test('what fails in Redis, or before it, is no error of a request', async t => {
    const server = await startRedisServer(t)
    const clock = { ms: 0 }
    const gate = openRedis({
      url: server.url,
      now: () => clock.ms,
      limits: { operationMs: 10_000 },
    })
    t.teardown(gate.close)
    await until('it is up', isUp(gate))
    t.equal(await gate.attempt(client => client.call('NOSUCHCOMMAND')), undefined)
    t.match(gate.health(), { state: 'down', error: /unknown command/i })
    clock.ms = redisLimits.restMs
    t.equal(
      await gate.attempt(() => {
        throw new Error('of ours')
      }),
      undefined,
    )
    t.match(gate.health(), { failures: 2, error: 'of ours' })
  })
})
