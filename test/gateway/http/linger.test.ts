import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import fastify from 'fastify'
import t, { type Test } from 'tap'
import { Client } from 'undici'
import { shapeErrors } from '../../../src/gateway/http/errors.ts'
import { testApp } from '../../fixtures/app.ts'

async function listen(t: Test) {
  const app = fastify({ bodyLimit: 1_000 })
  shapeErrors(app)
  app.post('/', () => 'taken')
  t.teardown(() => app.close())
  await app.listen({ port: 0, host: '127.0.0.1' })
  return (app.server.address() as AddressInfo).port
}
const headOf = (length: string) =>
  `POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n${length}\r\n\r\n`

t.test('who sends all of a body that is too large still reads why it is refused', async t => {
  const port = await listen(t)
  const bytes = 4_000_000
  for (let round = 0; round < 20; round++) {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => undefined)
    let answer = ''
    socket.on('data', data => (answer += data.toString()))
    socket.write(headOf(`content-length: ${bytes}`))
    socket.write(Buffer.alloc(bytes, 'x'))
    await new Promise(resolve => socket.once('close', resolve))
    t.match(answer, /^HTTP\/1.1 413 .*connection: close.*TG_TOO_LARGE/is)
  }
})

t.test('who never stops sending is cut off', async t => {
  const port = await listen(t)
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => undefined)
  let answer = ''
  socket.on('data', data => (answer += data.toString()))
  socket.write(headOf('transfer-encoding: chunked'))
  const send = setInterval(() => socket.write(`3e8\r\n${'x'.repeat(1_000)}\r\n`), 20)
  t.teardown(() => clearInterval(send))
  await new Promise(resolve => socket.once('close', resolve))
  t.match(answer, /^HTTP\/1.1 413 /)
})

t.test('what a form leaves unread does not stand before the next request', async t => {
  const { app } = await testApp(t)
  const lego = await app.agentLego()
  t.teardown(() => lego.close())
  const here = { port: 0, host: '127.0.0.1' }
  const [address, legoAddress] = await Promise.all([app.listen(here), lego.listen(here)])
  const part = (name: string, content: string) =>
    `--b\r\ncontent-disposition: form-data; name="${name}"; filename="a.png"\r\n\r\n${content}\r\n`
  const text = '--b\r\ncontent-disposition: form-data; name="text"\r\n\r\nhi\r\n'
  const much = 'z'.repeat(1_000_000)
  const long = 'x'.repeat(300)
  const requests: [string, string, string, number][] = [
    ['/lagent/echo', long, much, 400],
    ['/echo', long, much, 400],
    ['/tools/echo', long, much, 400],
    ['/files', long, much, 400],
    ['/files', 'b', `${part('file', 'a')}${part('other', much)}--b--`, 200],
    ['/tools/echo', 'b', `${text}--b--${much}`, 200],
    ['/lagent/echo', 'b', `${text}--b--${much}`, 200],
    ['/mcp', 'b', much, 400],
  ]
  for (const [path, boundary, body, status] of requests) {
    const origin = path === '/echo' ? legoAddress : address
    const client = new Client(origin, { pipelining: 1 })
    const headers = { 'content-type': `multipart/form-data; boundary=${boundary}` }
    const signal = () => AbortSignal.timeout(20_000)
    const first = await client.request({ method: 'POST', path, headers, body, signal: signal() })
    t.equal(first.statusCode, status, `${path}: ${(await first.body.text()).slice(0, 120)}`)
    const next = await client.request({ method: 'GET', path: '/openapi.json', signal: signal() })
    t.equal(next.statusCode, 200, `after ${path}`)
    await next.body.dump()
    await client.close()
  }
})
