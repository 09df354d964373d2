import { type AddressInfo, connect } from 'node:net'
import type { FastifyInstance, InjectOptions } from 'fastify'
import t from 'tap'
import { parseConfig } from '../../../src/config.ts'
import { addressOf } from '../../../src/gateway/limits/limits.ts'
import { openRedis, type RedisGate } from '../../../src/gateway/policies/redis.ts'
import { echo, testApp } from '../../fixtures/app.ts'
import { rawPost } from '../../fixtures/raw-http.ts'
import { startRedisServer, skipWithoutRedis } from '../../fixtures/redis.ts'
import { until } from '../../fixtures/until.ts'

const payload = { text: 'x' }
const call = (app: FastifyInstance, key?: string, options: InjectOptions = {}) =>
  app.inject({
    method: 'POST',
    url: '/tools/echo',
    payload,
    ...options,
    headers: { ...(key ? { 'x-api-key': key } : {}), ...options.headers },
  })

t.test('a key is held to its limits, is told how they stand, and when to come back', async t => {
  let now = 86_400_000 * 20_000
  const keys = [
    { id: 'ann', key: 'of ann', scopes: {}, limits: { rate: '2/min', quota: '100/day' } },
    { id: 'bob', key: 'of bob', scopes: {} },
  ]
  const { app } = await testApp(t, { file: { keys }, now: () => now })
  const first = await call(app, 'of ann')
  t.equal(first.statusCode, 200)
  t.match(first.headers, {
    'ratelimit-policy': '"rate";q=2;w=60, "quota";q=100;w=86400',
    ratelimit: '"rate";r=1;t=30, "quota";r=99;t=86400',
    'ratelimit-limit': '2',
    'ratelimit-remaining': '1',
    'ratelimit-reset': '30',
  })
  t.equal((await call(app, 'of ann')).statusCode, 200)
  const refused = await call(app, 'of ann')
  t.equal(refused.statusCode, 429)
  t.match(refused.json(), {
    error: {
      code: 'TG_RATE_LIMITED',
      message: 'the rate of this key is used up: try again in 30 s',
    },
  })
  t.match(refused.headers, { 'retry-after': '30', 'ratelimit-remaining': '0' })
  t.notOk((await call(app, 'of bob')).headers['ratelimit'], 'who has no limit hears of none')
  now += 30_000
  t.equal((await call(app, 'of ann')).statusCode, 200)
  t.match((await call(app, 'of nobody')).json(), { error: { code: 'TG_KEY_WRONG' } })
})

t.test('every face counts, and refuses in its own shape', async t => {
  const keys = [{ id: 'ann', key: 'of ann', scopes: {}, limits: { quota: '1/day' } }]
  const { app } = await testApp(t, { file: { keys } })
  const lego = await app.agentLego()
  t.teardown(() => lego.close())
  t.equal((await call(app, 'of ann')).statusCode, 200)
  t.match((await call(app, 'of ann', { url: '/lagent/echo' })).json().errmsg, /^TG_RATE_LIMITED/)
  t.match((await call(app, 'of ann', { url: '/mcp' })).json().error.data.code, 'TG_RATE_LIMITED')
  t.match((await call(app, 'of ann', { url: '/v1/chat/completions' })).json().error, {
    type: 'rate_limit_error',
    code: 'rate_limit_exceeded',
  })
  t.match((await call(app, 'of ann', { url: '/v1/messages' })).json(), {
    type: 'error',
    error: { type: 'rate_limit_error' },
  })
  t.match((await call(lego, 'of ann', { url: '/echo' })).json().detail, /^TG_RATE_LIMITED/)
  t.equal((await app.inject({ url: '/registry' })).statusCode, 200, 'documents are free')
})

