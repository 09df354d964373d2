import type { AddressInfo } from 'node:net'
import t from 'tap'
import { testApp } from '../fixtures/app.ts'
import { rawPost, sendRaw } from '../fixtures/raw-http.ts'

/** A gateway with a key, on a port: what is sent here is what no client would send. */
async function gateway(t: Parameters<typeof testApp>[0]) {
  const { app } = await testApp(t, {
    env: { TOOLGATE_KEY: 'of ann' },
    file: { limits: { requestMs: 1_000 } },
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const refusals = async () => {
    const { body } = await app.inject({ url: '/metrics', headers: { 'x-api-key': 'of ann' } })
    return Object.fromEntries(
      [...body.matchAll(/^toolgate_refusals_total\{code="(\w+)"\} (\d+)$/gm)].map(
        ([, code = '', count]) => [code, Number(count)],
      ),
    )
  }
  return { port, refusals }
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
