import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import t from 'tap'
import {
  Message,
  messageStreamProblems,
  Model as AnthropicModel,
} from '../../fixtures/llm/anthropic-shapes.ts'
import { createGateway } from '../../fixtures/llm/gateway.ts'
import {
  Chunk,
  Completion,
  Model,
  readStream,
  shapeProblem,
  TextChunk,
  TextCompletion,
} from '../../fixtures/llm/openai-shapes.ts'
import { responseStreamProblems, WholeResponse } from '../../fixtures/llm/responses-shapes.ts'
import { startStandIn } from '../../fixtures/llm/stand-in.ts'
import { hasTools, type Script, type Version, versions } from '../../fixtures/llm/wires.ts'

/** Old nodes tell no thoughts apart and call nothing; a thought in the text is told apart by us. */
const scriptsOf = (version: Version): Script[] => {
  const minor = Number(version.split('.')[1])
  const call = { name: 'weather_now', arguments: '{"place": "北京"}' }
  const thought =
    minor >= 7 ? { reasoning: ['I', ' think.'] } : { text: ['<think>I th', 'ink.</think>', 'b'] }
  return [
    { text: ['你好', '，wor', 'ld'] },
    { text: ['cut'], finish: 'length' },
    { text: ['gone'], finish: 'abort' },
    { ...thought, ...(minor >= 7 ? { text: ['b'] } : {}) },
    ...(hasTools(version)
      ? [
          { text: ['I look.'], calls: [call, { name: 'ping', arguments: '{}' }] },
          { calls: [call, call] },
        ]
      : []),
  ]
}
const place = { type: 'object' as const, properties: { place: { type: 'string' } } }
const named = [
  { name: 'weather_now', schema: { ...place, required: ['place'] } },
  { name: 'ping', schema: { type: 'object' as const, properties: {} } },
]
const model = 'test-model'
const messages = [{ role: 'user' as const, content: '天气?' }]

/** Everything in a stream, as the client yields it. */
const all = async <One>(stream: AsyncIterable<One>): Promise<One[]> => {
  const seen: One[] = []
  for await (const one of stream) seen.push(one)
  return seen
}
/** What is wrong with some values; what the SDKs hang on them unseen is theirs. */
const problemsOf = (shape: Parameters<typeof shapeProblem>[0], values: unknown[]): string[] =>
  values.flatMap(value => shapeProblem(shape, JSON.parse(JSON.stringify(value))) ?? [])

async function chat(client: OpenAI, withTools: boolean): Promise<string[]> {
  const tools = named.map(({ name, schema }) => ({
    type: 'function' as const,
    function: { name, parameters: schema },
  }))
  const body = { model, messages, ...(withTools ? { tools } : {}) }
  const chunks = await all(
    await client.chat.completions.create({
      ...body,
      stream: true,
      stream_options: { include_usage: true },
    }),
  )
  return [
    ...problemsOf(Completion, [await client.chat.completions.create(body)]),
    ...problemsOf(Chunk, chunks),
    ...readStream([...chunks, '[DONE]'], { includeUsage: true }).problems,
  ]
}

async function text(client: OpenAI): Promise<string[]> {
  const body = { model, prompt: 'Say' }
  return [
    ...problemsOf(TextCompletion, [await client.completions.create(body)]),
    ...problemsOf(TextChunk, await all(await client.completions.create({ ...body, stream: true }))),
  ]
}

async function responses(client: OpenAI, withTools: boolean): Promise<string[]> {
  const tools = named.map(({ name, schema }) => ({
    type: 'function' as const,
    name,
    parameters: schema,
    strict: false,
  }))
  const body = { model, input: '天气?', ...(withTools ? { tools } : {}) }
  return [
    ...problemsOf(WholeResponse, [await client.responses.create(body)]),
    ...responseStreamProblems(await all(await client.responses.create({ ...body, stream: true }))),
  ]
}

async function spoken(client: Anthropic, withTools: boolean): Promise<string[]> {
  const tools = named.map(({ name, schema }) => ({ name, input_schema: schema }))
  const body = { model, max_tokens: 100, messages, ...(withTools ? { tools } : {}) }
  return [
    ...problemsOf(Message, [await client.messages.create(body)]),
    ...messageStreamProblems(await all(await client.messages.create({ ...body, stream: true }))),
  ]
}

for (const version of versions)
  t.test(`the official SDKs get no invalid object from a node of ${version}`, async t => {
    const node = await startStandIn({ version })
    // A 0.18 node speaks Anthropic's API itself; here every version is to be translated.
    const { app, listen } = await createGateway({ nodes: [{ url: node.url, native: [] }] })
    const address = await listen()
    const openai = new OpenAI({ baseURL: `${address}/v1`, apiKey: 'none', maxRetries: 0 })
    const anthropic = new Anthropic({ baseURL: address, apiKey: 'none', maxRetries: 0 })
    for (const script of scriptsOf(version)) {
      node.script(script)
      const says = JSON.stringify(script)
      const withTools = script.calls !== undefined
      t.same(await chat(openai, withTools), [], `chat: ${says}`)
      t.same(await responses(openai, withTools), [], `responses: ${says}`)
      t.same(await spoken(anthropic, withTools), [], `messages: ${says}`)
      if (!withTools) t.same(await text(openai), [], `completions: ${says}`)
    }
    t.same(problemsOf(Model, await all(openai.models.list())), [], 'models')
    t.same(problemsOf(AnthropicModel, await all(anthropic.models.list())), [], "Anthropic's models")
    const { input_tokens: count } = await anthropic.messages.countTokens({ model, messages })
    t.ok(count > 0, 'tokens are counted')
    await app.close()
    await node.stop()
  })
