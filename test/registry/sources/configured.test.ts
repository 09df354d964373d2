import t from 'tap'
import { configuredSources, parseMcpServers } from '../../../src/registry/sources/configured.ts'
import { parseSource } from '../../../src/registry/sources/source.ts'

t.test('a block of Claude Desktop or Cursor is taken as it is', async t => {
  const servers = parseMcpServers({
    'brave-search': { command: 'npx', args: ['-y', 'x'], env: { KEY: 'k' }, autoApprove: ['a'] },
    'Sequential Thinking': { url: 'https://a.example/mcp', headers: { Authorization: 'Bearer t' } },
    old: { type: 'sse', url: 'https://a.example/events' },
    off: { command: 'x', disabled: true },
    few: { serverUrl: 'https://b.example/mcp', disabledTools: ['danger*'] },
  })
  t.same(servers, [
    { name: 'brave-search', kind: 'mcp', command: 'npx', args: ['-y', 'x'], env: { KEY: 'k' } },
    {
      name: 'Sequential Thinking',
      kind: 'mcp',
      url: 'https://a.example/mcp',
      headers: { Authorization: 'Bearer t' },
    },
    { name: 'old', kind: 'mcp', url: 'https://a.example/events', transport: 'sse' },
    { name: 'few', kind: 'mcp', url: 'https://b.example/mcp', exclude: ['danger*'] },
  ])
})

t.test('every mistake of a configuration is named, with its place', async t => {
  const url = 'https://a.example/'
  t.throws(
    () =>
      configuredSources({
        sources: [
          { name: 'a', kind: 'openapi', url },
          { name: 'A', kind: 'openapi', url },
          { name: 'b', kind: 'soap', url },
        ],
        mcpServers: { c: {}, d: { url: 7 } },
      }),
    {
      message:
        /^sources\.2: .*kind must be one of[^]*mcpServers\.c: [^]*mcpServers\.d: [^]*"a" is stated twice/,
    },
  )
  t.same(configuredSources({ sources: [], mcpServers: {} }), [])
})

t.test('a user and password in the address become a header', async t => {
  t.match(parseSource({ name: 'a', kind: 'openapi', url: 'https://u:p%40@a.example/x' }), {
    url: 'https://a.example/x',
    headers: { authorization: `Basic ${Buffer.from('u:p@').toString('base64')}` },
  })
})
