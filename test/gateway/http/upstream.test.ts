import { brotliCompressSync, gzipSync } from 'node:zlib'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import Type from 'typebox'
import { type Dispatcher, MockAgent } from 'undici'
import { createGuard } from '../../../src/gateway/http/guard.ts'
import { createUpstream, type upstreamLimits } from '../../../src/gateway/http/upstream.ts'
import { createBreaker } from '../../../src/gateway/policies/breaker.ts'
import type { Pace } from '../../../src/gateway/policies/pace.ts'
import { fail } from '../../../src/registry/errors.ts'

const origin = 'https://api.example.com'
const noPace: Pace = { take: async () => () => undefined }
const tool = { pace: {} }

type Expected = { code?: string; status?: number; message?: string | RegExp; retryAfterMs?: number }
type Setup = {
  dispatcher: Dispatcher
  settings?: Record<string, string>
  pace?: Pace
  tool?: { pace: Record<string, number> }
  signal?: AbortSignal
  deadlineAt?: number
  now?: () => number
  limits?: Partial<Record<keyof typeof upstreamLimits, number>>
  failuresMax?: number
}

const upstreamOf = (setup: Setup) => {
  const { dispatcher, settings = {}, pace = noPace, limits = {}, now = () => 1_000 } = setup
  const breaker = createBreaker({ now, limits: { failuresMax: setup.failuresMax ?? 10 } })
  return createUpstream({
    dispatcher,
    settings,
    pace,
    breaker,
    now,
    limits: { retryWaitMs: 0, ...limits },
    version: '1.2.3',
  }).for(setup.tool ?? tool, {
    signal: setup.signal ?? new AbortController().signal,
    deadlineAt: setup.deadlineAt ?? 31_000,
  })
}

function mock(t: Test) {
  const agent = new MockAgent()
  agent.disableNetConnect()
  t.teardown(() => agent.close())
  return { agent, pool: agent.get(origin) }
}

