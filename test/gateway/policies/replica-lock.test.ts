import t from 'tap'
import { openRedis } from '../../../src/gateway/policies/redis.ts'
import { redisKey } from '../../../src/gateway/policies/store.ts'
import { cacheKey } from '../../../src/gateway/policies/cache-key.ts'
import { fail } from '../../../src/registry/errors.ts'
import { resultOf } from '../../../src/registry/call.ts'
import { callContext } from '../../fixtures/call-context.ts'
import { heldRun, replicaOf, settle } from '../../fixtures/pipeline.ts'
import { skipWithoutRedis, startRedisServer } from '../../fixtures/redis.ts'
import { echoTool } from '../../fixtures/tools.ts'
import { until } from '../../fixtures/until.ts'

const tool = echoTool({ cache: { ttlMs: 60_000 }, timeoutMs: 5_000 })

t.test('without a Redis each replica goes on alone', async t => {
  const replicas = [replicaOf(), replicaOf()]
  await Promise.all(replicas.map(({ ask }) => ask(tool)))
  t.same(
    replicas.map(({ runs }) => runs.length),
    [1, 1],
  )
})

t.test('with a Redis', { skip: skipWithoutRedis }, async t => {
  const server = await startRedisServer(t)
  // The machine that runs tests may be slow; what Redis may cost has tests of its own.
  const gate = openRedis({ url: server.url, limits: { operationMs: 2_000 } })
  t.teardown(gate.close)
  await until('it is up', () => gate.health().state === 'up')
  const patience = () => ({ patience: { redisMs: 2_000 } })
  const lockOf = (text: string, of = tool): string =>
    redisKey('tg:f', cacheKey(of, { text }, callContext()))
  const isLocked = async (text: string, of = tool) =>
    (await gate.attempt(client => client.exists(lockOf(text, of)))) === 1

  t.test('of 1,000 equal calls over 4 replicas one runs', async t => {
    const { run, held, land } = heldRun()
    const replicas = Array.from({ length: 4 }, () => replicaOf({ redis: gate, run }))
    const calls = replicas.flatMap(({ ask }) =>
      Array.from({ length: 250 }, () => ask(tool, { text: 'all' }, patience())),
    )
    await until('one runs', () => held.length > 0)
    land('once')
    for (const { json } of await Promise.all(calls)) t.equal(json, '{"text":"once"}')
    t.equal(held.length, 1)
    await until('the lock is given back', async () => !(await isLocked('all')))
  })

  t.test('when the holder fails, another goes on', async t => {
    const a = replicaOf({
      redis: gate,
      run: async () => {
        throw fail('TG_UPSTREAM_FAILED', 'api.example', '500')
      },
    })
    const b = replicaOf({ redis: gate })
    await t.rejects(a.ask(tool, { text: 'fails' }, patience()), { code: 'TG_UPSTREAM_FAILED' })
    t.equal((await b.ask(tool, { text: 'fails' }, patience())).json, '{"text":"run 1"}')
  })

  t.test('the lock of a holder that died runs out with the deadline', async t => {
    const short = { ...tool, timeoutMs: 150 }
    // So dies a replica: with its lock taken and nothing to release it.
    await gate.attempt(client => client.set(lockOf('dead', short), 'dead', 'PX', 250, 'NX'))
    const { ask, runs } = replicaOf({ redis: gate })
    await t.rejects(
      ask(short, { text: 'dead' }, patience()),
      { code: 'TG_DEADLINE', status: 504 },
      'who waits keeps its own deadline',
    )
    t.equal(runs.length, 0)
    await until('it has run out', async () => !(await isLocked('dead', short)))
    t.equal((await ask(short, { text: 'dead' }, patience())).json, '{"text":"run 1"}')
  })

  t.test('the lock outlives the run by little', async t => {
    const { run, held, land } = heldRun()
    const { ask } = replicaOf({ redis: gate, run })
    const call = ask(tool, { text: 'held' }, patience())
    await until('it runs', () => held.length > 0)
    const lifeMs = await gate.attempt(client => client.pttl(lockOf('held')))
    t.ok(lifeMs && lifeMs > 3_000 && lifeMs <= tool.timeoutMs + 100, `${lifeMs} ms`)
    land('done')
    await call
  })

  t.test('a waiter that leaves does so at once, and gives nothing away', async t => {
    const { run, held, land } = heldRun()
    const [a, b] = [replicaOf({ redis: gate, run }), replicaOf({ redis: gate })]
    const first = a.ask(tool, { text: 'left' }, patience())
    await until('the first runs', () => held.length > 0)
    const gone = new AbortController()
    const waiter = b.ask(tool, { text: 'left' }, { ...patience(), signal: gone.signal })
    gone.abort(fail('TG_CLIENT_CLOSED'))
    await t.rejects(waiter, { code: 'TG_CLIENT_CLOSED' })
    t.ok(await isLocked('left'), 'the lock is the holder’s')
    land('done')
    t.equal((await first).json, '{"text":"done"}')
  })

  t.test('an expired lock that another took is not deleted', async t => {
    const { run, held, land } = heldRun()
    const { ask } = replicaOf({ redis: gate, run })
    const call = ask(tool, { text: 'taken' }, patience())
    await until('it runs', () => held.length > 0)
    await gate.attempt(client => client.set(lockOf('taken'), 'another’s'))
    land('done')
    await call
    await settle()
    t.equal(await gate.attempt(client => client.get(lockOf('taken'))), 'another’s')
  })

  t.test('no-cache asks the upstream, whoever holds the lock', async t => {
    await gate.attempt(client => client.set(lockOf('fresh'), 'another’s'))
    const { ask } = replicaOf({ redis: gate })
    const { json } = await ask(
      tool,
      { text: 'fresh' },
      { ...patience(), control: { noCache: true } },
    )
    t.equal(json, '{"text":"run 1"}')
  })

  t.test('when Redis dies while one waits, it goes on alone', async t => {
    await gate.attempt(client => client.set(lockOf('dies'), 'another’s'))
    const run = async () => resultOf({ text: 'alone' })
    const { ask } = replicaOf({ redis: gate, run })
    const call = ask(tool, { text: 'dies' }, patience())
    await settle()
    await server.kill()
    t.equal((await call).json, '{"text":"alone"}')
  })
})
