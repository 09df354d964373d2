// The official TypeScript SDK of version 1 on Toolgate: exits non-zero when it does not work.
// npm install && TOOLGATE_URL=http://127.0.0.1:8642 node sdk-1.mjs
import assert from 'node:assert/strict'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

const { TOOLGATE_URL = 'http://127.0.0.1:8642', TOOLGATE_KEY } = process.env
const headers = TOOLGATE_KEY ? { authorization: `Bearer ${TOOLGATE_KEY}` } : {}

const client = new Client({ name: 'example', version: '1.0.0' })
const url = new URL('/mcp', TOOLGATE_URL)
await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }))
const { tools } = await client.listTools()
// The client checks what comes against the schema that was listed.
const sum = await client.callTool({ name: 'calculator', arguments: { expression: '6 * 7' } })
assert.deepEqual(sum.content, [{ type: 'text', text: '42' }])
assert.equal(sum.structuredContent.result, '42')
const failed = await client.callTool({ name: 'calculator', arguments: { expression: '6 *' } })
assert.ok(failed.isError)
assert.match(failed.content[0].text, /^TG_EXPRESSION/)
await client.close()
console.log(`MCP SDK 1 works on ${tools.length} tools`)
