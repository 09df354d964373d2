import { request } from 'node:http'
import type { AddressInfo } from 'node:net'
import fastify from 'fastify'
import t from 'tap'
import { followClient } from '../../../src/gateway/http/abort.ts'
import { until } from '../../fixtures/until.ts'

t.test('a signal follows the client until it has its answer', async t => {
  const signals: AbortSignal[] = []
  const app = fastify({ forceCloseConnections: true })
  t.teardown(() => app.close())
  app.get('/answered', async (_request, reply) => {
    signals.push(followClient(reply))
    return 'here'
  })
  app.get('/left', async (_request, reply) => {
    const signal = followClient(reply)
    signals.push(signal)
    await new Promise(resolve => signal.addEventListener('abort', resolve))
    signals.push(followClient(reply))
    return 'too late'
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const answer = await fetch(`http://127.0.0.1:${port}/answered`, {
    headers: { connection: 'close' },
  })
  t.equal(await answer.text(), 'here')
  const call = request({ port, path: '/left' })
  call.on('error', () => undefined).end()
  await until('it is called', () => signals.length === 2)
  call.destroy()
  await until('it is told', () => signals.length === 3)
  t.equal(signals[0]?.aborted, false, 'an answer that was sent aborts nothing')
  for (const signal of signals.slice(1))
    t.match(signal.reason, { code: 'TG_CLIENT_CLOSED', status: 499 })
})
