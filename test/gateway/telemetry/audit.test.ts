import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { startDevLlm } from '../../../src/gateway/llm/dev-llm.ts'
import { testApp } from '../../fixtures/app.ts'
import { until } from '../../fixtures/until.ts'

const key = 'a key of the test'

async function trailOf(t: Parameters<typeof testApp>[0], audit: object) {
  const to = join(t.testdir({ trail: {} }), 'trail', 'audit.jsonl')
  const { app } = await testApp(t, {
    env: { TOOLGATE_FILES: join(to, '..', 'files') },
    file: { keys: [{ id: 'ann', key }], audit: { to, ...audit } },
  })
  const headers = { 'x-api-key': key }
  const post = (url: string, payload: object, more: object = headers) =>
    app.inject({ method: 'POST', url, payload, headers: { ...more } })
  await post('/tools/echo', { text: 'private' })
  await post('/tools/echo', { txt: 'private' })
  await post('/registry/sources', { name: 'x' })
  await post('/registry/sources', { name: 'x' }, {})
  await app.close()
  const text = readFileSync(to, 'utf8')
  return text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Record<string, unknown>)
}

t.test(
  'the trail says who did what, when, with which outcome and how much, without bodies',
  async t => {
    const [called, refused, admin, stranger] = await trailOf(t, {})
    t.match(called, {
      time: /^\d{4}-\d\d-\d\dT/,
      kind: 'call',
      requestId: String,
      face: 'rest',
      caller: 'ann',
      address: '127.0.0.1',
      tool: 'echo',
      outcome: 'ok',
      ms: Number,
      cache: 'miss',
      bytesIn: 18,
      bytesOut: 34,
    })
    t.match(refused, { tool: 'echo', outcome: 'TG_ARGUMENT_UNKNOWN', bytesOut: 0 })
    t.match(admin, {
      kind: 'admin',
      caller: 'ann',
      address: '127.0.0.1',
      method: 'POST',
      route: '/registry/sources',
      status: 400,
    })
    t.match(stranger, { kind: 'admin', status: 401 })
    t.notMatch(JSON.stringify([called, refused]), /private/)
  },
)

t.test('with bodies, where they are asked for', async t => {
  const [called] = await trailOf(t, { bodies: true })
  t.match(called, { arguments: '{"text":"private"}', answer: /"said":"private"/ })
})

t.test('whoever calls, by whichever face, is told with the address that a proxy names', async t => {
  const llm = await startDevLlm({ port: 0 })
  t.teardown(() => llm.close())
  const to = join(t.testdir({ trail: {} }), 'trail', 'audit.jsonl')
  const { app } = await testApp(t, {
    env: { TOOLGATE_FILES: join(to, '..', 'files'), LMDEPLOY_URL: llm.url },
    file: { audit: { to }, trustedProxies: ['127.0.0.1'] },
  })
  await app.ready()
  const lego = await app.agentLego()
  const headers = {
    'x-forwarded-for': '198.51.100.7',
    accept: 'application/json, text/event-stream',
  }
  const post = (server: FastifyInstance, url: string, payload: object) =>
    server.inject({ method: 'POST', url, payload, headers })
  await post(app, '/tools/echo', { text: 'x' })
  await post(app, '/lagent/echo', { text: 'x' })
  const call = { jsonrpc: '2.0', id: 1, method: 'tools/call' }
  await post(app, '/mcp', { ...call, params: { name: 'echo', arguments: { text: 'x' } } })
  await post(lego, '/echo', { text: 'x' })
  await until('the node is ready', async () => {
    const { statusCode } = await post(app, '/v1/chat/completions', {
      model: llm.model,
      messages: [{ role: 'user', content: 'call echo' }],
      toolgate: { tools: ['echo'] },
    })
    return statusCode === 200
  })
  await lego.close()
  await app.close()
  const lines = readFileSync(to, 'utf8').trim().split('\n')
  const told = lines.map(
    line => JSON.parse(line) as { face?: string; kind: string; address: string },
  )
  const faces = new Set(told.map(({ face, kind }) => face ?? kind))
  for (const face of ['rest', 'lagent', 'mcp', 'agentlego', 'llm']) t.ok(faces.has(face), face)
  t.same(new Set(told.map(({ address }) => address)), new Set(['198.51.100.7']))
})
