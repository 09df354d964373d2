import t from 'tap'
import Type from 'typebox'
import { startDevLlm } from '../../../src/gateway/llm/dev-llm.ts'
import { defineTool } from '../../../src/registry/tool.ts'
import { testApp } from '../../fixtures/app.ts'
import { type Collector, type Span, startCollector } from '../../fixtures/collector.ts'
import { at, standIn } from '../../fixtures/stand-in.ts'

const server = 2
const client = 3
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const traceparent = `00-${traceId}-00f067aa0ba902b7-01`
const tracestate = 'vendor=opaque,other=1'

/** Asks an upstream that the operator named. */
const far = defineTool({
  name: 'far',
  title: 'Far',
  description: 'Asks somewhere else.',
  input: Type.Object({}),
  output: Type.Object({ ok: Type.Boolean({ description: 'Whether it worked' }) }),
  async run(_input, { getJson, setting }) {
    await getJson(`${setting('ARXIV_URL')}/api/query?key=a-secret-key`)
    return { ok: true }
  },
})

async function traced(t: Parameters<typeof testApp>[0], more: Parameters<typeof testApp>[1] = {}) {
  const collector = await startCollector(t)
  const upstream = await standIn(t, at('/api/query', { body: {} }))
  const { app } = await testApp(t, {
    tools: [far],
    ...more,
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=ours,authorization=Bearer%20collector',
      OTEL_SERVICE_NAME: 'gateway-a',
      ARXIV_URL: upstream.url,
      ...more.env,
    },
  })
  return { app, collector, upstream }
}

const named = ({ spans }: Collector, name: string): Span => {
  const found = spans.find(span => span.name === name)
  if (!found) throw new Error(`no ${name} in ${spans.map(span => span.name).join(', ')}`)
  return found
}

t.test('a call is one trace from its client to its upstream', async t => {
  const { app, collector, upstream } = await traced(t)
  const { statusCode } = await app.inject({
    method: 'POST',
    url: '/tools/far',
    payload: {},
    headers: { traceparent, tracestate },
  })
  t.equal(statusCode, 200)
  await app.close()

  const http = named(collector, 'POST /tools/:name')
  const tool = named(collector, 'execute_tool far')
  const out = named(collector, 'GET')
  t.match(http, { kind: server, traceId, parentSpanId: '00f067aa0ba902b7', failed: false })
  t.match(http.attributes, {
    'http.request.method': 'POST',
    'http.route': '/tools/:name',
    'http.response.status_code': 200,
  })
  t.match(tool, { traceId, parentSpanId: http.spanId })
  t.match(tool.attributes, {
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': 'far',
    'gen_ai.tool.type': 'function',
    'toolgate.face': 'rest',
    'toolgate.cache': 'bypass',
  })
  t.match(out, { kind: client, traceId, parentSpanId: tool.spanId })
  t.match(out.attributes, { 'server.address': '127.0.0.1', 'http.response.status_code': 200 })
  t.equal(upstream.asked[0]?.headers['traceparent'], `00-${traceId}-${out.spanId}-01`)
  t.equal(upstream.asked[0]?.headers['tracestate'], tracestate)
  t.match(collector.resource, { 'service.name': 'gateway-a', 'service.version': '0.0.0' })
  t.match(collector.headers[0], { 'x-tenant': 'ours', authorization: 'Bearer collector' })
  t.notMatch(collector.text(), /a-secret-key/)
})

t.test('a call that fails is a span that failed, with its code', async t => {
  const { app, collector } = await traced(t)
  await app.inject({ method: 'POST', url: '/tools/far', payload: { no: 1 } })
  await app.close()
  const span = named(collector, 'execute_tool far')
  t.match(span, { failed: true, attributes: { 'error.type': 'TG_ARGUMENT_UNKNOWN' } })
  t.match(named(collector, 'POST /tools/:name'), { failed: false }, 'the server did well')
})

t.test('an MCP message is a span, and may name its own trace', async t => {
  const { app, collector } = await traced(t)
  await app.inject({
    method: 'POST',
    url: '/mcp',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2025-06-18',
    },
    payload: {
      jsonrpc: '2.0',
      id: 7,
      method: 'tools/call',
      params: { name: 'far', arguments: {}, _meta: { traceparent } },
    },
  })
  await app.close()
  const message = named(collector, 'tools/call far')
  t.match(message, { kind: server, traceId, parentSpanId: '00f067aa0ba902b7' })
  t.match(message.attributes, {
    'mcp.method.name': 'tools/call',
    'gen_ai.tool.name': 'far',
    'jsonrpc.request.id': '7',
    'mcp.protocol.version': '2025-06-18',
  })
  t.match(named(collector, 'execute_tool far'), { traceId, parentSpanId: message.spanId })
})

t.test('a request to a model tells the model and its tokens, not what was said', async t => {
  const llm = await startDevLlm({ port: 0 })
  t.teardown(() => llm.close())
  const { app, collector } = await traced(t, { env: { LMDEPLOY_URL: llm.url } })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const messages = [{ role: 'user', content: 'a private question' }]
  const answer = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { traceparent, 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify({ model: llm.model, messages }),
  })
  t.equal(answer.status, 200)
  await answer.text()
  await app.close()
  const chat = named(collector, `chat ${llm.model}`)
  t.match(chat, { kind: client, traceId, failed: false })
  t.match(chat.attributes, {
    'gen_ai.operation.name': 'chat',
    'gen_ai.request.model': llm.model,
    'gen_ai.usage.input_tokens': Number,
    'gen_ai.usage.output_tokens': Number,
    'server.address': '127.0.0.1',
  })
  t.match(named(collector, 'POST'), { kind: client, traceId, parentSpanId: chat.spanId })
  t.notMatch(collector.text(), /a private question/)
})

t.test('a caller that does not record is passed on as it is, and nothing is sent', async t => {
  const { app, collector, upstream } = await traced(t)
  await app.inject({
    method: 'POST',
    url: '/tools/far',
    payload: {},
    headers: { traceparent: traceparent.replace(/01$/, '00') },
  })
  await app.close()
  t.same(collector.spans, [])
  t.match(upstream.asked[0]?.headers['traceparent'], new RegExp(`^00-${traceId}-[\\da-f]{16}-00$`))
})

t.test('health and metrics leave no spans', async t => {
  const { app, collector } = await traced(t)
  await app.inject('/health/ready')
  await app.inject('/metrics')
  await app.close()
  t.same(collector.spans, [])
})

t.test('a collector that is away costs no call', async t => {
  const { app } = await traced(t, { env: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' } })
  const { statusCode } = await app.inject({ method: 'POST', url: '/tools/far', payload: {} })
  t.equal(statusCode, 200)
})
