import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import Type from 'typebox'
import { createScrub } from '../../src/gateway/telemetry/scrub.ts'
import { defineTool } from '../../src/registry/tool.ts'
import { testApp } from '../fixtures/app.ts'
import { startCollector } from '../fixtures/collector.ts'
import { lineLog } from '../fixtures/lines.ts'
import { type Reply, standIn } from '../fixtures/stand-in.ts'
import { until } from '../fixtures/until.ts'

/** One secret of every kind; whatever is said anywhere must hold none of them. */
const secrets = {
  key: 'tg-key-4f1c9a7be2',
  otherKey: 'tg-key-of-ann-77d0',
  wrongKey: 'tg-wrong-key-19aa03',
  signing: 'signing-secret-8812ff',
  upstreamKey: 'upstream-api-key-51ce',
  nodeKey: 'node-key-9b03d1aa',
  redisPassword: 'redis-password-0c77',
  sourceHeader: 'source-token-6a6a12',
  sourceUser: 'source-user-pass-e1e1',
  mcpHeader: 'mcp-header-token-4242',
  mcpEnv: 'mcp-env-secret-9000',
  otlpHeader: 'otlp-header-key-3131',
  jwt: 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbi1qd3QifQ.c2lnbmF0dXJl',
  urlUser: 'caller-url-pass-5150',
  urlQuery: 'caller-url-key-2112',
}

/** Answers with whatever it was told, as careless servers do, and fails. */
const careless: Reply = ({ headers, url }) => ({
  status: 500,
  body: { error: `cannot serve ${url} for ${JSON.stringify(headers)}` },
})

const asks = defineTool({
  name: 'asks',
  title: 'Asks',
  description: 'Asks a server that tells all it knows.',
  input: Type.Object({ where: Type.Optional(Type.String({ description: 'A path' })) }),
  output: Type.Object({ ok: Type.Boolean({ description: 'Whether it worked' }) }),
  async run({ where = '/' }, { getJson, setting }) {
    const key = setting('QWEATHER_API_KEY') ?? ''
    await getJson(`${setting('ARXIV_URL')}${where}`, { query: { key }, headers: { 'x-key': key } })
    return { ok: true }
  },
})

const breaks = defineTool({
  name: 'breaks',
  title: 'Breaks',
  description: 'Has a fault of its own.',
  input: Type.Object({}),
  output: Type.Object({ ok: Type.Boolean({ description: 'Never' }) }),
  async run(_input, { setting }) {
    throw new Error(`it broke with ${setting('QWEATHER_API_KEY')}`)
  },
})

t.test('no secret is in logs, errors, traces, listings, metrics or the audit trail', async t => {
  const collector = await startCollector(t)
  const upstream = await standIn(t, careless)
  const folder = t.testdir({ files: {} })
  // As main does; the values are those of the configuration below.
  const { log, lines } = lineLog(
    'trace',
    createScrub({ settings: { KEY: secrets.upstreamKey } } as object),
  )
  const said: string[] = []
  const { host } = new URL(upstream.url)
  const { app } = await testApp(t, {
    tools: [asks, breaks],
    log,
    env: {
      TOOLGATE_FILES: join(folder, 'files'),
      TOOLGATE_KEY: secrets.key,
      TOOLGATE_SECRET: secrets.signing,
      TOOLGATE_AUDIT: join(folder, 'audit.jsonl'),
      QWEATHER_API_KEY: secrets.upstreamKey,
      ARXIV_URL: upstream.url,
      LMDEPLOY_URL: upstream.url,
      LMDEPLOY_API_KEY: secrets.nodeKey,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=${secrets.otlpHeader}`,
    },
    file: {
      keys: [{ id: 'ann', key: secrets.otherKey }],
      sources: [
        {
          name: 'far',
          kind: 'openapi',
          url: `${upstream.url}/openapi.json?token=${secrets.sourceUser}`,
          headers: { authorization: `Bearer ${secrets.sourceHeader}` },
        },
      ],
      mcpServers: {
        web: { url: `${upstream.url}/mcp`, headers: { 'x-token': secrets.mcpHeader } },
        own: { command: '/no/such/program', args: [], env: { TOKEN: secrets.mcpEnv } },
      },
    },
  })

  const admin = { 'x-api-key': secrets.key }
  const ask = async (
    method: 'GET' | 'POST' | 'DELETE',
    url: string,
    { payload, headers = admin }: { payload?: object; headers?: Record<string, string> } = {},
  ): Promise<void> => {
    const answer = await app.inject({ method, url, headers, ...(payload ? { payload } : {}) })
    said.push(JSON.stringify(answer.headers), answer.body)
  }
  const userinfo = upstream.url.replace('://', `://someone:${secrets.urlUser}@`)
  await ask('POST', '/tools/asks', { payload: {} })
  await ask('POST', '/tools/asks', { payload: { where: `/x?api_key=${secrets.urlQuery}` } })
  await ask('POST', '/tools/breaks', { payload: {} })
  await ask('POST', '/lagent/breaks', { payload: {} })
  await ask('POST', '/dify/tools/asks', { payload: {} })
  for (const headers of [
    { 'x-api-key': secrets.wrongKey },
    { authorization: `Bearer ${secrets.jwt}` },
    { authorization: `Basic ${Buffer.from(`u:${secrets.wrongKey}`).toString('base64')}` },
  ] as Record<string, string>[])
    await ask('POST', '/tools/asks', { payload: {}, headers })
  const message = {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: 'asks', arguments: {} },
  }
  const accept = 'application/json, text/event-stream'
  await ask('POST', '/mcp', { payload: message, headers: { ...admin, accept } })
  const messages = [{ role: 'user', content: 'hi' }]
  await ask('POST', '/v1/chat/completions', { payload: { model: 'm', messages } })
  for (const url of [`${userinfo}/a`, `${upstream.url}/b?token=${secrets.urlQuery}`])
    await ask('POST', '/registry/sources', {
      payload: {
        name: 'added',
        kind: 'openapi',
        url,
        headers: { 'x-secret': secrets.sourceHeader },
      },
    })
  await ask('POST', '/llm/nodes', { payload: { url: userinfo, key: secrets.nodeKey } })
  await ask('POST', '/llm/nodes', { payload: { url: upstream.url, key: secrets.nodeKey } })
  await until('the sources were tried', async () => {
    const { body } = await app.inject({ url: '/registry/sources', headers: admin })
    return !body.includes('"loading"')
  })
  for (const url of [
    '/registry',
    '/registry/sources',
    '/registry/sources/far',
    '/llm/nodes',
    '/v1/models',
    '/openapi/full.json',
    '/health/ready',
    '/metrics',
    '/v0.1/servers',
  ])
    await ask('GET', url)
  await app.close()

  const places = {
    logs: JSON.stringify(lines),
    answers: said.join('\n'),
    traces: collector.text(),
    audit: readFileSync(join(folder, 'audit.jsonl'), 'utf8'),
  }
  t.ok(
    upstream.asked.some(({ url }) => url.includes(secrets.upstreamKey)),
    'they were in use',
  )
  t.ok(collector.spans.length > 10)
  t.match(places.logs, host, 'what may be told is told')
  for (const [place, text] of Object.entries(places))
    for (const [name, secret] of Object.entries(secrets))
      t.notOk(text.includes(secret), `${name} in ${place}: ${around(text, secret)}`)
})

const around = (text: string, secret: string): string => {
  const at = text.indexOf(secret)
  return at < 0 ? 'absent' : text.slice(Math.max(0, at - 160), at + 40)
}
