import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import fastify from 'fastify'
import { pino } from 'pino'
import t from 'tap'
import { agentLegoPort, listenAgentLego } from '../../../src/gateway/agentlego/listen.ts'

const log = pino({ level: 'silent' })

t.test('a port that was asked for and is taken stops the start', async t => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.teardown(() => other.close())
  const { port } = other.address() as AddressInfo
  const opened = listenAgentLego(fastify(), { host: '127.0.0.1', port, log })
  await t.rejects(opened, { code: 'EADDRINUSE' })
})

t.test('the usual port, when it is taken, is done without', async t => {
  const app = fastify()
  const taken = Object.assign(new Error('taken'), { code: 'EADDRINUSE' })
  let asked: unknown
  app.listen = (async (options: unknown) => {
    asked = options
    throw taken
  }) as typeof app.listen
  t.equal(await listenAgentLego(app, { host: '127.0.0.1', port: undefined, log }), undefined)
  t.match(asked, { port: agentLegoPort })
})

t.test('any other failure stops the start', async t => {
  const app = fastify()
  const opened = listenAgentLego(app, { host: 'no such host.invalid', port: undefined, log })
  await t.rejects(opened)
})

t.test('a free port is opened', async t => {
  const app = fastify()
  t.teardown(() => app.close())
  t.match(await listenAgentLego(app, { host: '127.0.0.1', port: 0, log }), /^http:\/\/127/)
})
