import t from 'tap'
import { cacheLimits } from '../../../src/gateway/policies/cache.ts'
import { openRedis } from '../../../src/gateway/policies/redis.ts'
import type { Call } from '../../../src/registry/call.ts'
import { resultOf } from '../../../src/registry/call.ts'
import { fail } from '../../../src/registry/errors.ts'
import { echoTool } from '../../fixtures/tools.ts'
import { replicaOf, settle } from '../../fixtures/pipeline.ts'
import { skipWithoutRedis, startRedisServer } from '../../fixtures/redis.ts'
import { until } from '../../fixtures/until.ts'

const tool = echoTool({ cache: { ttlMs: 10_000, staleMs: 20_000 } })
const uncached = echoTool()

t.test('the second of two equal calls is answered from this process', async t => {
  const { ask, runs, clock } = replicaOf()
  t.same(await ask(tool, { text: 'a' }), {
    json: '{"text":"run 1"}',
    report: { forward: 'miss', stored: true, ttlMs: 10_000 },
  })
  clock.ms += 4_000
  t.same(await ask(tool, { text: 'a' }), {
    json: '{"text":"run 1"}',
    report: { hit: 'l1', ageMs: 4_000, ttlMs: 6_000 },
  })
  t.equal(runs.length, 1)
})

t.test('other arguments, another version and another tool are other answers', async t => {
  const { ask, runs } = replicaOf()
  await ask(tool, { text: 'a' })
  await ask(tool, { text: 'b' })
  await ask({ ...tool, version: '2.0.0' }, { text: 'a' })
  await ask({ ...tool, name: 'other' }, { text: 'a' })
  t.equal(runs.length, 4)
})

t.test('a tool without a cache is always run', async t => {
  const { ask, runs } = replicaOf()
  t.same((await ask(uncached)).report, { forward: 'bypass' })
  t.same((await ask(uncached)).report, { forward: 'bypass' })
  t.equal(runs.length, 2)
})

t.test("the caller's controls hold", async t => {
  const { ask, runs, clock } = replicaOf()
  const only = { control: { onlyIfCached: true } }
  await t.rejects(ask(tool, {}, only), { code: 'TG_NOT_CACHED', status: 504 })
  await t.rejects(ask(uncached, {}, only), { code: 'TG_NOT_CACHED' })
  t.equal(runs.length, 0)

  t.same((await ask(tool, {}, { control: { noStore: true } })).report, { forward: 'bypass' })
  await t.rejects(ask(tool, {}, only), { code: 'TG_NOT_CACHED' }, 'no-store has stored nothing')

  await ask(tool)
  t.equal((await ask(tool, {}, only)).report.hit, 'l1')
  const fresh = await ask(tool, {}, { control: { noCache: true } })
  t.same(fresh.report, { forward: 'bypass', stored: true, ttlMs: 10_000 })
  t.equal((await ask(tool)).json, fresh.json, 'no-cache has stored what it fetched')
  t.equal((await ask(tool, {}, { control: { noStore: true } })).json, '{"text":"run 4"}')
  t.equal((await ask(tool)).json, fresh.json, 'no-store has left it')

  clock.ms += 5_000
  t.equal((await ask(tool, {}, { control: { maxAgeMs: 6_000 } })).report.hit, 'l1')
  const younger = await ask(tool, {}, { control: { maxAgeMs: 5_000 } })
  t.match(younger.report, { forward: 'stale', stored: true })
  t.equal((await ask(tool)).json, younger.json)
})

t.test('an error is never stored', async t => {
  const errors = [fail('TG_NOT_FOUND', 'place', 'x'), new Error('of ours')]
  const run: Call = async () => {
    const error = errors.shift()
    if (error) throw error
    return resultOf({ text: 'at last' })
  }
  const { ask, runs } = replicaOf({ run })
  await t.rejects(ask(tool), { code: 'TG_NOT_FOUND' })
  await t.rejects(ask(tool), { message: 'of ours' })
  t.equal((await ask(tool)).json, '{"text":"at last"}')
  t.equal((await ask(tool)).report.hit, 'l1')
  t.equal(runs.length, 3)
})

t.test('a stale answer goes out at once and is fetched anew behind it, once', async t => {
  const { ask, runs, clock } = replicaOf()
  await ask(tool)
  clock.ms += 12_000
  const stale = await Promise.all([ask(tool), ask(tool), ask(tool)])
  for (const { json, report } of stale) {
    t.equal(json, '{"text":"run 1"}')
    t.same(report, { hit: 'stale', ageMs: 12_000, ttlMs: -2_000 })
  }
  await settle()
  t.equal(runs.length, 2)
  t.match(await ask(tool), { json: '{"text":"run 2"}', report: { hit: 'l1', ageMs: 0 } })
})

