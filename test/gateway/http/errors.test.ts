import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { testApp } from '../../fixtures/app.ts'
import { rawPost, sendRaw } from '../../fixtures/raw-http.ts'

const shape = { code: String, message: String, requestId: /^[0-9a-f-]{36}$/ }

async function listening(t: Test, limits: Record<string, number> = {}) {
  const { app } = await testApp(t, { file: { limits } })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return (app.server.address() as AddressInfo).port
}

t.test('what is no HTTP is refused in the shape of every error', async t => {
  const port = await listening(t)
  const post = 'POST /tools/echo HTTP/1.1\r\nhost: x\r\n'
  const frames: [string, string, number][] = [
    ['a length that is no number', `${post}content-length: ten\r\n\r\n{}`, 400],
    ['a negative length', `${post}content-length: -1\r\n\r\n{}`, 400],
    ['two lengths', `${post}content-length: 2\r\ncontent-length: 3\r\n\r\n{}`, 400],
    [
      'a length beside chunks',
      `${post}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
    ],
    [
      'chunks that are none',
      `${post}content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n`,
      400,
    ],
    ['a line broken inside a header', 'GET / HTTP/1.1\r\nhost: x\r\na: b\0c\r\n\r\n', 400],
    ['lines that end in LF alone', 'GET /health/live HTTP/1.1\nhost: x\n\n', 400],
    ['a TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
    ['headers without end', `GET / HTTP/1.1\r\nhost: x\r\na: ${'a'.repeat(70_000)}\r\n\r\n`, 431],
  ]
  for (const [what, frame, status] of frames) {
    const answer = await sendRaw(port, Buffer.from(frame, 'latin1'))
    t.equal(answer.status, status, `${what} is ${status}`)
    t.match(JSON.parse(answer.body), { error: { ...shape, code: 'TG_REQUEST_INVALID' } }, what)
  }
  t.equal((await sendRaw(port, rawPost('/tools/echo', '{"text":"a"}'))).status, 200, 'it lives on')
})

t.test('a path that cannot be read is refused in the same shape', async t => {
  const { app } = await testApp(t)
  for (const url of ['/tools/%zz', `/tools/${'a'.repeat(600)}`]) {
    const answer = await app.inject({ method: 'POST', url, payload: {} })
    t.equal(answer.statusCode, 400, url.slice(0, 20))
    t.match(answer.json(), { error: { ...shape, code: 'TG_REQUEST_INVALID' } })
    t.equal(answer.headers['x-request-id'], answer.json().error.requestId)
  }
})

t.test('a request that does not arrive is a 408 soon after its time', async t => {
  const port = await listening(t, { requestMs: 1_000 })
  const half = (type: string) => rawPost('/tools/mirror', '{"ima', { 'content-type': type })
  const slow = {
    'a JSON body': half('application/json').toString().replace('length: 5', 'length: 50'),
    'a form': half('multipart/form-data; boundary=x').toString().replace('length: 5', 'length: 50'),
    'a file': rawPost('/files', 'GIF8', { 'content-length': '100', 'content-type': 'image/gif' }),
    'its headers': 'GET / HTTP/1.1\r\nhost: x',
  }
  await Promise.all(
    Object.entries(slow).map(async ([what, data]) => {
      const { status, body, ms } = await sendRaw(port, data)
      t.equal(status, 408, what)
      t.match(JSON.parse(body), { error: { code: 'TG_BODY_TIMEOUT', message: /within 1 s$/ } })
      t.ok(ms >= 900 && ms < 20_000, `${what}: ${Math.round(ms)} ms`)
    }),
  )
})

t.test('a body over the limit is told the limit', async t => {
  const { app } = await testApp(t, { file: { limits: { bodyBytesMax: 2_097_152 } } })
  const payload = JSON.stringify({ text: 'a'.repeat(2_097_152) })
  const headers = { 'content-type': 'application/json' }
  const answer = await app.inject({ method: 'POST', url: '/tools/echo', payload, headers })
  t.equal(answer.statusCode, 413)
  t.match(answer.json(), { error: { code: 'TG_TOO_LARGE', message: /limit of 2 MiB/ } })
})
