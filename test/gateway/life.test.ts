import { createServer, request as httpRequest, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import Type from 'typebox'
import { createLife } from '../../src/gateway/life.ts'
import { defineTool } from '../../src/registry/tool.ts'
import { echo, testApp } from '../fixtures/app.ts'
import { startStandIn } from '../fixtures/llm/stand-in.ts'
import { modernRequest } from '../fixtures/mcp-client.ts'
import { until } from '../fixtures/until.ts'

const listen = { host: '127.0.0.1', port: 0 }

/** Says that it has begun, then waits for its end, whatever that is. */
const endless = (begun: () => void) =>
  defineTool({
    name: 'endless',
    title: 'Endless',
    description: 'Waits.',
    input: Type.Object({ n: Type.Integer({ description: 'Makes each call another' }) }),
    output: Type.Object({ said: Type.String({ description: 'Never' }) }),
    concurrency: 500,
    async run(_input, { signal, progress }) {
      progress(1, 2, 'begun')
      begun()
      return new Promise<never>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error))
      })
    },
  })

t.test('200 open streams and calls are each ended in their own words', async t => {
  let running = 0
  let asked = 0
  // A model that says one word and then nothing more.
  const node = await startStandIn({
    answer(seen, response) {
      if (seen.path !== '/v1/chat/completions') return false
      asked += 1
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const chunk = { id: 'x', object: 'chat.completion.chunk', created: 1, model: 'test-model' }
      const choices = [{ index: 0, delta: { role: 'assistant', content: 'Well' } }]
      response.write(`data: ${JSON.stringify({ ...chunk, choices })}\n\n`)
      return true
    },
  })
  t.teardown(() => node.stop())
  const { app } = await testApp(t, {
    tools: [echo, endless(() => (running += 1))],
    env: { LMDEPLOY_URL: node.url },
    file: { limits: { stopMs: 2_000 } },
  })
  const address = await app.listen(listen)
  const read = async (path: string, init: RequestInit) =>
    (await fetch(`${address}${path}`, init)).text()
  const json = { 'content-type': 'application/json' }
  const many = <Value>(make: () => Promise<Value>) => Array.from({ length: 50 }, make)

  const body = { model: 'test-model', messages: [{ role: 'user', content: 'x' }], stream: true }
  const chat = () => ({ method: 'POST', headers: json, body: JSON.stringify(body) })
  const chats = many(() => read('/v1/chat/completions', chat()))
  const events = many(() => read('/registry/events', {}))
  let n = 0
  const mcp = () => {
    const params = { name: 'endless', arguments: { n: (n += 1) } }
    const { headers, payload } = modernRequest('tools/call', params, { progressToken: n })
    return { method: 'POST', headers: { ...headers, ...json }, body: JSON.stringify(payload) }
  }
  const calls = many(() => read('/mcp', mcp()))
  const rest = many(() =>
    read('/tools/endless', { method: 'POST', headers: json, body: `{"n": ${(n += 1)}}` }),
  )
  await until(`all are open`, () => running === 100 && asked === 50).catch((error: Error) => {
    throw new Error(`${running} run, ${asked} stream`, { cause: error })
  })

  const startedAt = performance.now()
  await app.close()
  t.ok(performance.now() - startedAt < 10_000, 'bounded')
  for (const text of await Promise.all(chats)) {
    t.match(text, 'TG_STOPPING')
    t.match(text, /data: \[DONE\]\n\n$/)
  }
  for (const text of await Promise.all(events)) t.match(text, /^event: registry\n[^]*\n\n$/)
  for (const text of await Promise.all(calls)) t.match(text, 'TG_STOPPING')
  for (const text of await Promise.all(rest)) t.match(text, '"code":"TG_STOPPING"')
})