t.test('what is fetched behind an answer belongs to no caller', async t => {
  const { ask, runs, clock } = replicaOf()
  await ask(tool)
  clock.ms += 12_000
  const gone = new AbortController()
  await ask(tool, {}, { signal: gone.signal, deadlineMs: 1, progress: () => t.fail('told') })
  gone.abort()
  await settle()
  const [, behind] = runs
  t.equal(behind?.context.signal.aborted, false)
  behind?.context.progress?.(1)
  t.equal(behind?.context.deadlineAt, clock.ms + tool.timeoutMs)
  t.equal((await ask(tool)).report.hit, 'l1')
})

t.test('while the upstream fails, the stale answer goes on, and the upstream rests', async t => {
  let isDown = false
  const run: Call = async () => {
    if (isDown) throw fail('TG_UPSTREAM_FAILED', 'api.example', '500')
    return resultOf({ text: 'fine' })
  }
  const { ask, runs, clock, revalidateErrors } = replicaOf({ run })
  await ask(tool)
  isDown = true
  clock.ms += 12_000
  for (let call = 0; call < 3; call++) {
    t.match(await ask(tool), { json: '{"text":"fine"}', report: { hit: 'stale' } })
    await settle()
  }
  t.equal(runs.length, 2, 'one attempt, then rest')
  t.match(revalidateErrors, [{ code: 'TG_UPSTREAM_FAILED' }])
  clock.ms += cacheLimits.revalidateRestMs
  await ask(tool)
  await settle()
  t.equal(runs.length, 3, 'and another after it')
  clock.ms += 20_000
  await t.rejects(ask(tool), { code: 'TG_UPSTREAM_FAILED' }, 'too stale is not served')
  isDown = false
  t.equal((await ask(tool)).report.forward, 'miss')
})

t.test("one caller's answer never reaches another where the tool says so", async t => {
  const own = echoTool({ cache: { ttlMs: 10_000, scope: 'caller' } })
  const { ask, runs } = replicaOf()
  await ask(own, {}, { caller: 'ann' })
  await ask(own, {}, { caller: 'bob' })
  await ask(own, {})
  await ask(own, {}, { caller: '' })
  t.equal(runs.length, 4)
  t.equal((await ask(own, {}, { caller: 'ann' })).json, '{"text":"run 1"}')
  await ask(tool, {}, { caller: 'ann' })
  t.equal((await ask(tool, {}, { caller: 'bob' })).report.hit, 'l1', 'a public one does')
})

t.test('files that a stored answer names are kept with it', async t => {
  const cut = echoTool({ cache: { ttlMs: 1_000 }, output: { type: 'object' } })
  const run: Call = async () => resultOf({ truncated: { file: 'f.json', bytes: 9 } })
  const { ask, kept } = replicaOf({ run })
  await ask(cut)
  t.same(kept, ['f.json'])
})

t.test('with a Redis', { skip: skipWithoutRedis }, async t => {
  const server = await startRedisServer(t)
  const gate = openRedis({ url: server.url, limits: { operationMs: 1_000 } })
  t.teardown(gate.close)
  await until('it is up', () => gate.health().state === 'up')

  t.test('an answer of one replica serves another', async t => {
    const [a, b] = [replicaOf({ redis: gate }), replicaOf({ redis: gate })]
    await a.ask(tool, { text: 'shared' })
    b.clock.ms += 3_000
    t.match(await b.ask(tool, { text: 'shared' }), {
      json: '{"text":"run 1"}',
      report: { hit: 'redis', ageMs: 3_000, ttlMs: 7_000 },
    })
    t.equal((await b.ask(tool, { text: 'shared' })).report.hit, 'l1', 'and is kept there')
    t.equal(b.runs.length, 0)
  })

  t.test('a stale answer of another replica serves while it is fetched anew', async t => {
    const [a, b] = [replicaOf({ redis: gate }), replicaOf({ redis: gate })]
    await a.ask(tool, { text: 'stale' })
    b.clock.ms += 12_000
    t.match((await b.ask(tool, { text: 'stale' })).report, { hit: 'stale', ageMs: 12_000 })
    await until('it is fetched', () => b.runs.length === 1)
    await until(
      'it is stored',
      async () => (await b.ask(tool, { text: 'stale' })).report.hit === 'l1',
    )
    t.equal(b.runs.length, 1)
  })
})
