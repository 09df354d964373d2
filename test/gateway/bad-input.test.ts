import { type AddressInfo, connect } from 'node:net'
import t from 'tap'
import { testApp } from '../fixtures/app.ts'
import { rawPost, sendRaw } from '../fixtures/raw-http.ts'
import { until } from '../fixtures/until.ts'
import { watchProcess } from '../fixtures/watch-process.ts'

const odd = watchProcess()

/** A gateway with a key, on a port: what is sent here is what no client would send. */
async function gateway(t: Parameters<typeof testApp>[0], file: object = {}) {
  const { app } = await testApp(t, {
    env: { TOOLGATE_KEY: 'of ann' },
    file: { ...file, limits: { requestMs: 1_000 } },
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const lego = await app.agentLego()
  t.teardown(() => lego.close())
  await lego.listen({ host: '127.0.0.1', port: 0 })
  const { port: legoPort } = lego.server.address() as AddressInfo
  const refusals = async () => {
    const { body } = await app.inject({ url: '/metrics', headers: { 'x-api-key': 'of ann' } })
    return Object.fromEntries(
      [...body.matchAll(/^toolgate_refusals_total\{code="(\w+)"\} (\d+)$/gm)].map(
        ([, code = '', count]) => [code, Number(count)],
      ),
    )
  }
  return { port, legoPort, refusals, app }
}

const body = '{"text":"x"}'
const head = 'POST /tools/echo HTTP/1.1\r\nhost: localhost\r\nx-api-key: of ann\r\n'
const json = 'content-type: application/json\r\n'

t.test('a good request is one, for comparison', async t => {
  const { port } = await gateway(t)
  const answer = await sendRaw(port, rawPost('/tools/echo', body, { 'x-api-key': 'of ann' }))
  t.equal(answer.status, 200)
})

t.test('keys of every odd kind are refused, and counted', async t => {
  const { port, refusals } = await gateway(t)
  const keys: [Record<string, string>, string][] = [
    [{}, 'TG_KEY_MISSING'],
    [{ 'x-api-key': 'wrong' }, 'TG_KEY_WRONG'],
    [{ 'x-api-key': 'k'.repeat(12_000) }, 'TG_KEY_WRONG'],
    [{ authorization: 'Bearer' }, 'TG_KEY_MISSING'],
    [{ authorization: `Bearer ${'.'.repeat(9_000)}` }, 'TG_KEY_WRONG'],
    [{ authorization: 'Basic %%%' }, 'TG_KEY_MISSING'],
    [{ authorization: 'Negotiate abc' }, 'TG_KEY_MISSING'],
    [{ 'x-api-key': 'of\u0000ann' }, 'TG_REQUEST_INVALID'],
    [{ 'x-api-key': 'of ann\r\nx-admin: 1' }, 'none'],
  ]
  for (const [headers, code] of keys) {
    const answer = await sendRaw(port, rawPost('/tools/echo', body, headers))
    if (code === 'none') t.notMatch(answer.head, /x-admin/i, 'what is injected comes back nowhere')
    else t.match(answer.body, `"code":"${code}"`, JSON.stringify(headers).slice(0, 60))
  }
  t.match(await refusals(), { TG_KEY_MISSING: 4, TG_KEY_WRONG: 3, TG_REQUEST_INVALID: 1 })
})

t.test('keys that have ended and tokens that were forged are refused, and counted', async t => {
  const jwt = { issuer: 'https://id.example', audience: 'us', jwksUrl: 'http://127.0.0.1:9/keys' }
  const keys = [{ id: 'old', key: 'of old', expiresAt: '2020-01-01' }]
  const { port, refusals } = await gateway(t, { keys, jwt })
  const admin = { 'x-api-key': 'of ann' }
  const made = await sendRaw(port, rawPost('/keys', '{"id":"gone"}', admin))
  const { key } = JSON.parse(made.body) as { key: string }
  await sendRaw(
    port,
    Buffer.from(rawPost('/keys/gone', '', admin).toString().replace('POST', 'DELETE')),
  )
  const part = (json: object) => Buffer.from(JSON.stringify(json)).toString('base64url')
  const exp = Math.round(Date.now() / 1_000) + 3_600
  const claims = part({ iss: jwt.issuer, aud: 'us', sub: 'ann', exp, scope: 'admin' })
  const signed = (alg: string, signature: string) =>
    `${part({ alg, kid: 'a' })}.${claims}.${signature}`
  const tries: [string, string][] = [
    ['of old', 'TG_KEY_EXPIRED'],
    [key, 'TG_KEY_EXPIRED'],
    [signed('none', ''), 'TG_KEY_WRONG'],
    [signed('NONE', ''), 'TG_KEY_WRONG'],
    [signed('HS256', 'a'.repeat(43)), 'TG_KEY_WRONG'],
    [`${signed('RS256', 'a')}.${'a'.repeat(9)}`, 'TG_KEY_WRONG'],
  ]
  for (const [presented, code] of tries) {
    const headers = { authorization: `Bearer ${presented}` }
    const answer = await sendRaw(port, rawPost('/tools/echo', body, headers))
    t.match(answer, { status: 401, body: `"code":"${code}"` }, presented.slice(0, 20))
  }
  t.match(await refusals(), { TG_KEY_EXPIRED: 2, TG_KEY_WRONG: 4 })
})

t.test(
  'a page of a foreign origin reaches no admin route of a keyless gateway, and is counted',
  async t => {
    const { app } = await testApp(t)
    const bent = { host: 'pages.example:8642' }
    const foreign = { origin: 'https://pages.example', host: 'localhost:8642' }
    const plain = { host: 'localhost:8642', 'content-type': 'text/plain' }
    const routes = [
      ['GET', '/keys'],
      ['POST', '/keys'],
      ['DELETE', '/keys/a'],
      ['POST', '/keys/a/rotate'],
      ['POST', '/registry/sources'],
      ['DELETE', '/registry/sources/a'],
      ['GET', '/llm/nodes'],
      ['POST', '/llm/nodes'],
      ['DELETE', '/llm/nodes?url=http://a'],
    ] as const
    for (const [method, url] of routes) {
      for (const headers of [bent, foreign, { ...foreign, origin: 'null' }]) {
        const { statusCode, headers: given } = await app.inject({ method, url, headers })
        t.equal(statusCode, 403, `${method} ${url} ${JSON.stringify(headers)}`)
        t.notOk(given['access-control-allow-origin'])
      }
      if (method === 'POST')
        t.equal((await app.inject({ method, url, headers: plain, payload: '{}' })).statusCode, 415)
    }
    const { body: metrics } = await app.inject('/metrics')
    t.match(metrics, `toolgate_refusals_total{code="TG_FORBIDDEN"} ${routes.length * 3}`)
    t.match(metrics, 'toolgate_refusals_total{code="TG_MEDIA_TYPE"} 4')
  },
)

t.test('frames that two servers could read differently are read by neither', async t => {
  const { port, refusals } = await gateway(t)
  const chunked = `c\r\n${body}\r\n0\r\n\r\n`
  const frames: Record<string, string> = {
    'length and chunks': `${head}${json}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n${chunked}`,
    'two lengths': `${head}${json}content-length: 12\r\ncontent-length: 4\r\n\r\n${body}`,
    'a signed length': `${head}${json}content-length: +12\r\n\r\n${body}`,
    'chunked, not last': `${head}${json}transfer-encoding: chunked, identity\r\n\r\n${chunked}`,
    'a chunk size of no hex': `${head}${json}transfer-encoding: chunked\r\n\r\nzz\r\n${body}\r\n0\r\n\r\n`,
    'a space before the colon': `${head}content-length : 12\r\n${json}\r\n${body}`,
    'a folded header': `${head}x-a: b\r\n c: d\r\n${json}content-length: 12\r\n\r\n${body}`,
    'a name with a line': `${head}x-a\nb: c\r\ncontent-length: 12\r\n\r\n${body}`,
    'no HTTP at all': '\u0016\u0003\u0001\u0002\r\n\r\n',
  }
  for (const [what, frame] of Object.entries(frames)) {
    const answer = await sendRaw(port, frame)
    t.equal(answer.status, 400, `${what}: ${answer.body}`)
    t.match(answer.body, '"code":"TG_REQUEST_INVALID"', what)
  }
  // A parser that goes on with what is left may find a second fault in it.
  const { TG_REQUEST_INVALID: counted = 0 } = await refusals()
  t.ok(counted >= Object.keys(frames).length, `${counted} are counted`)
})

t.test('headers that are too large, and a request that does not end', async t => {
  const { port, refusals } = await gateway(t)
  const large = await sendRaw(port, `${head}x-a: ${'a'.repeat(40_000)}\r\n\r\n`)
  t.equal(large.status, 431)
  const loris = await sendRaw(port, `${head}${json}content-length: 12\r\n\r\n{"te`, 30_000)
  t.equal(loris.status, 408)
  t.match(loris.body, '"code":"TG_BODY_TIMEOUT"')
  const headless = await sendRaw(port, head, 30_000)
  t.equal(headless.status, 408)
  const { TG_REQUEST_INVALID: broken = 0, TG_BODY_TIMEOUT: late = 0 } = await refusals()
  t.ok(broken >= 1 && late >= 2, 'and they are counted')
})

t.test('what two servers could take for two things is neither, on both ports', async t => {
  const { port, legoPort, refusals } = await gateway(t)
  const key = 'x-api-key: of ann\r\n'
  const rest = `${json}connection: close\r\n`
  const length = `content-length: ${body.length}\r\n`
  const odd = (start: string, headers: string, what = body) =>
    `POST ${start}\r\n${headers}\r\n${what}`
  const chunks = `c\r\n${body}\r\n0\r\n\r\n`
  const host = 'host: localhost\r\n'
  const frames: Record<string, [number, string]> = {
    'no Host': [400, odd('/tools/echo HTTP/1.1', key + rest + length)],
    'two Hosts': [400, odd('/tools/echo HTTP/1.1', `${host}host: b\r\n${key}${rest}${length}`)],
    'two keys': [401, odd('/tools/echo HTTP/1.1', `${host}${key}x-api-key: b\r\n${rest}${length}`)],
    'chunks in HTTP/1.0': [
      400,
      odd('/tools/echo HTTP/1.0', `${host}${key}${rest}transfer-encoding: chunked\r\n`, chunks),
    ],
    'no version': [400, 'GET /\r\n\r\n'],
    'a tunnel': [405, `CONNECT a.example:443 HTTP/1.1\r\n${host}\r\n`],
    'an expectation': [
      417,
      odd('/tools/echo HTTP/1.1', `${host}${key}${rest}${length}expect: tea\r\n`),
    ],
    'a path of no text': [400, `GET /%zz HTTP/1.1\r\n${host}connection: close\r\n\r\n`],
  }
  for (const [what, [status, frame]] of Object.entries(frames))
    for (const at of [port, legoPort]) {
      const before = Object.values(await refusals()).reduce((sum, count) => sum + count, 0)
      const answer = await sendRaw(
        at,
        at === legoPort ? frame.replace('/tools/echo', '/echo') : frame,
      )
      t.equal(answer.status, status, `${what}: ${answer.body}`)
      t.match(answer.body, /TG_(REQUEST_INVALID|METHOD|KEY_WRONG)/, what)
      const after = Object.values(await refusals()).reduce((sum, count) => sum + count, 0)
      t.equal(after, before + 1, `${what} is counted`)
    }
  const good = odd('/tools/echo HTTP/1.0', key + rest + length)
  t.equal((await sendRaw(port, good)).status, 200, 'HTTP/1.0 needs no Host')
})

t.test('names out of JavaScript are no tools, no dialects and no arguments', async t => {
  const { port } = await gateway(t)
  const headers = { 'x-api-key': 'of ann' }
  for (const name of ['__proto__', 'constructor', 'hasOwnProperty', 'toString']) {
    for (const path of [`/tools/${name}`, `/lagent/${name}`])
      t.equal((await sendRaw(port, rawPost(path, body, headers))).status, 404, path)
    for (const path of [`/registry/${name}`, `/registry/tools/${name}`, `/openapi/${name}.json`]) {
      const request = `GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`
      t.equal((await sendRaw(port, request)).status, 404, path)
    }
    const more = `{"text":"x","${name}":{"times":2}}`
    t.equal((await sendRaw(port, rawPost('/tools/echo', more, headers))).status, 400, name)
  }
  t.equal(({} as Record<string, unknown>)['times'], undefined)
})

t.test('JSON that nests for ever is refused by its depth, on every face', async t => {
  const { port } = await gateway(t)
  const deep = `{"text":${'['.repeat(100_000)}${']'.repeat(100_000)}}`
  for (const path of ['/tools/echo', '/lagent/echo', '/mcp', '/v1/chat/completions', '/keys'])
    t.equal((await sendRaw(port, rawPost(path, deep, { 'x-api-key': 'of ann' }))).status, 400, path)
})

t.test('a client that asks for a file and does not read it is cut off', async t => {
  const { port, app } = await gateway(t)
  const { id } = (
    await app.inject({
      method: 'POST',
      url: '/files',
      payload: Buffer.alloc(16 * 1_048_576, 1),
      headers: { 'x-api-key': 'of ann', 'content-type': 'application/octet-stream' },
    })
  ).json<{ id: string }>()
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined).pause()
  socket.write(`GET /files/${id} HTTP/1.1\r\nhost: localhost\r\nx-api-key: of ann\r\n\r\n`)
  const open = () => new Promise<number>(resolve => app.server.getConnections((_, n) => resolve(n)))
  await until('it is connected', async () => (await open()) === 1)
  await until('it is cut off', async () => (await open()) === 0)
  socket.destroy()
  t.pass()
})

t.test('no rejection was left unhandled, and Node warned of nothing', async t => {
  t.same(odd, [])
})
