import t from 'tap'
import { portTo, startRedis } from '../../fixtures/redis-server.ts'
import { sourceGateway } from '../../fixtures/sources/gateway.ts'
import { otherServer, type Says } from '../../fixtures/sources/server.ts'
import { until } from '../../fixtures/until.ts'

const document = {
  openapi: '3.1.0',
  paths: {
    '/now': { get: { operationId: 'now', responses: { 200: { content: { 'text/plain': {} } } } } },
  },
}
const clock = (path: string): Says =>
  path === '/openapi.json' ? { body: document } : { type: 'text/plain', body: 'noon' }

t.test('a dead server does not stop the start', async t => {
  const server = await otherServer(t, () => 'hang')
  const { sources, pass } = await sourceGateway(t, {
    configured: [
      { name: 'silent', kind: 'openapi', url: server.url },
      { name: 'gone', kind: 'agentlego', url: 'http://127.0.0.1:9' },
    ],
    limits: { startMs: 300 },
    liveLimits: { fetchMs: 600 },
  })
  await sources.start()
  t.match(sources.list(), [
    { id: 'gone', configured: true },
    { id: 'silent', state: 'loading' },
  ])
  await until('it is given up', () => sources.get('silent')?.state !== 'loading')
  t.match(sources.get('silent'), { state: 'unreachable', error: { code: 'TG_DEADLINE' } })
  t.match(sources.get('gone'), { state: 'unreachable', error: { code: 'TG_UPSTREAM_UNREACHABLE' } })
  await pass(0)
})

t.test('with Redis', async t => {
  const redis = await startRedis(t)
  if (!redis) return t.pass('', { skip: 'redis-server is not installed' })
  const port = portTo(redis)
  const gateway = (configured: unknown[] = []) =>
    sourceGateway(t, { redis: port, configured, limits: { startMs: 60_000 } })

  t.test('what a server said last stands in for it while it is dead', async t => {
    const server = await otherServer(t, ({ url }) => clock(url))
    const stated = { name: 'clock', kind: 'openapi', url: server.url }
    const first = await gateway([stated])
    await first.sources.start()
    t.match(first.sources.get('clock'), { state: 'ready' })
    await server.stop()
    const second = await gateway([stated])
    await second.sources.start()
    t.match(second.sources.get('clock'), { state: 'unreachable', tools: ['clock_now'] })
    t.match(second.registry.unavailable('clock_now'), { reason: /cannot be reached/ })
    await otherServer(t, ({ url }) => clock(url), server.port)
    await second.pass(60_000)
    await second.pass(60_000)
    t.match(second.sources.get('clock'), { state: 'ready' })
    t.same(await second.call('clock_now'), { result: 'noon' })
    const moved = await gateway([{ ...stated, url: 'http://127.0.0.1:9' }])
    await moved.sources.start()
    t.same(moved.sources.get('clock')?.tools, [], 'nor for another server of its name')
  })

  t.test('what an admin tells one replica, all know', async t => {
    const server = await otherServer(t, ({ url }) => clock(url))
    const [a, b] = [await gateway(), await gateway()]
    await Promise.all([a.sources.start(), b.sources.start()])
    await a.add({ name: 'clock', kind: 'openapi', url: server.url })
    t.equal(b.registry.get('clock_now'), undefined)
    await b.pass(10_000)
    t.same(await b.call('clock_now'), { result: 'noon' })
    await a.add({ name: 'clock', kind: 'openapi', url: server.url, exclude: ['*'] })
    await b.pass(10_000)
    t.equal(b.registry.get('clock_now'), undefined)
    await redis.flushall()
    await b.pass(10_000)
    const late = await gateway()
    await late.sources.start()
    t.match(late.sources.get('clock'), { state: 'ready' }, 'what Redis lost, it is told again')
    await a.sources.remove('clock')
    await Promise.all([b.pass(10_000), late.pass(10_000)])
    t.same([b.sources.list(), late.sources.list()], [[], []])
  })

  t.test('a large description is kept in parts', async t => {
    const operations = Array.from({ length: 400 }, (_, at) => [
      `/p${at}`,
      {
        get: {
          operationId: `op${at}`,
          description: Array.from({ length: 200 }, () => Math.random()).join(' '),
        },
      },
    ])
    const big = { openapi: '3.1.0', paths: Object.fromEntries(operations) }
    const server = await otherServer(t, () => ({ body: big }))
    const stated = { name: 'big', kind: 'openapi', url: server.url }
    const first = await gateway([stated])
    await first.sources.start()
    t.ok((await redis.keys('tg:r:d:{big}:*')).length > 2)
    await server.stop()
    const second = await gateway([stated])
    await second.sources.start()
    t.equal(second.sources.get('big')?.tools.length, 400)
    await redis.set('tg:r:d:{big}:1', 'broken')
    const third = await gateway([stated])
    await third.sources.start()
    t.same(third.sources.get('big')?.tools, [], 'and what is broken is no description')
  })
})

t.test('hostile documents cost a thread, and are told of', async t => {
  const deep = `${'{"allOf":['.repeat(20_000)}{}${']}'.repeat(20_000)}`
  const bodies: Record<string, string> = {
    huge: JSON.stringify({ ...document, x: 'x'.repeat(11 * 1_048_576) }),
    deep: JSON.stringify(document).replace(
      '"text/plain":{}',
      `"application/json":{"schema":${deep}}`,
    ),
    bomb: `openapi: 3.1.0\na: &a [x,x]\n${Array.from({ length: 25 }, (_, at) => `b${at}: &b${at} [*${at ? `b${at - 1}` : 'a'},*${at ? `b${at - 1}` : 'a'}]`).join('\n')}`,
  }
  const server = await otherServer(t, ({ url }) => ({ body: bodies[url.slice(1, -5)] ?? '' }))
  const { add, sources } = await sourceGateway(t)
  const outcomes: [string, object][] = [
    [
      'huge',
      { state: 'failed', error: { code: 'TG_UPSTREAM_INVALID', message: /over 10485760 bytes/ } },
    ],
    ['deep', { state: 'ready', tools: ['deep_now'] }],
    ['bomb', { state: 'failed', error: { code: 'TG_UPSTREAM_INVALID' } }],
  ]
  for (const [name, outcome] of outcomes) {
    await add({ name, kind: 'openapi', url: `${server.url}/${name}.json` })
    t.match(sources.get(name), outcome, name)
  }
})

t.test('thousands of equal names and thousands too many are counted', async t => {
  const paths = Object.fromEntries(
    Array.from({ length: 5_100 }, (_, at) => [
      `/p/${at}`,
      { get: { operationId: `same name${'!'.repeat(at % 50)}` } },
    ]),
  )
  const server = await otherServer(t, () => ({ body: { openapi: '3.1.0', paths } }))
  const { add, sources, registry } = await sourceGateway(t)
  await add({ name: 'many', kind: 'openapi', url: server.url })
  const report = sources.get('many')
  t.equal(new Set(report?.tools).size, 5_000)
  t.equal(registry.list().length, 5_000)
  t.match(report?.notes, [/100 operations over the limit/])
})

t.test('there is an end to sources', async t => {
  const { add } = await sourceGateway(t, { limits: { sourcesMax: 1 } })
  const http = (name: string) => ({
    name,
    kind: 'http',
    url: 'http://127.0.0.1:9',
    tools: [{ name: 'x', description: 'X.' }],
  })
  t.match(await add(http('a')), { status: 201 })
  t.match(await add(http('b')), { status: 422, body: { error: { code: 'TG_REFUSED' } } })
  t.match(await add(http('a')), { status: 200 })
})
