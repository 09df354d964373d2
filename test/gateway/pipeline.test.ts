import t from 'tap'
import { openRedis } from '../../src/gateway/policies/redis.ts'
import { fail } from '../../src/registry/errors.ts'
import { heldRun, replicaOf, settle } from '../fixtures/pipeline.ts'
import { skipWithoutRedis, startRedisServer } from '../fixtures/redis.ts'
import { echoTool } from '../fixtures/tools.ts'
import { until } from '../fixtures/until.ts'

const tool = echoTool({ cache: { ttlMs: 60_000 } })

t.test('a caller that leaves frees everything behind it', async t => {
  const { run, held } = heldRun()
  const { ask } = replicaOf({ run })
  for (const called of [tool, echoTool({ name: 'uncached', concurrency: 1 })]) {
    const gone = new AbortController()
    const call = ask(called, {}, { signal: gone.signal })
    await settle()
    gone.abort(fail('TG_CLIENT_CLOSED'))
    await t.rejects(call, { code: 'TG_CLIENT_CLOSED', status: 499 })
    t.equal(held.at(-1)?.signal.aborted, true, 'the run is told')
    await settle()
    const next = ask(called)
    await settle()
    held.at(-1)?.resolve({ json: '{}', output: {} })
    t.equal((await next).json, '{}', 'and its place is free')
  }
})

t.test('a run that ends too late is a 504, and is not stored', async t => {
  const { run, held, land } = heldRun()
  const { ask } = replicaOf({ run })
  const hasty = { ...tool, timeoutMs: 20 }
  await t.rejects(ask(hasty), { code: 'TG_DEADLINE', status: 504 })
  t.equal(held[0]?.signal.aborted, true)
  land('too late')
  const next = ask(hasty)
  await settle()
  land('in time')
  t.equal((await next).json, '{"text":"in time"}')
})

t.test('with a Redis', { skip: skipWithoutRedis }, async t => {
  t.test('that hangs, a call waits 50 ms for it in all, and the next not at all', async t => {
    const server = await startRedisServer(t)
    const gate = openRedis({ url: server.url, limits: { restMs: 60_000 } })
    t.teardown(gate.close)
    await until('it is up', () => gate.health().state === 'up')
    const { ask } = replicaOf({ redis: gate })
    server.hang()
    for (const [text, leftMs] of [
      ['first', 0],
      ['second', 50],
    ] as const) {
      const patience = { redisMs: 50 }
      t.match((await ask(tool, { text }, { patience })).report, { forward: 'miss', stored: true })
      t.equal(patience.redisMs, leftMs, `${text}: what it may still wait`)
    }
    t.equal((await ask(tool, { text: 'first' })).report.hit, 'l1', 'it serves from this process')
    t.equal(gate.health().failures, 1)
  })

  t.test('that is killed and started under load, no call fails', async t => {
    const server = await startRedisServer(t)
    const gate = openRedis({ url: server.url, limits: { restMs: 20 } })
    t.teardown(gate.close)
    await until('it is up', () => gate.health().state === 'up')
    const replicas = [replicaOf({ redis: gate }), replicaOf({ redis: gate })]
    let answered = 0
    let isOver = false
    const load = replicas.map(async ({ ask }) => {
      while (!isOver) {
        await Promise.all(
          Array.from({ length: 10 }, (_, index) => ask(tool, { text: `${answered} ${index}` })),
        )
        answered += 10
        await settle()
      }
    })
    for (const harm of [
      () => server.kill(),
      () => server.start(),
      async () => server.hang(),
      async () => server.wake(),
    ]) {
      const before = answered
      await harm()
      await until('calls go on', () => answered > before + 200)
    }
    await until('it is used again', () => gate.health().state === 'up')
    isOver = true
    await Promise.all(load)
    t.ok(answered > 800)
  })
})
