import t from 'tap'
import { broken, counting, greet, keyed, mirror, waiting } from '../../fixtures/face-tools.ts'
import { gatewayOf } from '../../fixtures/gateway.ts'
import { mcpApp } from '../../fixtures/mcp-app.ts'
import { legacyRequest, mcpClient, modernRequest } from '../../fixtures/mcp-client.ts'

const tools = [greet, mirror, broken, keyed, counting]
const pixel = Buffer.from('not really a picture')

for (const modern of [true, false]) {
  const era = modern ? '2026-07-28' : 'the initialize era'

  t.test(`the official client finds and calls tools in ${era}`, async t => {
    const client = await mcpClient(await mcpApp(gatewayOf(tools)), { modern })
    const listed = await client.listTools()
    t.same(
      listed.tools.map(({ name }) => name),
      ['broken', 'counting', 'greet', 'mirror'],
      'sorted, without those that cannot work',
    )
    t.equal(listed.nextCursor, undefined, 'all on one page')
    // The client checks structured content against the output schema by itself.
    const result = await client.callTool({ name: 'greet', arguments: { name: 'Ada' } })
    t.match(result, {
      content: [{ type: 'text', text: 'Hello, Ada!' }],
      structuredContent: { greeting: 'Hello, Ada!', times: 1 },
    })
  })

  t.test(`a failed call is a result that a model can read in ${era}`, async t => {
    const client = await mcpClient(await mcpApp(gatewayOf(tools)), { modern })
    const call = (args: Record<string, unknown>, name = 'broken') =>
      client.callTool({ name, arguments: args })
    t.match(await call({ how: 'refused' }), {
      isError: true,
      content: [{ type: 'text', text: 'TG_REFUSED: that is too much. ask for less' }],
      _meta: { 'toolgate/error': { code: 'TG_REFUSED', hint: 'ask for less' } },
    })
    t.match(await call({ how: 'busy' }), {
      _meta: { 'toolgate/error': { code: 'TG_RATE_LIMITED', retryAfterMs: 3_000 } },
    })
    t.match(await call({ nam: 'Ada' }, 'greet'), {
      isError: true,
      content: [
        { text: /^TG_ARGUMENT_UNKNOWN: greet has no argument "nam"\. did you mean "name"\?/ },
      ],
    })
    t.match(await call({}, 'keyed'), { content: [{ text: /^TG_UNAVAILABLE: .*set SOME_KEY$/ }] })
    const bug = await call({ how: 'bug' })
    t.match(bug, { isError: true, content: [{ text: /^TG_INTERNAL: / }] })
    t.notMatch(JSON.stringify(bug), /secret/)
  })

  t.test(`a tool that does not exist is an error of the protocol in ${era}`, async t => {
    const client = await mcpClient(await mcpApp(gatewayOf(tools)), { modern })
    await t.rejects(client.callTool({ name: 'great', arguments: {} }), {
      code: -32_602,
      message: /TG_TOOL_UNKNOWN: no tool is named "great"\. did you mean "greet"\?/,
      data: { code: 'TG_TOOL_UNKNOWN' },
    })
  })

  t.test(`progress reaches a client that asked for it in ${era}`, async t => {
    const client = await mcpClient(await mcpApp(gatewayOf(tools)), { modern })
    const seen: unknown[] = []
    const result = await client.callTool(
      { name: 'counting', arguments: {} },
      { onprogress: progress => void seen.push(progress) },
    )
    t.match(result, { content: [{ text: 'three' }] })
    t.same(
      seen,
      [1, 2, 3].map(step => ({ progress: step, total: 3, message: `step ${step}` })),
      'each step once, only forward',
    )
  })
}

