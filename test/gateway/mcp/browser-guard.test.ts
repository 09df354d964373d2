import t from 'tap'
import { greet } from '../../fixtures/face-tools.ts'
import { gatewayOf } from '../../fixtures/gateway.ts'
import { mcpApp } from '../../fixtures/mcp-app.ts'
import { modernRequest } from '../../fixtures/mcp-client.ts'

const local = { host: '127.0.0.1', corsOrigins: () => ['*'] }
const open = { host: '0.0.0.0', corsOrigins: () => ['*'] }
const named = { ...local, publicUrl: 'https://tools.example' }
const listed = { host: '127.0.0.1', corsOrigins: () => ['https://app.example'] }

type Case = [what: string, browsers: typeof local, headers: Record<string, string>, status: number]
const cases: Case[] = [
  ['no browser', local, {}, 200],
  ['a page of this machine', local, { origin: 'http://localhost:6274' }, 200],
  ['a page of this machine over IPv6', local, { origin: 'http://[::1]:3000' }, 200],
  ['a foreign page', local, { origin: 'https://evil.example' }, 403],
  ['a page that looks like this machine', local, { origin: 'http://localhost.evil.example' }, 403],
  ['a page without an origin', local, { origin: 'null' }, 403],
  ['a name that was bent to this machine', local, { host: 'evil.example:8642' }, 403],
  ['this machine by name', local, { host: 'localhost:8642' }, 200],
  ['a listed page', listed, { origin: 'https://app.example' }, 200],
  ['an unlisted page', listed, { origin: 'https://other.example' }, 403],
  ['our own page', named, { origin: 'https://tools.example' }, 200],
  ['our own name behind a proxy', named, { host: 'tools.example' }, 200],
  ['any name where all interfaces are open', open, { host: 'box.lan:8642' }, 200],
  ['a foreign page there', open, { origin: 'https://evil.example' }, 403],
]

for (const [what, browsers, headers, status] of cases)
  t.test(`${what}: ${status}`, async t => {
    const app = await mcpApp(gatewayOf([greet]), { browsers })
    const request = modernRequest('tools/list')
    const response = await app.inject({
      method: 'POST',
      url: '/mcp',
      headers: { ...request.headers, ...headers },
      payload: request.payload,
    })
    t.equal(response.statusCode, status)
    if (status === 403) t.match(response.json(), { error: { data: { code: 'TG_FORBIDDEN' } } })
  })

t.test('where a key is needed, any page may bring one', async t => {
  const keys = [{ id: 'me', key: 'a-long-key' }]
  const app = await mcpApp(gatewayOf([greet]), { keys, browsers: local })
  const request = modernRequest('tools/list')
  const response = await app.inject({
    method: 'POST',
    url: '/mcp',
    headers: {
      ...request.headers,
      origin: 'https://app.example',
      host: 'box.lan',
      authorization: 'Bearer a-long-key',
    },
    payload: request.payload,
  })
  t.equal(response.statusCode, 200)
})
