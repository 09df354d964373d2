// One request: the model thinks, the gateway runs the tools, the answer is streamed.
// npm install --no-save openai && TOOLGATE_URL=http://127.0.0.1:8642 node examples/llm/openai-loop.ts
import assert from 'node:assert/strict'
import OpenAI from 'openai'

const { TOOLGATE_URL = 'http://127.0.0.1:8642', TOOLGATE_KEY = 'none', MODEL } = process.env
const client = new OpenAI({ baseURL: `${TOOLGATE_URL}/v1`, apiKey: TOOLGATE_KEY })
const model = MODEL ?? (await client.models.list()).data[0]?.id ?? ''

type WithSteps = { toolgate?: { phase?: string; tool?: string; text?: string } }
const body = {
  model,
  messages: [{ role: 'user' as const, content: 'What is 12 * (3 + 4)?' }],
  toolgate: { tools: ['calculator'] },
}
const stream = await client.chat.completions.create({ ...body, stream: true })
let answer = ''
const called: string[] = []
for await (const chunk of stream) {
  const { toolgate } = chunk as WithSteps
  if (toolgate?.phase === 'call') called.push(toolgate.tool ?? '')
  if (toolgate?.phase) console.log(`[${toolgate.phase}]`, toolgate.tool, toolgate.text ?? '')
  answer += chunk.choices[0]?.delta.content ?? ''
}
console.log(answer)
assert.ok(called.includes('calculator'))
assert.match(answer, /84/)