async function listen(t: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function guardTo(t: Test, base: string): Dispatcher {
  const guard = createGuard({ allowedOrigins: [base] })
  t.teardown(() => guard.close())
  return guard.dispatcher
}

t.test('a request carries its query with %20, our name and the headers given', async t => {
  const { agent, pool } = mock(t)
  let seen: { path: string; headers: Record<string, string> } | undefined
  pool.intercept({ path: () => true }).reply(200, request => {
    seen = request as unknown as typeof seen
    return { ok: true }
  })
  const { getJson } = upstreamOf({ dispatcher: agent })
  const json = await getJson(`${origin}/v1/search?format=json`, {
    query: { name: 'New York & 上海', count: 3, exact: false, absent: undefined },
    headers: { 'X-Key': 'abc' },
  })
  t.same(json, { ok: true })
  t.equal(
    seen?.path,
    '/v1/search?format=json&name=New%20York%20%26%20%E4%B8%8A%E6%B5%B7&count=3&exact=false',
  )
  t.match(seen?.headers, {
    'user-agent': 'toolgate/1.2.3',
    'x-key': 'abc',
    accept: 'application/json',
  })
})

t.test('a body makes it a POST of JSON', async t => {
  const { agent, pool } = mock(t)
  pool
    .intercept({
      path: '/',
      method: 'POST',
      body: '{"a":1}',
      headers: { 'content-type': 'application/json' },
    })
    .reply(200, '[1]')
  t.same(await upstreamOf({ dispatcher: agent }).getJson(origin, { body: { a: 1 } }), [1])
})

t.test('an answer is checked against its schema', async t => {
  const { agent, pool } = mock(t)
  const schema = Type.Object({ current: Type.Object({ celsius: Type.Number() }) })
  pool.intercept({ path: '/' }).reply(200, '{"current":{"celsius":21.5},"extra":1}')
  pool.intercept({ path: '/' }).reply(200, '{"current":{"celsius":"warm"}}')
  const { getJson } = upstreamOf({ dispatcher: agent })
  t.equal((await getJson(origin, { schema })).current.celsius, 21.5)
  await t.rejects(getJson(origin, { schema }), {
    code: 'TG_UPSTREAM_INVALID',
    status: 502,
    message: /^api\.example\.com sent .*: \/current\/celsius must be number$/,
  })
})

t.test('packed answers are unpacked, other charsets are read', async t => {
  const { agent, pool } = mock(t)
  const reply = (body: Buffer, headers: Record<string, string>) =>
    pool.intercept({ path: '/' }).reply(200, body, { headers })
  reply(gzipSync('[1]'), { 'content-encoding': 'gzip' })
  reply(brotliCompressSync('[2]'), { 'content-encoding': 'br' })
  reply(Buffer.from([0xd6, 0xd0, 0xce, 0xc4]), { 'content-type': 'text/plain; charset=gb18030' })
  reply(Buffer.from('中文'), { 'content-type': 'text/plain; charset=nonsense' })
  reply(Buffer.from('x'), { 'content-encoding': 'rot13' })
  const { getJson, getText } = upstreamOf({ dispatcher: agent })
  t.same(await getJson(origin), [1])
  t.same(await getJson(origin), [2])
  t.equal(await getText(origin), '中文')
  t.equal(await getText(origin), '中文')
  await t.rejects(getText(origin), { code: 'TG_UPSTREAM_INVALID' })
})

t.test('a status tells what is wrong and the reason is quoted', async t => {
  const { agent, pool } = mock(t)
  const cases: [number, string, Expected][] = [
    [400, '{"error":true,"reason":"Latitude is out of range"}', { code: 'TG_UPSTREAM_FAILED', status: 502, message: 'api.example.com failed: HTTP 400, Latitude is out of range' }],
    [404, '{"error":{"status":404,"title":"No such place","detail":"gone"}}', { code: 'TG_UPSTREAM_FAILED', message: /gone/ }],
    [500, '<html><head><title>Oh no</title></head></html>', { code: 'TG_UPSTREAM_FAILED', message: /HTTP 500, Oh no/ }],
    [500, '', { message: 'api.example.com failed: HTTP 500' }],
    [500, '{"half":', { message: 'api.example.com failed: HTTP 500, {"half":' }],
    [403, `a\u0000b\n${'x'.repeat(5_000)}`, { message: /HTTP 403, a b x{196}…$/ }],
    [429, 'Rate exceeded.', { code: 'TG_UPSTREAM_BUSY', status: 503, retryAfterMs: 60_000, message: /Rate exceeded/ }],
    [503, 'later', { code: 'TG_UPSTREAM_BUSY', status: 503, retryAfterMs: 60_000 }],
    [304, '', { code: 'TG_UPSTREAM_FAILED', message: /HTTP 304/ }],
  ] // prettier-ignore
  for (const [status, body, error] of cases) {
    pool.intercept({ path: '/' }).reply(status, body)
    t.match(
      await upstreamOf({ dispatcher: agent })
        .getJson(origin)
        .catch((cause: unknown) => cause),
      error,
      `${status} ${body.slice(0, 30)}`,
    )
  }
})

t.test('Retry-After is passed on in both of its forms and bounded', async t => {
  const { agent, pool } = mock(t)
  for (const [value, retryAfterMs] of [
    ['7', 7_000],
    [new Date(31_000).toUTCString(), 30_000],
    ['999999999', 86_400_000],
    ['soon', 60_000],
  ] as const) {
    pool.intercept({ path: '/' }).reply(429, 'slow down', { headers: { 'retry-after': value } })
    const { getText } = upstreamOf({ dispatcher: agent })
    await t.rejects(getText(origin), { code: 'TG_UPSTREAM_BUSY', retryAfterMs }, value)
  }
})

t.test('an upstream that asked for a pause is not asked meanwhile', async t => {
  const { agent, pool } = mock(t)
  let nowMs = 1_000
  pool.intercept({ path: '/' }).reply(429, '', { headers: { 'retry-after': '3' } })
  pool.intercept({ path: '/' }).reply(200, 'back')
  const { getText } = upstreamOf({ dispatcher: agent, now: () => nowMs })
  await t.rejects(getText(origin), { code: 'TG_UPSTREAM_BUSY' })
  nowMs += 1_000
  await t.rejects(getText(origin), { code: 'TG_UPSTREAM_BUSY', retryAfterMs: 2_000 })
  nowMs += 2_000
  t.equal(await getText(origin), 'back')
})

t.test('what is not JSON is a 502, and says what came', async t => {
  const { agent, pool } = mock(t)
  const { getJson } = upstreamOf({ dispatcher: agent })
  for (const [body, got] of [
    ['<!doctype html><p>Bandwidth limit exceeded', 'markup'],
    ['hello', 'text'],
    ['', 'nothing'],
    ['{"a":', 'text'],
  ] as const) {
    pool.intercept({ path: '/' }).reply(200, body)
    await t.rejects(getJson(origin), {
      code: 'TG_UPSTREAM_INVALID',
      message: new RegExp(`${got} instead of JSON`),
    })
  }
})

t.test('a tool may read an error answer first', async t => {
  const { agent, pool } = mock(t)
  const { getJson } = upstreamOf({ dispatcher: agent })
  const onError = ({ status, text }: { status: number; text: string }) =>
    status === 404 ? fail('TG_NOT_FOUND', 'place', text) : undefined
  pool.intercept({ path: '/' }).reply(404, 'Atlantis')
  await t.rejects(getJson(origin, { onError }), { code: 'TG_NOT_FOUND', message: /Atlantis/ })
  pool.intercept({ path: '/' }).reply(400, 'no')
  await t.rejects(getJson(origin, { onError }), { code: 'TG_UPSTREAM_FAILED' })
})

t.test('an answer over the bound is not read on, nor is a bomb unpacked', async t => {
  const { agent, pool } = mock(t)
  const { getText } = upstreamOf({ dispatcher: agent, limits: { bodyBytesMax: 1_000 } })
  pool.intercept({ path: '/' }).reply(200, 'x'.repeat(1_001))
  await t.rejects(getText(origin), { code: 'TG_UPSTREAM_INVALID', message: /over 1000 bytes/ })
  const bomb = gzipSync(Buffer.alloc(50_000_000))
  pool.intercept({ path: '/' }).reply(200, bomb, { headers: { 'content-encoding': 'gzip' } })
  await t.rejects(getText(origin), { code: 'TG_UPSTREAM_INVALID', message: /over 1000 bytes/ })
})

t.test('no secret shows in any error', async t => {
  const settings = { SOME_API_KEY: 'sesame open+1', PLAIN: 'visible', SHORT_KEY: 'abc' }
  const { agent, pool } = mock(t)
  const { getJson } = upstreamOf({ dispatcher: agent, settings })
  for (const [status, body] of [
    [401, 'the key sesame open+1 is wrong, visible'],
    [401, 'GET /v1?key=other-key-1&q=1 and sesame%20open%2B1'],
    [200, 'sesame open+1'],
  ] as const) {
    pool.intercept({ path: '/' }).reply(status, body)
    const error = await getJson(origin).catch((cause: unknown) => cause)
    const shown = `${String(error)} ${JSON.stringify(error)} ${String((error as Error).cause)}`
    t.notMatch(shown, /sesame|other-key-1/)
  }
})

t.test('a GET whose connection broke or that a proxy answered for is tried once more', async t => {
  const { agent, pool } = mock(t)
  const reset = Object.assign(new Error('reset'), { code: 'ECONNRESET' })
  const { getText } = upstreamOf({ dispatcher: agent })
  pool.intercept({ path: '/' }).replyWithError(reset)
  pool.intercept({ path: '/' }).reply(200, 'second')
  t.equal(await getText(origin), 'second')
  pool.intercept({ path: '/' }).reply(502, 'bad gateway')
  pool.intercept({ path: '/' }).reply(200, 'third')
  t.equal(await getText(origin), 'third')
  pool.intercept({ path: '/' }).reply(504, 'first').times(2)
  await t.rejects(getText(origin), { code: 'TG_UPSTREAM_FAILED', message: /HTTP 504/ })
  pool.intercept({ path: '/' }).replyWithError(reset).times(2)
  await t.rejects(getText(origin), {
    code: 'TG_UPSTREAM_UNREACHABLE',
    message: 'api.example.com cannot be reached: ECONNRESET',
  })
  agent.assertNoPendingInterceptors()
})

t.test('nothing else is tried twice', async t => {
  const { agent, pool } = mock(t)
  const refuse = async (
    status: number,
    setup: Partial<Setup>,
    options: { body?: unknown } = {},
  ) => {
    const method = 'body' in options ? 'POST' : 'GET'
    pool.intercept({ path: '/', method }).reply(status, 'no')
    const { getText } = upstreamOf({ dispatcher: agent, ...setup })
    await t.rejects(getText(origin, options), { code: /^TG_UPSTREAM/ }, `${method} ${status}`)
  }
  await refuse(500, {})
  await refuse(400, {})
  await refuse(502, {}, { body: {} })
  await refuse(502, { deadlineAt: 1_999 })
  await refuse(502, { limits: { retriesMax: 0 } })
  agent.assertNoPendingInterceptors()
})

t.test('an upstream that fails ten times in a row is left alone, then probed', async t => {
  const { agent, pool } = mock(t)
  let nowMs = 1_000
  const { getText } = upstreamOf({ dispatcher: agent, now: () => nowMs, failuresMax: 2 })
  pool.intercept({ path: '/' }).reply(500, 'no').times(2)
  await t.rejects(getText(origin), { code: 'TG_UPSTREAM_FAILED' })
  await t.rejects(getText(origin), { code: 'TG_UPSTREAM_FAILED' })
  await t.rejects(getText(origin), { code: 'TG_UPSTREAM_BUSY', status: 503 })
  nowMs += 2_000
  pool.intercept({ path: '/' }).reply(200, 'well again')
  t.equal(await getText(origin), 'well again')
})

t.test('requests to a paced setting take a turn and give the line back', async t => {
  const { agent, pool } = mock(t)
  const taken: [string, number][] = []
  let held = 0
  const pace: Pace = {
    take: async (key, intervalMs) => {
      taken.push([key, intervalMs])
      held += 1
      return () => {
        held -= 1
      }
    },
  }
  const { getText } = upstreamOf({
    dispatcher: agent,
    pace,
    settings: { ARXIV_URL: `${origin}/api`, OTHER_URL: 'https://other.example.com' },
    tool: { pace: { ARXIV_URL: 3_000, MISSING_URL: 9_000 } },
  })
  pool.intercept({ path: '/api/query' }).reply(200, 'papers')
  agent.get('https://other.example.com').intercept({ path: '/' }).reply(200, 'unpaced')
  await getText(`${origin}/api/query`)
  await getText('https://other.example.com')
  pool.intercept({ path: '/api/query' }).reply(500, '')
  await t.rejects(getText(`${origin}/api/query`))
  t.same(taken, [
    ['api.example.com', 3_000],
    ['api.example.com', 3_000],
  ])
  t.equal(held, 0)
})

t.test(
  'a turn that comes too late is the error of the call, and no mark against the upstream',
  async t => {
    const { agent } = mock(t)
    const pace: Pace = {
      take: async () => {
        throw fail('TG_RATE_LIMITED', 'api.example.com', 9_000)
      },
    }
    const { getText } = upstreamOf({
      dispatcher: agent,
      pace,
      settings: { ARXIV_URL: origin },
      tool: { pace: { ARXIV_URL: 3_000 } },
      failuresMax: 1,
    })
    await t.rejects(getText(origin), { code: 'TG_RATE_LIMITED', retryAfterMs: 9_000 })
    await t.rejects(getText(origin), { code: 'TG_RATE_LIMITED' })
  },
)

t.test('a redirect is followed without what was meant for the first host', async t => {
  const { agent, pool } = mock(t)
  const other = agent.get('https://other.example.com')
  let headers: Record<string, string> = {}
  const redirect = (path: string, location: string) =>
    pool.intercept({ path }).reply(301, '', { headers: { location } })
  redirect('/old', '/new')
  redirect('/new', 'https://other.example.com/')
  other.intercept({ path: '/' }).reply(200, request => {
    headers = request.headers as Record<string, string>
    return 'moved'
  })
  const { getText } = upstreamOf({ dispatcher: agent })
  t.equal(await getText(`${origin}/old`, { headers: { 'x-key': 'abc' } }), 'moved')
  t.equal(headers['x-key'], undefined)
  redirect('/down', 'http://api.example.com/')
  await t.rejects(getText(`${origin}/down`), { code: 'TG_URL_REFUSED' })
  for (const _ of [1, 2, 3, 4]) redirect('/loop', '/loop')
  await t.rejects(getText(`${origin}/loop`), { message: /more than 3 redirects/ })
  redirect('/bad', 'https://[')
  await t.rejects(getText(`${origin}/bad`), { code: 'TG_UPSTREAM_INVALID' })
})

t.test(
  'an upstream that does not answer in time is named, a little before the deadline',
  async t => {
    const base = await listen(t, () => undefined)
    const dispatcher = guardTo(t, base)
    const host = new URL(base).host
    const { getText } = upstreamOf({ dispatcher, now: () => 0, deadlineAt: 60 })
    await t.rejects(getText(base), { code: 'TG_DEADLINE', status: 504, message: new RegExp(host) })
  },
)

t.test('a drip that never ends is a deadline too', async t => {
  const base = await listen(t, (_, response) => {
    response.write('a')
    const timer = setInterval(() => response.write('a'), 5)
    response.on('close', () => clearInterval(timer))
  })
  const { getText } = upstreamOf({ dispatcher: guardTo(t, base), now: () => 0, deadlineAt: 80 })
  await t.rejects(getText(base), { code: 'TG_DEADLINE' })
})

t.test('a caller who leaves closes the socket', async t => {
  const arrived = Promise.withResolvers<void>()
  const closed = Promise.withResolvers<void>()
  const base = await listen(t, incoming => {
    incoming.socket.on('close', () => closed.resolve())
    arrived.resolve()
  })
  const controller = new AbortController()
  const { getText } = upstreamOf({ dispatcher: guardTo(t, base), signal: controller.signal })
  const answer = t.rejects(getText(base), { code: 'TG_CLIENT_CLOSED' })
  await arrived.promise
  controller.abort()
  await answer
  await closed.promise
  t.pass('the upstream saw the socket close')
})

t.test('the reason of an abort decides the error', async t => {
  const { agent, pool } = mock(t)
  for (const [reason, code] of [
    [fail('TG_DEADLINE', 'weather_now', 5), 'TG_DEADLINE'],
    [fail('TG_STOPPING'), 'TG_STOPPING'],
    [new Error('gone'), 'TG_CLIENT_CLOSED'],
  ] as const) {
    pool.intercept({ path: '/' }).reply(200, 'late')
    const { getText } = upstreamOf({ dispatcher: agent, signal: AbortSignal.abort(reason) })
    await t.rejects(getText(origin), { code }, code)
  }
})

t.test(
  'a refusal of the guard is the caller’s fault, or the operator’s who named the address',
  async t => {
    const guard = createGuard({ lookup: async () => [{ address: '169.254.169.254', family: 4 }] })
    t.teardown(() => guard.close())
    const { dispatcher } = guard
    const url = 'https://odd.example.com/'
    await t.rejects(upstreamOf({ dispatcher }).getText(url), {
      code: 'TG_URL_REFUSED',
      status: 400,
    })
    await t.rejects(upstreamOf({ dispatcher, settings: { ODD_URL: url } }).getText(url), {
      code: 'TG_UPSTREAM_UNREACHABLE',
      status: 502,
    })
  },
)

t.test('the wait before a second try ends with the call', async t => {
  const { agent, pool } = mock(t)
  const controller = new AbortController()
  pool.intercept({ path: '/' }).reply(502, () => {
    setImmediate(() => controller.abort())
    return 'bad gateway'
  })
  const { getText } = upstreamOf({
    dispatcher: agent,
    signal: controller.signal,
    limits: { retryWaitMs: 60_000 },
  })
  await t.rejects(getText(origin), { code: 'TG_CLIENT_CLOSED' })
})