t.test('tools, addresses and all keys may be limited too', async t => {
  const allowances = {
    key: { rate: '3/min' },
    address: { rate: '1/min' },
    tools: { 'ech*': { quota: '4/day' } },
  }
  const keys = [{ id: 'ann', key: 'of ann' }]
  const file = { keys, anonymous: true, allowances, trustedProxies: ['10.0.0.0/8'] }
  const { app } = await testApp(t, { file, tools: [echo, { ...echo, name: 'other' }] })
  const from = (remoteAddress: string, forwarded?: string) =>
    call(app, undefined, {
      remoteAddress,
      ...(forwarded ? { headers: { 'x-forwarded-for': forwarded } } : {}),
    })
  t.equal((await from('203.0.113.1')).statusCode, 200)
  t.match((await from('203.0.113.1')).json().error.message, 'the rate of this address')
  t.equal(
    (await from('203.0.113.1', '198.51.100.9')).statusCode,
    429,
    'who says so is not believed',
  )
  t.equal((await from('10.1.2.3', '198.51.100.1')).statusCode, 200, 'but our own proxy is')
  t.equal((await from('10.1.2.3', '198.51.100.1')).statusCode, 429)
  const lego = await app.agentLego()
  t.teardown(() => lego.close())
  const ofLego = (forwarded: string, remoteAddress = '10.1.2.3') =>
    call(lego, undefined, {
      url: '/echo',
      remoteAddress,
      headers: { 'x-forwarded-for': forwarded },
    })
  t.match((await ofLego('198.51.100.1')).json().detail, /^TG_RATE_LIMITED/, 'on its port as well')
  t.match((await ofLego('198.51.100.2')).json(), 'x', 'where the proxy is not one caller')
  t.match((await ofLego('198.51.100.3', '203.0.113.1')).json().detail, /^TG_RATE_LIMITED/)
  t.equal((await call(app, 'of ann')).statusCode, 200)
  t.match((await call(app, 'of ann')).json().error.message, 'the quota of the tool echo')
  t.equal((await call(app, 'of ann', { url: '/tools/other' })).statusCode, 200)
  t.match((await call(app, 'of ann')).json().error.message, 'the rate of this key')
  const { body } = await app.inject({ url: '/metrics', headers: { 'x-api-key': 'of ann' } })
  t.match(body, 'toolgate_limited_total{by="address",policy="rate"} 5')
  t.match(body, 'toolgate_limited_total{by="tool",policy="quota"} 1')
  t.match(body, 'toolgate_limited_total{by="key",policy="rate"} 1')
  t.match(body, 'toolgate_refusals_total{code="TG_RATE_LIMITED"} 7')
})

t.test('what a key does not see takes nothing from the limit of a tool', async t => {
  const allowances = { tools: { '*': { quota: '1/day' } } }
  const keys = [
    { id: 'ann', key: 'of ann', scopes: { tools: ['echo'] } },
    { id: 'bob', key: 'of bob', scopes: { tools: ['other'] } },
  ]
  const file = { keys, allowances }
  const { app } = await testApp(t, { file, tools: [echo, { ...echo, name: 'other' }] })
  for (const url of ['/tools/echo', '/tools/nothing'])
    for (const _ of [1, 2])
      t.match((await call(app, 'of bob', { url })).json(), { error: { code: 'TG_TOOL_UNKNOWN' } })
  t.equal((await call(app, 'of ann')).statusCode, 200)
  t.equal((await call(app, 'of ann')).statusCode, 429)
  t.equal((await call(app, 'of bob')).statusCode, 404, 'that it is used up is not told either')
})

t.test('changed allowances hold for those who were here before', async t => {
  const file = (rate: string) => ({
    keys: [{ id: 'ann', key: 'of ann' }],
    allowances: { key: { rate } },
  })
  const { app } = await testApp(t, { file: file('5/min') })
  const policy = async () => (await call(app, 'of ann')).headers['ratelimit-policy']
  t.equal(await policy(), '"rate";q=5;w=60')
  await app.reload(parseConfig({}, file('7/h')))
  t.equal(await policy(), '"rate";q=7;w=3600')
  await app.reload(parseConfig({}, { keys: [{ id: 'ann', key: 'of ann' }] }))
  t.equal(await policy(), undefined)
})

t.test('so many at once, and a place is free when its caller is gone', async t => {
  const keys = [{ id: 'ann', key: 'of ann', limits: { concurrency: 2 } }]
  const { app } = await testApp(t, { file: { keys } })
  const address = await app.listen({ host: '127.0.0.1', port: 0 })
  const post = (signal: AbortSignal, url = `${address}/tools/echo`) => {
    // A body that does not end keeps the request open.
    const body = new ReadableStream({ start: made => made.enqueue(Buffer.from('{"text"')) })
    const headers = { 'x-api-key': 'of ann', 'content-type': 'application/json' }
    return fetch(url, { method: 'POST', body, headers, signal, duplex: 'half' } as RequestInit)
  }
  let came = 0
  app.server.on('request', () => (came += 1))
  const end = new AbortController()
  const open = [post(end.signal), post(end.signal)].map(one => one.catch(() => 'gone'))
  // A call that asks whether they are taken would take one itself.
  await until('both have come', () => came === 2)
  t.match((await call(app, 'of ann')).json().error.message, 'the number of calls at once')
  end.abort()
  t.same(await Promise.all(open), ['gone', 'gone'])
  await until('a place is free', async () => (await call(app, 'of ann')).statusCode === 200)
})