t.test('pictures are pictures, other files are links, never sound', async t => {
  const gateway = gatewayOf(tools)
  const { id } = await gateway.saveFile({ bytes: pixel, mediaType: 'image/png', name: 'a.png' })
  const client = await mcpClient(await mcpApp(gateway))
  const { content, structuredContent } = await client.callTool({
    name: 'mirror',
    arguments: { image: id },
  })
  t.match(content, [
    { type: 'text', text: 'A picture of 20 bytes.' },
    { type: 'image', data: pixel.toString('base64'), mimeType: 'image/png' },
    { type: 'resource_link', name: 'sound', mimeType: 'audio/wav', uri: /\/files\/.*\.wav$/ },
  ])
  t.match(structuredContent, { bytes: 20, picture: /^http.*\/files\/.*\.png$/ })
})

t.test('a client older than links gets the address as text', async t => {
  const gateway = gatewayOf(tools)
  const { id } = await gateway.saveFile({ bytes: pixel, mediaType: 'image/png', name: 'a.png' })
  const app = await mcpApp(gateway)
  const call = { name: 'mirror', arguments: { image: id } }
  for (const version of ['', '2025-03-26', '2024-11-05']) {
    const response = await app.inject({
      method: 'POST',
      url: '/mcp',
      ...legacyRequest('tools/call', call, version),
    })
    t.match(response.json(), {
      result: {
        content: [{ type: 'text' }, { type: 'image' }, { type: 'text', text: /^sound: http/ }],
      },
    })
  }
})

t.test('a picture over the bound is a link', async t => {
  const gateway = gatewayOf(tools)
  const bytes = Buffer.alloc(4 * 1024 * 1024 + 1)
  const { id } = await gateway.saveFile({ bytes, mediaType: 'image/png', name: 'a.png' })
  const client = await mcpClient(await mcpApp(gateway))
  const { content } = await client.callTool({ name: 'mirror', arguments: { image: id } })
  t.match(content, [{ type: 'text' }, { type: 'resource_link', name: 'picture' }, {}])
})

t.test('an answer says what the cache did, and a call may ask for a fresh one', async t => {
  const app = await mcpApp(gatewayOf(tools, { now: () => 5_000 }))
  const call = async (meta: Record<string, unknown> = {}) => {
    const request = modernRequest('tools/call', { name: 'greet', arguments: { name: 'Ada' } }, meta)
    const { result } = (await app.inject({ method: 'POST', url: '/mcp', ...request })).json()
    return result._meta['toolgate/cache']
  }
  t.same(await call(), { status: 'toolgate; fwd=miss; stored; ttl=60' })
  t.same(await call(), { status: 'toolgate; hit; ttl=60; detail=l1', age: 0 })
  t.same(await call({ 'toolgate/cache-control': 'no-cache' }), {
    status: 'toolgate; fwd=bypass; stored; ttl=60',
  })
})

t.test('each older version is agreed to, an unknown one is answered with the newest', async t => {
  const app = await mcpApp(gatewayOf(tools))
  const versions = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']
  for (const [asked, agreed] of [
    ...versions.map(version => [version, version]),
    ['1999', '2025-11-25'],
  ]) {
    const request = legacyRequest(
      'initialize',
      {
        protocolVersion: asked,
        capabilities: {},
        clientInfo: { name: 'old', version: '1' },
      },
      '',
    )
    const response = await app.inject({ method: 'POST', url: '/mcp', ...request })
    t.match(response.body, `"protocolVersion":"${agreed}"`)
    t.match(response.headers['mcp-session-id'], /^[\w-]{36}$/)
  }
})

t.test('an address of one tool or one tag offers no more than that', async t => {
  const app = await mcpApp(gatewayOf(tools))
  for (const [path, names] of [
    ['/tools/greet/mcp', ['greet']],
    ['/tags/pictures/mcp', ['mirror']],
    ['/tools/keyed/mcp', []],
  ] as const) {
    const client = await mcpClient(app, { path })
    t.same(
      (await client.listTools()).tools.map(({ name }) => name),
      names,
    )
    await t.rejects(client.callTool({ name: 'counting' }), { message: /TG_TOOL_UNKNOWN/ })
  }
  for (const url of ['/tools/nothing/mcp', '/tags/nothing/mcp']) {
    const response = await app.inject({ method: 'POST', url, ...modernRequest('tools/list') })
    t.equal(response.statusCode, 404)
    t.match(response.json(), { jsonrpc: '2.0', id: null, error: { code: -32_602 } })
  }
})

