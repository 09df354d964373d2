// Vercel's AI SDK with model and tools from Toolgate: exits non-zero when it does not work.
// Needs a node behind the gateway: `toolgate dev-llm` is enough.
// npm install && TOOLGATE_URL=http://127.0.0.1:8642 node vercel-ai.mjs
import assert from 'node:assert/strict'
import { createMCPClient } from '@ai-sdk/mcp'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText, isStepCount } from 'ai'

const { TOOLGATE_URL = 'http://127.0.0.1:8642', TOOLGATE_KEY } = process.env
const headers = TOOLGATE_KEY ? { authorization: `Bearer ${TOOLGATE_KEY}` } : {}

const models = await fetch(`${TOOLGATE_URL}/v1/models`, { headers }).then(answer => answer.json())
const toolgate = createOpenAICompatible({
  name: 'toolgate',
  baseURL: `${TOOLGATE_URL}/v1`,
  headers,
})
const mcp = await createMCPClient({
  transport: { type: 'http', url: `${TOOLGATE_URL}/mcp`, headers },
})
try {
  const tools = await mcp.tools()
  const { text, steps } = await generateText({
    model: toolgate(models.data[0].id),
    tools,
    stopWhen: isStepCount(4),
    prompt: 'What is 6 * 7?',
  })
  const results = steps.flatMap(step => step.toolResults)
  assert.equal(results.length, 1)
  assert.deepEqual(results[0].output.content, [{ type: 'text', text: '42' }])
  assert.match(text, /42/)
  console.log(`Vercel AI works on ${Object.keys(tools).length} tools`)
} finally {
  await mcp.close()
}