t.test('a place is not kept for a caller who left while Redis was asked', async t => {
  const keys = [{ id: 'ann', key: 'of ann', limits: { concurrency: 1 } }]
  const answered = Promise.withResolvers<void>()
  let answer = Promise.resolve()
  const redis: RedisGate = {
    attempt: () => answer.then(() => undefined),
    health: () => ({ state: 'down', failures: 1 }),
    onReply: () => undefined,
    close: () => undefined,
  }
  const { app } = await testApp(t, { file: { keys }, redis })
  await app.listen({ host: '127.0.0.1', port: 0 })
  answer = answered.promise
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  const left = new Promise(resolve =>
    app.server.once('request', (_, response) => {
      response.once('close', resolve)
      socket.destroy()
    }),
  )
  socket.write(rawPost('/tools/echo', JSON.stringify(payload), { 'x-api-key': 'of ann' }))
  await left
  answered.resolve()
  await until('its place is free', async () => (await call(app, 'of ann')).statusCode === 200)
})

t.test('wrong keys are heard for so long, and those who are known go on', async t => {
  let now = 1_000_000
  const { app } = await testApp(t, {
    env: { TOOLGATE_KEY: 'of ann' },
    file: { keys: [{ id: 'bob', key: 'of bob' }], allowances: { wrongKeys: '3/min' } },
    now: () => now,
  })
  t.equal((await call(app, 'of ann')).statusCode, 200)
  for (const _ of [1, 2, 3]) t.equal((await call(app, 'a guess')).statusCode, 401)
  t.match((await call(app, 'a guess')).json(), { error: { code: 'TG_RATE_LIMITED' } })
  t.equal((await call(app, 'of bob')).statusCode, 429, 'a right guess looks like a wrong one')
  t.equal((await call(app, 'of ann')).statusCode, 200, 'who was here before goes on')
  t.equal((await call(app, 'of bob', { remoteAddress: '192.0.2.1' })).statusCode, 200)
  t.equal((await call(app)).statusCode, 401, 'no key is no guess')
  now += 60_000
  t.equal((await call(app, 'of bob')).statusCode, 200)
})

t.test('an address is a host, or a network of IPv6', async t => {
  t.equal(addressOf('::ffff:192.0.2.1'), '192.0.2.1')
  t.equal(addressOf('2001:db8::1'), addressOf('2001:db8::ffff'))
  t.not(addressOf('2001:db8::1'), addressOf('2001:db8:0:1::1'))
  t.equal(addressOf('nowhere'), undefined)
})

t.test('four replicas hold one limit in a burst', { skip: skipWithoutRedis }, async t => {
  const server = await startRedisServer(t)
  const gate = async () => {
    // A loaded machine may be slow; what is measured here is the count.
    const redis = openRedis({ url: server.url, limits: { operationMs: 10_000 } })
    await until('Redis is there', async () => (await redis.attempt(c => c.ping())) === 'PONG')
    return redis
  }
  const keys = [{ id: 'ann', key: 'of ann', limits: { rate: '40/day', quota: '1000/day' } }]
  const file = { keys, limits: { redisMs: 10_000 } }
  const replicas = await Promise.all(
    [1, 2, 3, 4].map(async () => (await testApp(t, { file, redis: await gate() })).app),
  )
  const burst = async () => {
    const answers = await Promise.all(
      Array.from({ length: 400 }, (_, index) => call(replicas[index % 4]!, 'of ann')),
    )
    const passed = answers.filter(({ statusCode }) => statusCode === 200).length
    const refused = answers.filter(({ statusCode }) => statusCode === 429).length
    t.equal(passed + refused, 400, 'each is answered')
    return passed
  }
  t.equal(await burst(), 40, 'exactly the limit while Redis lives')
  await server.kill()
  await until(
    'the loss is noticed',
    async () => (await call(replicas[0]!, 'of ann')).statusCode === 429,
  )
  const later = await Promise.all(
    Array.from({ length: 400 }, (_, index) => call(replicas[index % 4]!, 'of ann')),
  )
  const more = later.filter(({ statusCode }) => statusCode === 200).length
  t.equal(more, 0, 'what Redis said last still holds without it')
})

t.test('without Redis each replica holds the limit by itself', async t => {
  const keys = [{ id: 'ann', key: 'of ann', limits: { rate: '10/day' } }]
  const replicas = await Promise.all(
    [1, 2, 3, 4].map(async () => (await testApp(t, { file: { keys } })).app),
  )
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, index) => call(replicas[index % 4]!, 'of ann')),
  )
  const passed = answers.filter(({ statusCode }) => statusCode === 200).length
  t.equal(passed, 40, 'so many times the limit as there are replicas, and no more')
})
