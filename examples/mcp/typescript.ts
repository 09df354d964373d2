// The official TypeScript client on Toolgate, over both eras: exits non-zero when it does not work.
// TOOLGATE_URL=http://127.0.0.1:8642 node examples/mcp/typescript.ts
import assert from 'node:assert/strict'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'

const { TOOLGATE_URL = 'http://127.0.0.1:8642', TOOLGATE_KEY } = process.env
const headers: Record<string, string> = TOOLGATE_KEY
  ? { authorization: `Bearer ${TOOLGATE_KEY}` }
  : {}

for (const mode of ['auto', 'legacy'] as const) {
  const client = new Client({ name: 'example', version: '1.0.0' }, { versionNegotiation: { mode } })
  const url = new URL('/mcp', TOOLGATE_URL)
  await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }))
  const { tools } = await client.listTools()
  const sum = await client.callTool({ name: 'calculator', arguments: { expression: '6 * 7' } })
  assert.deepEqual(sum.content, [{ type: 'text', text: '42' }])
  const failed = await client.callTool({ name: 'calculator', arguments: { expression: '6 *' } })
  assert.ok(failed.isError)
  process.stdout.write(`${client.getNegotiatedProtocolVersion()}: ${tools.length} tools\n`)
  await client.close()
}
