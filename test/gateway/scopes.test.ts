import type { InjectOptions } from 'fastify'
import t from 'tap'
import { echo, locked, mirror, testApp } from '../fixtures/app.ts'
import { modernRequest } from '../fixtures/mcp-client.ts'
import { until } from '../fixtures/until.ts'
import { echoTool } from '../fixtures/tools.ts'

const secret = echoTool({
  name: 'secret_echo',
  tags: ['secret'],
  aliases: { agentlego: 'SecretEcho', lagent: 'SecretEcho' },
})
const keys = [
  { id: 'all', key: 'of all', scopes: {} },
  { id: 'words', key: 'of words', scopes: { tags: ['words'], tools: ['mirror'] } },
  { id: 'none', key: 'of none', scopes: { tools: [] } },
  { id: 'mcp', key: 'of mcp', scopes: { faces: ['mcp', 'metrics'] } },
  { id: 'admin', key: 'of admin', scopes: { admin: true } },
]
const as = (id: string, headers: Record<string, string> = {}) => ({
  authorization: `Bearer of ${id}`,
  ...headers,
})

/** A gateway whose tools are not for every key. */
async function gateway(t: Parameters<typeof testApp>[0]) {
  const { app, registry } = await testApp(t, {
    tools: [echo, mirror, locked, secret],
    file: { keys, documents: 'key' },
  })
  const lego = await app.agentLego()
  t.teardown(() => lego.close())
  const ask = async (id: string, url: string, options: InjectOptions = {}) =>
    app.inject({ url, ...options, headers: { ...as(id), ...options.headers } })
  return { app, registry, lego, ask }
}

/** Everything that lists tools, and calls that name the tool which is not there. */
const listings = [
  '/openapi.json',
  ...['full', 'dify', 'gpt', 'coze', 'openwebui'].map(name => `/openapi/${name}.json`),
  ...[
    'openai',
    'openai-responses',
    'anthropic',
    'gemini',
    'mistral',
    'qwen',
    'langchain',
    'mcp',
    'utcp',
    'lagent',
    'agentlego',
  ].map(name => `/registry/${name}`),
  '/registry',
  '/registry/search?q=echo',
  '/utcp',
  '/llms.txt',
]

t.test('a tool that a key may not call is listed nowhere', async t => {
  const { ask, lego, app } = await gateway(t)
  const hidden = /secret.?echo/i
  for (const url of listings) {
    t.match((await ask('all', url)).body, hidden, `${url} with a key for it`)
    const { statusCode, body } = await ask('words', url)
    t.equal(statusCode, 200, url)
    t.notMatch(body, hidden, url)
    t.match(body, /echo/i, `${url} has what the key is for`)
    t.notMatch((await ask('none', url)).body, hidden, url)
    t.equal((await app.inject({ url })).statusCode, 401, `${url} without a key`)
  }
  const document = (id: string) => lego.inject({ url: '/openapi.json', headers: as(id) })
  t.match((await document('all')).body, hidden)
  t.notMatch((await document('words')).body, hidden)
  const list = (id: string, url = '/mcp') => {
    const request = modernRequest('tools/list', {})
    return app.inject({ method: 'POST', url, ...request, headers: as(id, request.headers) })
  }
  t.match((await list('all')).body, hidden)
  t.notMatch((await list('words')).body, hidden)
  t.match((await list('words')).body, /echo/)
  t.equal((await list('all', '/tags/secret/mcp')).statusCode, 200)
  t.equal((await list('words', '/tags/secret/mcp')).statusCode, 404)
  t.equal((await list('words', '/tools/secret_echo/mcp')).statusCode, 404)
})

t.test('nor does AgentLego tell by another method that it is there', async t => {
  const { lego } = await gateway(t)
  const ask = async (name: string, headers: Record<string, string>) => {
    const methods = ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'] as const
    const answers = methods.map(method => lego.inject({ method, url: `/${name}`, headers }))
    return (await Promise.all(answers)).map(({ statusCode }) => statusCode)
  }
  for (const headers of [{}, as('words'), as('none')])
    t.same(await ask('SecretEcho', headers), await ask('Nothing', headers))
  t.same((await ask('SecretEcho', as('all'))).slice(0, 4), [405, 405, 405, 405])
  t.same((await ask('Nothing', as('all'))).slice(0, 4), [404, 404, 404, 404])
})

