import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import fastify from 'fastify'
import t, { type Test } from 'tap'
import { shapeErrors } from '../../../src/gateway/http/errors.ts'

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
