import t from 'tap'
import { readHot } from '../../../src/gateway/mcp/hot.ts'
import { counting, greet } from '../../fixtures/face-tools.ts'
import { gatewayOf } from '../../fixtures/gateway.ts'
import { mcpApp } from '../../fixtures/mcp-app.ts'
import { legacyRequest, modernRequest } from '../../fixtures/mcp-client.ts'

const call = { name: 'greet', arguments: { name: 'Ada' } }

t.test('well-formed calls and lists of both eras are read', async t => {
  for (const { headers, payload } of [
    modernRequest('tools/call', call),
    legacyRequest('tools/call', call),
  ])
    t.match(readHot(headers, payload), { id: 1, method: 'tools/call', name: 'greet' })
  for (const { headers, payload } of [modernRequest('tools/list'), legacyRequest('tools/list')])
    t.match(readHot(headers, payload), { id: 1, method: 'tools/list' })
  const bare = { jsonrpc: '2.0', id: 'a', method: 'tools/call', params: { name: 'greet' } }
  t.match(readHot({}, bare), { id: 'a', args: {}, modern: false })
})

t.test('whatever is not exactly that goes to the SDK', async t => {
  const { headers, payload } = modernRequest('tools/call', call)
  const { params } = payload
  const refused: [string, object, unknown][] = [
    ['a batch', headers, [payload]],
    ['nothing', headers, undefined],
    ['a notification', headers, { ...payload, id: undefined }],
    ['a null id', headers, { ...payload, id: null }],
    ['another method', headers, { ...payload, method: 'ping' }],
    ['no name', headers, { ...payload, params: { ...params, name: 3 } }],
    ['a list of arguments', headers, { ...payload, params: { ...params, arguments: [] } }],
    ['answers to questions', headers, { ...payload, params: { ...params, inputResponses: {} } }],
    ['another version', { ...headers, 'mcp-protocol-version': '2025-11-25' }, payload],
    ['a missing version', { ...headers, 'mcp-protocol-version': undefined }, payload],
    ['another name', { ...headers, 'mcp-name': 'other' }, payload],
    ['another method in the header', { ...headers, 'mcp-method': 'tools/list' }, payload],
    [
      'an unknown old version',
      { 'mcp-protocol-version': '1999' },
      legacyRequest('tools/call', call).payload,
    ],
    ...[
      { 'io.modelcontextprotocol/protocolVersion': '2027-01-01' },
      { 'io.modelcontextprotocol/clientCapabilities': undefined },
      { 'io.modelcontextprotocol/clientCapabilities': { sampling: true } },
      { 'io.modelcontextprotocol/clientInfo': { name: 'x' } },
      { 'io.modelcontextprotocol/logLevel': 'info' },
      { progressToken: {} },
    ].map((meta): [string, object, unknown] => [
      JSON.stringify(meta),
      headers,
      { ...payload, params: { ...params, _meta: { ...params._meta, ...meta } } },
    ]),
  ]
  for (const [what, sent, body] of refused) t.equal(readHot({ ...sent }, body), undefined, what)
})

t.test('the hot answer is the answer of the SDK', async t => {
  const app = await mcpApp(gatewayOf([greet, counting], { now: () => 0 }))
  // A log level means nothing to these tools and takes a request off the hot path.
  const slow = { 'io.modelcontextprotocol/logLevel': 'info' }
  const resultOf = async (request: ReturnType<typeof modernRequest>) =>
    (await app.inject({ method: 'POST', url: '/mcp', ...request })).json().result
  const fails = { name: 'greet', arguments: { nam: 1 } }
  await resultOf(modernRequest('tools/call', call))
  for (const [method, params] of [
    ['tools/list', {}],
    ['tools/call', call],
    ['tools/call', fails],
  ] as const)
    t.same(
      await resultOf(modernRequest(method, params)),
      await resultOf(modernRequest(method, params, slow)),
    )
})

t.test('an answer of the initialize era has nothing of the later one', async t => {
  const app = await mcpApp(gatewayOf([greet]))
  for (const [method, params] of [
    ['tools/list', {}],
    ['tools/call', call],
    ['tools/call', { name: 'greet' }],
  ] as const) {
    const response = await app.inject({
      method: 'POST',
      url: '/mcp',
      ...legacyRequest(method, params),
    })
    t.notMatch(response.body, /resultType|ttlMs|serverInfo/)
    t.match(response.json(), { jsonrpc: '2.0', id: 1, result: {} })
  }
})