t.test('nor can it be called: it is unknown, as one that does not exist is', async t => {
  const { ask, lego, app } = await gateway(t)
  const payload = { text: 'x' }
  const calls: Record<string, (id: string, name: string) => Promise<{ body: string }>> = {
    rest: (id, name) => ask(id, `/tools/${name}`, { method: 'POST', payload }),
    dify: (id, name) => ask(id, `/dify/tools/${name}`, { method: 'POST', payload }),
    gpt: (id, name) => ask(id, `/gpt/tools/${name}`, { method: 'POST', payload }),
    lagent: (id, name) => ask(id, `/lagent/${name}`, { method: 'POST', payload }),
    card: (id, name) => ask(id, `/registry/tools/${name}`),
    agentlego: (id, name) =>
      lego.inject({ method: 'POST', url: `/${name}`, payload, headers: as(id) }),
    mcp: (id, name) => {
      const request = modernRequest('tools/call', { name, arguments: payload })
      return app.inject({
        method: 'POST',
        url: '/mcp',
        ...request,
        headers: as(id, request.headers),
      })
    },
    'mcp call_tool': (id, name) => {
      const inner = { name, arguments: payload }
      const request = modernRequest('tools/call', { name: 'call_tool', arguments: inner })
      const url = '/mcp?search=true'
      return app.inject({ method: 'POST', url, ...request, headers: as(id, request.headers) })
    },
    'mcp resource': (id, name) => {
      const request = modernRequest('resources/read', { uri: `toolgate://tools/${name}` })
      return app.inject({
        method: 'POST',
        url: '/mcp',
        ...request,
        headers: as(id, request.headers),
      })
    },
  }
  const found = { query: 'secret echo', limit: 20 }
  const request = modernRequest('tools/call', { name: 'find_tools', arguments: found })
  const find = (id: string) =>
    app.inject({
      method: 'POST',
      url: '/mcp?search=true',
      ...request,
      headers: as(id, request.headers),
    })
  t.match((await find('all')).body, /secret_echo/)
  t.notMatch((await find('words')).body, /secret_echo/)
  const withoutIds = (body: string, name: string) =>
    body
      .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'ID')
      .replaceAll(name, 'NAME')
      .replaceAll(/secret.?echo/gi, 'NAME')
  for (const [face, call] of Object.entries(calls)) {
    t.notMatch(
      (await call('all', 'secret_echo')).body,
      /TG_TOOL_UNKNOWN/,
      `${face}: the key for it`,
    )
    for (const id of ['words', 'none']) {
      const refused = (await call(id, 'secret_echo')).body
      const unknown = (await call(id, 'nothing_zzzz')).body
      t.equal(
        withoutIds(refused, 'secret_echo'),
        withoutIds(unknown, 'nothing_zzzz'),
        `${face}: ${id}`,
      )
      t.notMatch((await call(id, 'secret_ech')).body, /secret_echo/, `${face} names no nearest`)
    }
  }
  t.equal((await ask('words', '/tools/secret_echo', { method: 'POST', payload })).statusCode, 404)
  t.match((await ask('words', '/openapi.json?tools=secret_*')).json(), {
    error: { code: 'TG_QUERY' },
  })
})

t.test('a stream of changes tells of no others', async t => {
  const { app, registry } = await gateway(t)
  const address = await app.listen({ host: '127.0.0.1', port: 0 })
  const response = await fetch(`${address}/registry/events`, { headers: as('words') })
  let said = ''
  const reading = (async () => {
    for await (const chunk of response.body ?? []) said += Buffer.from(chunk).toString()
  })()
  await until('the stream begins', () => said.includes('event: registry'))
  registry.put('local', [echoTool({ name: 'secret_two', tags: ['secret'] })])
  registry.put('other', [echoTool({ name: 'open_two', tags: ['words'] })])
  await until('a change is told', () => said.includes('open_two'))
  t.notMatch(said, /secret/)
  await app.close()
  await reading
})

t.test('a key for some faces opens no others, and only admin keys open admin routes', async t => {
  const { ask, lego } = await gateway(t)
  const call = { method: 'POST' as const, payload: { text: 'x' } }
  const status = async (id: string, url: string, options?: InjectOptions) =>
    (await ask(id, url, options)).statusCode
  t.equal(await status('mcp', '/tools/echo', call), 403)
  t.equal(await status('mcp', '/lagent/echo', call), 403)
  t.equal(await status('mcp', '/v1/models'), 403)
  const list = modernRequest('tools/list', {})
  const headers = as('mcp', list.headers)
  t.equal(await status('mcp', '/mcp', { method: 'POST', ...list, headers }), 200)
  t.equal(await status('mcp', '/registry'), 200, 'documents are of no face')
  const agentlego = { method: 'POST' as const, url: '/echo', payload: { text: 'x' } }
  t.equal((await lego.inject({ ...agentlego, headers: as('mcp') })).statusCode, 403)
  t.equal((await lego.inject({ ...agentlego, headers: as('all') })).statusCode, 200)
  t.equal(await status('mcp', '/metrics'), 200, 'metrics are a face that has to be named')
  t.equal(await status('all', '/metrics'), 403)
  t.equal(await status('admin', '/metrics'), 200)
  for (const url of ['/llm/nodes', '/registry/sources']) {
    t.match((await ask('all', url)).json(), { error: { code: 'TG_FORBIDDEN' } }, url)
    t.equal(await status('admin', url), 200, url)
  }
})
