import t from 'tap'
import { apiCatalog, apiCatalogType } from '../../../src/registry/views/api-catalog.ts'
import { llmsTxt } from '../../../src/registry/views/llms-txt.ts'
import { serverEntry, serverJson, serverList } from '../../../src/registry/views/server-json.ts'
import { awkwardTools, ownTools } from '../../fixtures/awkward-tools.ts'

const options = { origin: 'https://tools.example.com', secured: false }

t.test('the API catalog is a linkset of RFC 9727', async t => {
  t.match(apiCatalogType, /^application\/linkset\+json; profile=/)
  t.match(apiCatalog(options), {
    linkset: [
      {
        anchor: 'https://tools.example.com/',
        'service-desc': [{ href: 'https://tools.example.com/openapi.json' }, {}],
        'service-doc': [{ href: 'https://tools.example.com/docs', type: 'text/html' }],
        'service-meta': [{ href: 'https://tools.example.com/registry' }, {}, {}],
        status: [{ href: 'https://tools.example.com/health/ready' }],
      },
    ],
  })
})

t.test('the gateway is an entry of the MCP registry, named by its host turned around', async t => {
  const entry = serverJson(options)
  t.match(entry, {
    name: 'com.example.tools/toolgate',
    title: 'Toolgate',
    version: '0.1.0',
    remotes: [{ type: 'streamable-http', url: 'https://tools.example.com/mcp' }],
  })
  t.ok(String(entry['description']).length <= 100)
  t.notMatch(JSON.stringify(entry), 'Authorization')
  t.match(serverJson({ ...options, secured: true, version: '2.0.0' }), {
    version: '2.0.0',
    remotes: [{ headers: [{ name: 'Authorization', isSecret: true }] }],
  })
  t.equal(serverJson({ ...options, origin: 'http://127.0.0.1:8642' })['name'], 'local/toolgate')
  t.equal(serverJson({ ...options, origin: 'http://[::1]:8642' })['name'], 'local/toolgate')
})

t.test('its listing has one server', async t => {
  t.same(serverList(options), { servers: [serverEntry(options)], metadata: { count: 1 } })
  t.match(serverEntry({ ...options, at: '2026-01-01T00:00:00Z' }), {
    server: { name: 'com.example.tools/toolgate' },
    _meta: {
      'io.modelcontextprotocol.registry/official': {
        status: 'active',
        isLatest: true,
        publishedAt: '2026-01-01T00:00:00Z',
      },
    },
  })
})

t.test('llms.txt has a line for every tool', async t => {
  const page = llmsTxt(awkwardTools, { ...options, secured: true })
  for (const { name } of awkwardTools)
    t.match(page, `- [${name}](https://tools.example.com/registry/tools/${name}): `)
  t.match(page, 'Authorization: Bearer')
  t.match(
    llmsTxt([ownTools[0]!], { ...options, title: 'Mine' }),
    /^# Mine\n\n> One gateway to 1 tool\. /,
  )
})
