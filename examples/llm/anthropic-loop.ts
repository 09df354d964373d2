// The same loop through Anthropic's API, which Toolgate speaks in front of any LMDeploy.
// npm install --no-save @anthropic-ai/sdk && node examples/llm/anthropic-loop.ts
import assert from 'node:assert/strict'
import Anthropic from '@anthropic-ai/sdk'

const { TOOLGATE_URL = 'http://127.0.0.1:8642', TOOLGATE_KEY = 'none', MODEL } = process.env
const client = new Anthropic({ baseURL: TOOLGATE_URL, apiKey: TOOLGATE_KEY })
const model = MODEL ?? (await client.models.list()).data[0]?.id ?? ''
const body = {
  model,
  max_tokens: 512,
  messages: [{ role: 'user' as const, content: 'What is 12 * (3 + 4)?' }],
  toolgate: { tools: ['calculator'] },
}
const message = await client.messages.create(body)
const text = message.content.map(block => (block.type === 'text' ? block.text : '')).join('')
console.log(text)
assert.equal(message.stop_reason, 'end_turn')
assert.match(text, /84/)