t.test('search as a tool takes the place of a long list', async t => {
  const app = await mcpApp(gatewayOf(tools))
  const client = await mcpClient(app, { path: '/mcp?search=true' })
  t.same(
    (await client.listTools()).tools.map(({ name }) => name),
    ['call_tool', 'find_tools'],
  )
  const found = await client.callTool({ name: 'find_tools', arguments: { query: '你好' } })
  t.match(found.structuredContent, { tools: [{ name: 'greet', inputSchema: { type: 'object' } }] })
  const called = await client.callTool({
    name: 'call_tool',
    arguments: { name: 'greet', arguments: { name: 'Ada' } },
  })
  t.match(called.content, [{ text: 'Hello, Ada!' }])
  t.equal(called.structuredContent, undefined, 'it has no output schema, so no structure')
  t.match(await client.callTool({ name: 'call_tool', arguments: { name: 'great' } }), {
    isError: true,
    content: [{ text: /TG_TOOL_UNKNOWN/ }],
  })
  t.match(await client.callTool({ name: 'find_tools', arguments: {} }), { isError: true })
  const plain = await mcpClient(await mcpApp(gatewayOf(tools), { search: true }), {
    path: '/mcp?search=no',
  })
  t.equal((await plain.listTools()).tools.length, 4, 'the address beats the default')
})

t.test('a client that goes away ends the call behind it', async t => {
  const { tool, started, ended } = waiting()
  const app = await mcpApp(gatewayOf([tool]))
  t.teardown(() => app.close())
  const address = await app.listen({ host: '127.0.0.1', port: 0 })
  const { headers, payload } = modernRequest('tools/call', { name: 'waiting' })
  const controller = new AbortController()
  const { host: _, ...sent } = headers
  const asked = fetch(`${address}/mcp`, {
    method: 'POST',
    headers: { ...sent, 'content-type': 'application/json' },
    body: JSON.stringify(payload),
    signal: controller.signal,
  })
  await started
  controller.abort()
  await t.rejects(asked, { name: 'AbortError' })
  t.match(await ended, { code: 'TG_CLIENT_CLOSED' })
})

for (const progressToken of [undefined, 7]) {
  t.test(
    `a cancelled notification ends the call of its session, progress ${progressToken}`,
    async t => {
      const { tool, started, ended } = waiting()
      const app = await mcpApp(gatewayOf([tool]))
      const post = (method: string, params: Record<string, unknown>, session: string) => {
        const { headers, payload } = legacyRequest(method, params)
        return app.inject({
          method: 'POST',
          url: '/mcp',
          headers: { ...headers, 'mcp-session-id': session },
          payload,
        })
      }
      const meta = progressToken === undefined ? {} : { _meta: { progressToken } }
      const call = post('tools/call', { name: 'waiting', ...meta }, 'mine')
      await started
      t.equal((await post('notifications/cancelled', { requestId: 1 }, 'other')).statusCode, 202)
      t.equal((await post('notifications/cancelled', { requestId: 1 }, 'mine')).statusCode, 202)
      t.match(await ended, { code: 'TG_CLIENT_CLOSED' })
      const response = await call
      t.notMatch(response.body, /"result"/, 'a cancelled request is not answered')
      t.equal(response.statusCode, progressToken === undefined ? 202 : 200)
    },
  )
}

