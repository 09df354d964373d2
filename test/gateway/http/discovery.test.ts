import fastify, { type FastifyInstance } from 'fastify'
import t from 'tap'
import { guardAccess } from '../../../src/gateway/auth/access.ts'
import { discoveryRoutes } from '../../../src/gateway/http/discovery.ts'
import { shapeErrors } from '../../../src/gateway/http/errors.ts'
import { createOriginOf } from '../../../src/gateway/http/origin.ts'
import { greet, keyed } from '../../fixtures/face-tools.ts'
import { gatewayOf } from '../../fixtures/gateway.ts'

async function discovery(secured = false): Promise<FastifyInstance> {
  const app = fastify()
  shapeErrors(app)
  guardAccess(app, { keys: [], anonymous: false, keyInQuery: false, documents: 'public' })
  await app.register(discoveryRoutes, {
    registry: gatewayOf([greet, keyed]).registry,
    originOf: createOriginOf({ publicUrl: 'https://tools.example.com', host: '::', port: 1 }),
    secured,
    version: '1.2.3',
    startedAt: new Date('2026-11-24T00:00:00Z'),
  })
  return app
}
const name = 'com.example.tools/toolgate'

t.test('the API catalog is a linkset, for GET and HEAD', async t => {
  const app = await discovery()
  const url = '/.well-known/api-catalog'
  const get = await app.inject({ url })
  t.match(get.headers['content-type'], /^application\/linkset\+json; profile="https:.*rfc9727"$/)
  t.match(get.headers.link, 'rel="api-catalog"')
  t.match(get.json(), {
    linkset: [
      {
        anchor: 'https://tools.example.com/',
        'service-desc': [{ href: 'https://tools.example.com/openapi.json' }],
        status: [{ href: 'https://tools.example.com/health/ready' }],
      },
    ],
  })
  const head = await app.inject({ method: 'HEAD', url })
  t.equal(head.statusCode, 200)
  t.equal(head.headers['content-type'], get.headers['content-type'])
  t.equal(head.body, '')
  const again = await app.inject({ url, headers: { 'if-none-match': String(get.headers.etag) } })
  t.equal(again.statusCode, 304)
})

t.test('llms.txt lists the tools that work', async t => {
  const response = await (await discovery()).inject({ url: '/llms.txt' })
  t.match(response.headers['content-type'], 'text/plain')
  t.match(response.body, '[greet](https://tools.example.com/registry/tools/greet)')
  t.notMatch(response.body, 'keyed')
})

t.test('as an MCP registry it holds one server, itself', async t => {
  const app = await discovery(true)
  const get = async (url: string) => app.inject({ url })
  const server = (await get('/server.json')).json()
  t.match(server, { name, version: '1.2.3' })
  t.match(server.remotes, [
    {
      type: 'streamable-http',
      url: 'https://tools.example.com/mcp',
      headers: [{ name: 'Authorization', isSecret: true }],
    },
  ])
  const { servers, metadata } = (await get('/v0.1/servers')).json()
  t.same(metadata, { count: 1 })
  t.same(servers[0].server, server)
  t.match(servers[0]._meta, {
    'io.modelcontextprotocol.registry/official': {
      status: 'active',
      isLatest: true,
      publishedAt: '2026-11-24T00:00:00.000Z',
    },
  })
  const path = `/v0.1/servers/${encodeURIComponent(name)}/versions`
  t.same((await get(path)).json().servers, servers)
  t.same((await get(`${path}/latest`)).json(), servers[0])
  t.same((await get(`${path}/1.2.3`)).json(), servers[0])
  for (const url of [`${path}/9.9.9`, '/v0.1/servers/other/versions', '/v0.1/servers/o/versions/1'])
    t.equal((await get(url)).statusCode, 404, url)
})

t.test('the listing is filtered as the registry API has it', async t => {
  const app = await discovery()
  const count = async (query: string) =>
    (await app.inject({ url: `/v0.1/servers?${query}` })).json().servers?.length
  t.equal(await count('search=TOOLGATE&version=latest&limit=5'), 1)
  t.equal(await count('search=elsewhere'), 0)
  t.equal(await count('version=9.9.9'), 0)
  t.equal(await count('updated_since=2026-11-23T00:00:00Z'), 1)
  t.equal(await count('updated_since=2026-11-25T00:00:00Z'), 0)
  t.equal(await count('cursor=x'), 0)
  for (const query of ['limit=0', 'serch=x', 'updated_since=yesterday']) {
    const response = await app.inject({ url: `/v0.1/servers?${query}` })
    t.match(response.json(), { error: { code: 'TG_QUERY' } }, query)
  }
})
