// Hands the tools to a model and makes the call it asks for.
// TOOLGATE_URL=http://127.0.0.1:8642 node examples/openai-tools.ts
//
// The model here is a stand-in that always wants the same sum; put your client's answer in its place.
import assert from 'node:assert/strict'
import type { ChatCompletionFunctionTool, ChatCompletionMessageParam } from 'openai/resources'

const { TOOLGATE_URL: gateway = 'http://127.0.0.1:8642', TOOLGATE_KEY = 'none' } = process.env
const headers = { 'x-api-key': TOOLGATE_KEY }

// What a request to the model carries: `tools` as they come, no adapter.
const answer = await fetch(`${gateway}/registry/openai?tools=calculator,weather_*`, { headers })
const tools = (await answer.json()) as ChatCompletionFunctionTool[]
const names = tools.map(tool => tool.function.name)
console.log('tools:', names.join(', '))
assert.ok(names.includes('calculator') && names.includes('weather_now'))

const messages: ChatCompletionMessageParam[] = [{ role: 'user', content: 'What is 2 to the 64th?' }]
const wanted = {
  id: 'call_1',
  type: 'function' as const,
  function: { name: 'calculator', arguments: '{"expression": "2^64"}' },
}
messages.push({ role: 'assistant', content: null, tool_calls: [wanted] })

// What the model gets back: text/plain is what it should read, also when the call failed.
const result = await fetch(`${gateway}/tools/${wanted.function.name}`, {
  method: 'POST',
  headers: { ...headers, 'content-type': 'application/json', accept: 'text/plain' },
  body: wanted.function.arguments,
})
const content = await result.text()
messages.push({ role: 'tool', tool_call_id: wanted.id, content })
console.log(`${wanted.function.name}:`, content)
assert.equal(result.status, 200)
assert.match(content, /18446744073709551616/)
