import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import fastify from 'fastify'
import t, { type Test } from 'tap'
import { eventRoutes } from '../../../src/gateway/http/events.ts'
import { createRegistry } from '../../../src/registry/registry.ts'
import { echoTool } from '../../fixtures/tools.ts'
import { until } from '../../fixtures/until.ts'

/** A gateway that listens, since a stream has no end to inject for. */
async function gateway(t: Test) {
  const registry = createRegistry([echoTool()])
  const app = fastify({ forceCloseConnections: 'idle' })
  await app.register(eventRoutes, { registry })
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => app.close())
  const { port } = app.server.address() as AddressInfo

  async function listen(headers: Record<string, string> = {}) {
    const call = request({ port, path: '/registry/events', headers })
    call.end()
    const [response] = (await once(call, 'response')) as [IncomingMessage]
    let text = ''
    let isEnded = false
    response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    response.once('end', () => (isEnded = true))
    return {
      response,
      leave: () => call.destroy(),
      isEnded: () => isEnded,
      /** The first events, once so many have come. */
      events: async (count: number) => {
        await until(`${count} events come`, () => text.split('\n\n').length > count)
        return text.split('\n\n').slice(0, count)
      },
    }
  }
  return { app, registry, listen }
}

t.test('first it says where it stands, then what changes', async t => {
  const { registry, listen } = await gateway(t)
  const { response, events } = await listen()
  t.match(response.headers, { 'content-type': /^text\/event-stream/, 'cache-control': 'no-cache' })
  t.same(await events(1), ['event: registry\nid: 1\ndata: {"revision":1,"count":1}'])
  registry.put('shop', [echoTool({ name: 'shop_one' })])
  registry.setUnavailable('shop_one', { reason: 'down', remedy: 'start it' })
  registry.remove('shop')
  const fact = (available: boolean, revision: number) =>
    `id: ${revision}\ndata: {"name":"shop_one","version":"1.0.0","available":${available},"revision":${revision}}`
  t.same((await events(4)).slice(1), [
    `event: tool.added\n${fact(true, 2)}`,
    `event: tool.availability\n${fact(false, 3)}`,
    `event: tool.removed\n${fact(false, 4)}`,
  ])
})

t.test('who was away is told what it missed, as long as that is known', async t => {
  const { registry, listen } = await gateway(t)
  registry.put('shop', [echoTool({ name: 'shop_one' }), echoTool({ name: 'shop_two' })])
  const back = await (await listen({ 'last-event-id': '1' })).events(3)
  t.match(
    back[0],
    /^event: registry\nid: 1\ndata: \{"revision":3,"count":3\}/,
    'its id leaves to be told the rest',
  )
  t.match(back[1], /^event: tool.added\nid: 2\n.*shop_one/)
  t.match(back[2], /^event: tool.added\nid: 3\n.*shop_two/)
  for (const id of ['3', '99', 'x', '']) {
    const fresh = await listen({ 'last-event-id': id })
    t.match(await fresh.events(1), [/^event: registry\nid: 3\n/], `after "${id}" there is nothing`)
    fresh.leave()
  }
})

t.test('a HEAD does not wait for the end of what has none', async t => {
  const { app } = await gateway(t)
  t.equal((await app.inject({ method: 'HEAD', url: '/registry/events' })).statusCode, 404)
})

t.test('a gateway that stops ends its streams', async t => {
  const { app, listen } = await gateway(t)
  const { events, isEnded } = await listen()
  await events(1)
  await app.close()
  await until('the stream ends', isEnded)
  t.pass('it did')
})
