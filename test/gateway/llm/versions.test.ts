import OpenAI from 'openai'
import t from 'tap'
import { createGateway, eventsOf } from '../../fixtures/llm/gateway.ts'
import { Completion, readStream, shapeProblem } from '../../fixtures/llm/openai-shapes.ts'
import { startStandIn } from '../../fixtures/llm/stand-in.ts'
import { hasTools, type Script, versions } from '../../fixtures/llm/wires.ts'

const tools = [
  {
    type: 'function' as const,
    function: {
      name: 'weather_now',
      description: 'Weather in a place',
      parameters: {
        type: 'object',
        properties: { place: { type: 'string' } },
        required: ['place'],
      },
    },
  },
  {
    type: 'function' as const,
    function: { name: 'ping', parameters: { type: 'object', properties: {} } },
  },
]
const messages = [{ role: 'user' as const, content: '天气?' }]
const place = '{"place": "北京"}'

type Case = {
  name: string
  script: Script
  tools: boolean
  content: string
  calls: { name: string; arguments: string }[]
  finish: string
}
const cases: Case[] = [
  {
    name: 'text',
    script: { text: ['你好', '，wor', 'ld'] },
    tools: false,
    content: '你好，world',
    calls: [],
    finish: 'stop',
  },
  {
    name: 'a cut answer',
    script: { text: ['one', ' two'], finish: 'length' },
    tools: false,
    content: 'one two',
    calls: [],
    finish: 'length',
  },
  {
    name: 'an aborted answer',
    script: { text: ['one'], finish: 'abort' },
    tools: false,
    content: 'one',
    calls: [],
    finish: 'length',
  },
  {
    name: 'a call',
    script: { calls: [{ name: 'weather_now', arguments: place }] },
    tools: true,
    content: '',
    calls: [{ name: 'weather_now', arguments: place }],
    finish: 'tool_calls',
  },
  {
    name: 'a call without arguments',
    script: { calls: [{ name: 'ping', arguments: '{}' }] },
    tools: true,
    content: '',
    calls: [{ name: 'ping', arguments: '{}' }],
    finish: 'tool_calls',
  },
  {
    name: 'two calls after text',
    script: {
      text: ['I look.'],
      calls: [
        { name: 'weather_now', arguments: place },
        { name: 'ping', arguments: '{}' },
      ],
    },
    tools: true,
    content: 'I look.',
    calls: [
      { name: 'weather_now', arguments: place },
      { name: 'ping', arguments: '{}' },
    ],
    finish: 'tool_calls',
  },
]

for (const version of versions) {
  t.test(`${version} says everything in OpenAI's shapes`, async t => {
    const node = await startStandIn({ version })
    const { app, post } = await createGateway({ nodes: [node.url] })
    t.teardown(async () => {
      await app.close()
      await node.stop()
    })
    for (const one of cases) {
      if (one.tools && !hasTools(version)) continue
      const body = { model: 'test-model', messages, ...(one.tools ? { tools } : {}) }
      node.script(one.script)
      const whole = await post('/v1/chat/completions', body)
      t.equal(whole.status, 200, `${one.name}: ${whole.text}`)
      t.equal(shapeProblem(Completion, whole.json), undefined, one.name)
      const [choice] = whole.json.choices
      t.equal(choice.finish_reason, one.finish, `${one.name} ends whole`)
      t.equal(choice.message.content ?? '', one.content, `${one.name} says whole`)
      t.same(
        (choice.message.tool_calls ?? []).map((call: { function: unknown }) => call.function),
        one.calls,
        `${one.name} calls whole`,
      )
      for (const includeUsage of [false, true]) {
        const streamed = await post('/v1/chat/completions', {
          ...body,
          stream: true,
          ...(includeUsage ? { stream_options: { include_usage: true } } : {}),
        })
        t.equal(streamed.status, 200)
        const { problems, said } = readStream(eventsOf(streamed.text), { includeUsage })
        t.same(problems, [], `${one.name}: no invalid object`)
        t.same(
          said,
          { content: one.content, calls: one.calls, finish: one.finish },
          `${one.name} streamed`,
        )
      }
    }
  })
}

t.test('one pool may have many versions: each answer says the same', async t => {
  const nodes = await Promise.all(versions.map(version => startStandIn({ version })))
  const { app, post } = await createGateway({ nodes: nodes.map(({ url }) => url) })
  for (let at = 0; at < 80; at += 1) {
    const asked = [{ role: 'user', content: `question ${at}` }]
    const body = { model: 'test-model', messages: asked, stream: true }
    const { text } = await post('/v1/chat/completions', body)
    const { problems, said } = readStream(eventsOf(text), { includeUsage: false })
    t.same(problems, [])
    t.equal(said.content, 'Hello there')
  }
  const asked = nodes.filter(node => node.seen.length > 0).length
  t.ok(asked > 6, `${asked} of ${nodes.length} nodes were asked`)
  await app.close()
  await Promise.all(nodes.map(node => node.stop()))
})

t.test("OpenAI's own client assembles the stream of each version", async t => {
  for (const version of versions.filter(hasTools)) {
    const node = await startStandIn({
      version,
      script: [{ text: ['Let me see.'], calls: [{ name: 'weather_now', arguments: place }] }],
    })
    const { app, listen } = await createGateway({ nodes: [node.url] })
    const client = new OpenAI({ baseURL: `${await listen()}/v1`, apiKey: 'none', maxRetries: 0 })
    const stream = client.chat.completions.stream({
      model: 'test-model',
      messages,
      tools,
      stream_options: { include_usage: true },
    })
    const completion = await stream.finalChatCompletion()
    const [choice] = completion.choices
    t.equal(choice?.message.content, 'Let me see.', version)
    t.match(choice?.message.tool_calls, [
      { type: 'function', function: { name: 'weather_now', arguments: place } },
    ])
    t.equal(choice?.finish_reason, 'tool_calls')
    t.ok(completion.usage, 'usage came')
    await app.close()
    await node.stop()
  }
})

t.test('a 0.3.0 node is offered tools in text, and its answer is read as calls', async t => {
  const node = await startStandIn({ version: '0.3.0', model: 'internlm2-chat-7b' })
  const { app, post } = await createGateway({ nodes: [node.url] })
  t.teardown(async () => {
    await app.close()
    await node.stop()
  })
  node.script({
    text: [
      '我来查',
      '。<|action_',
      'start|><|plugin|>\n{"name": "weather_now", "para',
      `meters": ${place}}<|action_end|>`,
    ],
  })
  const body = { model: 'internlm2-chat-7b', messages, tools, stream: true }
  const { text } = await post('/v1/chat/completions', body)
  const { problems, said } = readStream(eventsOf(text), { includeUsage: false })
  t.same(problems, [])
  t.match(said, { content: '我来查。', finish: 'tool_calls', calls: [{ name: 'weather_now' }] })
  t.same(JSON.parse(said.calls[0]!.arguments), { place: '北京' })
  const [sent] = node.to('/v1/chat/completions')
  t.notOk('tools' in sent!.json, 'the node is not told of tools it does not know')
  t.equal(sent!.json['skip_special_tokens'], false)
  t.match(sent!.text, '<|plugin|>')
})