t.test('what is under way ends by itself where the grace allows', async t => {
  let finish = (): void => undefined
  const slow = defineTool({
    name: 'slow',
    title: 'Slow',
    description: 'Ends when it is told.',
    input: Type.Object({}),
    output: Type.Object({ said: Type.String({ description: 'Words' }) }),
    run: () =>
      new Promise<{ said: string }>(resolve => {
        finish = () => resolve({ said: 'done' })
      }),
  })
  const { app } = await testApp(t, { tools: [slow] })
  const address = await app.listen(listen)
  const post = fetch(`${address}/tools/slow`, { method: 'POST', body: '{}' })
  const before = finish
  await until('it runs', () => finish !== before)
  const closed = app.close()
  await until('nothing new is taken', async () => {
    const refused = await fetch(address).catch(() => undefined)
    await refused?.body?.cancel()
    return refused === undefined
  })
  finish()
  t.same(await (await post).json(), { said: 'done' })
  await closed
})

t.test('readiness says that the end is near before the port is closed', async t => {
  const { app } = await testApp(t, { file: { limits: { drainMs: 600_000 } } })
  const ready = async () => (await app.inject({ url: '/health/ready' })).statusCode
  t.equal(await ready(), 200)
  void app.drain()
  t.equal(await ready(), 503)
  const answer = await app.inject({ method: 'POST', url: '/tools/echo', payload: { text: 'x' } })
  t.equal(answer.statusCode, 200, 'while calls are still answered')
  t.equal(answer.headers['connection'], 'close', 'on connections that are not kept')
})

/** A balancer that asks for readiness, and tries again only where a connection is refused. */
async function balancer(targets: Set<string>): Promise<{ server: Server; close: () => void }> {
  const ready = new Map<string, boolean>()
  const probe = async (): Promise<void> => {
    await Promise.all(
      [...targets].map(async target => {
        const answer = await fetch(`${target}/health/ready`).catch(() => undefined)
        await answer?.body?.cancel()
        ready.set(target, answer?.status === 200)
      }),
    )
  }
  await probe()
  const timer = setInterval(() => void probe(), 20)
  let turn = 0
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => pass(3))
    function pass(tries: number): void {
      const able = [...targets].filter(target => ready.get(target))
      const target = able[(turn += 1) % able.length]
      if (target === undefined || tries === 0) return void outgoing.writeHead(503).end()
      const { method, url = '/', headers } = incoming
      const sent = httpRequest(new URL(url, target), { method, headers }, answer => {
        outgoing.writeHead(answer.statusCode ?? 502)
        answer.pipe(outgoing)
      })
      sent.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'ECONNREFUSED') return pass(tries - 1)
        outgoing.writeHead(502).end(error.code)
      })
      sent.end(Buffer.concat(chunks))
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    server,
    close() {
      clearInterval(timer)
      server.closeAllConnections()
      server.close()
    },
  }
}

t.test('replicas are replaced one by one, and no call fails', async t => {
  const targets = new Set<string>()
  const start = async () => {
    const { app } = await testApp(t, { file: { limits: { drainMs: 500 } } })
    const address = await app.listen(listen)
    targets.add(address)
    return { app, address }
  }
  let replicas = [await start(), await start()]
  const { server, close } = await balancer(targets)
  t.teardown(close)
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/tools/echo`
  const answers = new Map<number, number>()
  let isOver = false
  const client = async (): Promise<void> => {
    for (let n = 0; !isOver; n += 1) {
      const body = JSON.stringify({ text: `call ${n}` })
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(url, { method: 'POST', headers, body })
      await answer.body?.cancel()
      answers.set(answer.status, (answers.get(answer.status) ?? 0) + 1)
      await delay(2)
    }
  }
  const clients = [client(), client(), client(), client()]
  await until('calls are answered', () => (answers.get(200) ?? 0) > 20)
  for (const old of replicas) {
    const next = await start()
    replicas = [...replicas, next]
    await old.app.drain()
    await old.app.close()
    targets.delete(old.address)
    const before = answers.get(200) ?? 0
    await until('calls go on', () => (answers.get(200) ?? 0) > before + 20)
  }
  isOver = true
  await Promise.all(clients)
  t.same([...answers.keys()], [200], JSON.stringify([...answers]))
})

t.test('what has ended by itself is not ended again', async t => {
  const life = createLife({ drainMs: 0, stopMs: 0 })
  const leave = life.follow(() => t.fail('ended'))
  leave()
  // What a drain waits by keeps no process alive; a gateway's sockets do.
  const alive = setInterval(() => undefined, 1_000)
  await life.drain()
  clearInterval(alive)
  t.equal(life.isStopping, true)
})
