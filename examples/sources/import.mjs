// A real agentlego-server and MCP's reference server "everything", whose tools become Toolgate's and
// are called by REST, by MCP and by OpenAI's schema: exits non-zero when that does not work.
//   agentlego-server start Calculator Mirror --extra mirror.py --port 16181
//   PORT=3001 npx @modelcontextprotocol/server-everything streamableHttp
import assert from 'node:assert/strict'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'

const {
  TOOLGATE_URL = 'http://127.0.0.1:8642',
  AGENTLEGO_SERVER_URL = 'http://127.0.0.1:16181',
  EVERYTHING_URL = 'http://127.0.0.1:3001/mcp',
} = process.env
const pixel =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABpfZFQAAAAABJRU5ErkJggg=='

async function ask(path, body, method = body ? 'POST' : 'GET') {
  const headers = body ? { 'content-type': 'application/json' } : {}
  const answer = await fetch(TOOLGATE_URL + path, { method, headers, body: JSON.stringify(body) })
  const json = await answer.json()
  assert.ok(answer.ok, JSON.stringify(json))
  return json
}

const lego = { name: 'lego', kind: 'agentlego', url: AGENTLEGO_SERVER_URL }
const everything = { name: 'everything', kind: 'mcp', url: EVERYTHING_URL }
for (const source of [lego, everything]) {
  const { state, tools, quarantined } = await ask('/registry/sources', source)
  assert.equal(state, 'ready')
  assert.deepEqual(quarantined, [])
  console.log(`${source.name}: ${tools.length} tools`)
}

// REST: a form, a picture in and out, an MCP tool.
assert.deepEqual(await ask('/tools/lego_calculator', { expression: '6 * 7' }), { result: '42' })
const { image } = await ask('/tools/lego_mirror', { image: pixel, times: 1 })
assert.equal((await fetch(image)).headers.get('content-type'), 'image/png')
const sum = await ask('/tools/everything_get_sum', { a: 2, b: 40 })
assert.match(sum.text, /42/)

// MCP: text, structure, a picture, progress.
const client = new Client({ name: 'example', version: '1.0.0' })
await client.connect(new StreamableHTTPClientTransport(new URL('/mcp', TOOLGATE_URL)))
const call = (name, args, options) => client.callTool({ name, arguments: args }, options)
await client.listTools()
assert.match((await call('everything_echo', { message: 'hello' })).content[0].text, /hello/)
const weather = await call('everything_get_structured_content', { location: 'New York' })
assert.equal(typeof weather.structuredContent.temperature, 'number')
const tiny = await call('everything_get_tiny_image', {})
assert.ok(tiny.content.some(({ type, mimeType }) => type === 'image' && mimeType === 'image/png'))
assert.ok(
  (await call('lego_mirror', { image: pixel })).content.some(({ type }) => type === 'image'),
)
const steps = []
const slow = { duration: 1, steps: 4 }
await call('everything_trigger_long_running_operation', slow, { onprogress: s => steps.push(s) })
assert.ok(steps.length > 0)
await client.close()

// OpenAI's schema: what a model is offered is what a call takes.
const functions = await ask('/registry/openai?tools=lego_*,everything_*')
const { parameters } = functions.find(tool => tool.function.name === 'everything_get_sum').function
assert.deepEqual(Object.keys(parameters.properties), ['a', 'b'])
assert.deepEqual(parameters.required, ['a', 'b'])
assert.ok('/tools/lego_mirror' in (await ask('/openapi.json')).paths)

for (const { name } of [lego, everything])
  await ask(`/registry/sources/${name}`, undefined, 'DELETE')
console.log(`${functions.length} imported tools work by REST, MCP and OpenAI's schema`)