t.test('what never reaches the protocol is answered as the protocol has it', async t => {
  const app = await mcpApp(gatewayOf(tools))
  const headers = { host: '127.0.0.1:8642', 'content-type': 'application/json' }
  const nested = `${'['.repeat(100)}${']'.repeat(100)}`
  for (const payload of ['', '{', nested]) {
    const response = await app.inject({ method: 'POST', url: '/mcp', headers, payload })
    t.equal(response.statusCode, 400)
    t.match(response.json(), {
      jsonrpc: '2.0',
      id: null,
      error: { code: -32_700, message: /^TG_BODY_INVALID/ },
    })
  }
  const get = await app.inject({ url: '/mcp', headers })
  t.equal(get.statusCode, 405, 'there is no stream to open')
  t.equal(get.headers.allow, 'POST')
})

t.test('a gateway with keys wants one', async t => {
  const keys = [{ id: 'me', key: 'a-long-key' }]
  const app = await mcpApp(gatewayOf(tools), { keys })
  const response = await app.inject({ method: 'POST', url: '/mcp', ...modernRequest('tools/list') })
  t.equal(response.statusCode, 401)
  t.ok(response.headers['www-authenticate'])
  t.match(response.json(), { error: { data: { code: 'TG_KEY_MISSING' } } })
  const client = await mcpClient(app, { headers: { authorization: 'Bearer a-long-key' } })
  t.equal((await client.listTools()).tools.length, 4)
  t.match(await client.callTool({ name: 'greet', arguments: { name: 'Ada' } }), {
    content: [{ text: 'Hello, Ada!' }],
  })
})

t.test('the documents of tools and the files they made are resources', async t => {
  const gateway = gatewayOf(tools)
  const { id } = await gateway.saveFile({ bytes: pixel, mediaType: 'image/png', name: 'a.png' })
  const note = await gateway.saveFile({
    bytes: Buffer.from('a note'),
    mediaType: 'text/plain',
    name: 'a.txt',
  })
  const big = await gateway.saveFile({
    bytes: Buffer.alloc(9 * 1024 * 1024),
    mediaType: 'image/png',
    name: 'b.png',
  })
  const client = await mcpClient(await mcpApp(gateway))
  const { resources } = await client.listResources()
  t.same(
    resources.map(({ uri }) => uri),
    ['broken', 'counting', 'greet', 'mirror'].map(name => `toolgate://tools/${name}`),
  )
  const { resourceTemplates } = await client.listResourceTemplates()
  t.same(
    resourceTemplates.map(({ uriTemplate }) => uriTemplate),
    ['toolgate://tools/{name}', 'http://127.0.0.1:8642/files/{id}'],
  )
  const read = (uri: string) => client.readResource({ uri })
  t.match(await read('toolgate://tools/greet'), { contents: [{ text: /"name":"greet"/ }] })
  t.match(await read('toolgate://tools/keyed'), { contents: [{ text: /"reason":"no key"/ }] })
  t.match(await read(`http://127.0.0.1:8642/files/${id}?sig=x`), {
    contents: [{ mimeType: 'image/png', blob: pixel.toString('base64') }],
  })
  t.match(await read(`toolgate://files/${note.id}`), { contents: [{ text: 'a note' }] })
  await t.rejects(read(`toolgate://files/${big.id}`), { message: /over the limit/ })
  for (const uri of [
    'toolgate://tools/no',
    'http://elsewhere.example/files/x',
    'toolgate://files/x',
  ])
    await t.rejects(read(uri), { code: -32_602 })
})

t.test('many tools are listed as resources in pages', async t => {
  const many = Array.from({ length: 501 }, (_, index) => ({
    ...greet,
    name: `tool_${String(index).padStart(4, '0')}`,
  }))
  const client = await mcpClient(await mcpApp(gatewayOf(many)), { modern: false })
  const first = await client.listResources({ cursor: '0' })
  t.equal(first.resources.length, 500)
  t.equal(first.nextCursor, '500')
  t.equal((await client.listResources({ cursor: '500' })).resources.length, 1)
})
