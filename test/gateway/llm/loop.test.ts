import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import t from 'tap'
import { createGateway, eventsOf, type Loose, namedEventsOf } from '../../fixtures/llm/gateway.ts'
import { loopTools } from '../../fixtures/llm/loop-tools.ts'
import { readStream } from '../../fixtures/llm/openai-shapes.ts'
import { startStandIn, type StandInOptions } from '../../fixtures/llm/stand-in.ts'
import type { Script } from '../../fixtures/llm/wires.ts'

const path = '/v1/chat/completions'
const messages = [{ role: 'user' as const, content: 'Weather in Shanghai?' }]
const shanghai = { name: 'weather_now', arguments: '{"place": "Shanghai"}' }
const answer: Script = { text: ['It is', ' 20 °C.'] }
const body = { model: 'test-model', messages, toolgate: { tools: ['*'] } }

async function setUp(t: Tap, script: Script[], options: StandInOptions = {}) {
  const node = await startStandIn({ script, ...options })
  const tools = loopTools()
  const gateway = await createGateway({ nodes: [node.url], routes: { tools } })
  t.teardown(async () => {
    await gateway.app.close()
    await node.stop()
  })
  return { node, tools, ...gateway }
}
type Tap = { teardown: (end: () => Promise<void>) => unknown }

t.test('one request thinks, calls, and answers', async t => {
  const { post, tools, node } = await setUp(t, [{ text: ['I look.'], calls: [shanghai] }, answer])
  const { json } = await post(path, body)
  t.match(json.choices, [{ message: { content: 'It is 20 °C.' }, finish_reason: 'stop' }])
  t.notOk(json.choices[0].message.tool_calls, 'the gateway has run its own calls')
  t.same(tools.called, [{ name: 'weather_now', args: { place: 'Shanghai' } }])
  t.match(json.toolgate.steps, [
    { step: 1, tool: 'weather_now', phase: 'call', arguments: { place: 'Shanghai' } },
    { step: 1, tool: 'weather_now', phase: 'result', text: '20 °C in Shanghai', ms: Number },
  ])
  t.equal(json.toolgate.steps[0].id, json.toolgate.steps[1].id)
  t.match(json.toolgate.messages, [
    { role: 'assistant', content: 'I look.', tool_calls: [{ function: shanghai }] },
    { role: 'tool', content: '20 °C in Shanghai', tool_call_id: json.toolgate.steps[0].id },
    { role: 'assistant', content: 'It is 20 °C.' },
  ])
  t.match(
    json.usage,
    { prompt_tokens: 24, completion_tokens: 6, total_tokens: 30 },
    'usage is the sum',
  )
  const [first, second] = node.to(path)
  t.notOk('toolgate' in first!.json, 'the field stays here')
  t.match(second!.json['messages'], [...messages, { role: 'assistant' }, { role: 'tool' }])
})

t.test('its stream is one that no client trips over, with a step for each step', async t => {
  const { post } = await setUp(t, [{ text: ['I look.'], calls: [shanghai] }, answer])
  const { text } = await post(path, {
    ...body,
    stream: true,
    stream_options: { include_usage: true },
  })
  const events = eventsOf(text)
  const { problems, said } = readStream(events, { includeUsage: true })
  t.same(problems, [])
  t.same(said, { content: 'I look.It is 20 °C.', calls: [], finish: 'stop' })
  const steps = events.filter(event => event.toolgate?.phase)
  t.match(steps, [
    {
      choices: [{ delta: {}, finish_reason: null }],
      toolgate: { step: 1, phase: 'call', tool: 'weather_now' },
    },
    { toolgate: { phase: 'result', text: '20 °C in Shanghai' } },
  ])
  const last = events.find(event => event.choices?.[0]?.finish_reason)
  t.match(last.toolgate, { steps: [{}, {}], messages: [{}, {}, {}] })
  t.equal(new Set(events.slice(0, -1).map(event => event.id)).size, 1, 'one answer has one id')
})

t.test('several calls run at once; errors and bad arguments go back to the model', async t => {
  const { post, tools, node } = await setUp(t, [
    {
      calls: [
        shanghai,
        { name: 'broken', arguments: '{}' },
        { name: 'wether_now', arguments: '{}' },
      ],
    },
    answer,
  ])
  const { json, status } = await post(path, body)
  t.equal(status, 200)
  t.same(
    tools.called.map(({ name }) => name),
    ['weather_now', 'broken'],
  )
  const results = json.toolgate.steps.filter(({ phase }: Loose) => phase === 'result')
  t.match(
    results.find(({ tool }: Loose) => tool === 'broken'),
    { error: { code: 'TG_NOT_FOUND' } },
  )
  t.match(
    results.find(({ tool }: Loose) => tool === 'wether_now'),
    { error: { code: 'TG_TOOL_UNKNOWN', hint: /weather_now/ } },
  )
  t.match(JSON.stringify(node.to(path).at(-1)!.json['messages']), /did you mean/)
})

t.test("the client's own tools come back to it, with what the gateway did meanwhile", async t => {
  const own = { name: 'ask_user', arguments: '{"question": "which?"}' }
  const { post } = await setUp(t, [{ calls: [shanghai, own] }])
  const tools = [
    { type: 'function', function: { name: 'ask_user', parameters: { type: 'object' } } },
  ]
  const { json } = await post(path, { ...body, tools })
  t.match(json.choices[0], {
    finish_reason: 'tool_calls',
    message: { tool_calls: [{ function: own }] },
  })
  t.equal(json.choices[0].message.tool_calls.length, 1)
  t.match(json.toolgate.messages, [
    { tool_calls: [{}, {}] },
    { role: 'tool', content: '20 °C in Shanghai' },
  ])
  const streamed = await post(path, { ...body, tools, stream: true })
  const { problems, said } = readStream(eventsOf(streamed.text), { includeUsage: false })
  t.same(problems, [])
  t.same(said.calls, [own], 'numbered as if they were all')
})

t.test('limits end a loop with length', async t => {
  const forever = { calls: [shanghai] }
  const { post, tools } = await setUp(t, [forever])
  const steps = await post(path, { ...body, toolgate: { maxSteps: 2 } })
  t.equal(steps.json.choices[0].finish_reason, 'length')
  t.equal(tools.called.length, 2)
  const calls = await post(path, { ...body, toolgate: { maxCalls: 1 } })
  t.equal(calls.json.choices[0].finish_reason, 'length')
  t.equal(tools.called.length, 3)
  const tokens = await post(path, { ...body, toolgate: { maxTokens: 3 } })
  t.equal(tokens.json.choices[0].finish_reason, 'length')
  t.equal(tools.called.length, 3, 'three tokens were spent on the first call')
  const streamed = await post(path, { ...body, stream: true, toolgate: { maxSteps: 1 } })
  const { problems, said } = readStream(eventsOf(streamed.text), { includeUsage: false })
  t.same(problems, [])
  t.equal(said.finish, 'length')
})

t.test('a call and a whole loop have deadlines', async t => {
  const { post } = await setUp(t, [{ calls: [{ name: 'slow', arguments: '{}' }] }, answer])
  const call = await post(path, { ...body, toolgate: { callDeadlineMs: 30 } })
  t.match(call.json.toolgate.steps[1], { error: { code: 'TG_DEADLINE' } })
  t.equal(call.json.choices[0].message.content, 'It is 20 °C.')
  const second = await setUp(t, [{ calls: [{ name: 'slow', arguments: '{}' }] }])
  const whole = await second.post(path, { ...body, toolgate: { deadlineMs: 150 } })
  t.match(whole.json.choices[0], { finish_reason: 'length' })
  second.node.behave({ mode: 'hang' })
  const nothing = await second.post(path, { ...body, toolgate: { deadlineMs: 60 } })
  t.match(nothing, { status: 504, json: { error: { code: 'TG_DEADLINE' } } })
})

t.test('pictures of tools reach a model that sees, others get links', async t => {
  const script = [{ calls: [{ name: 'picture', arguments: '{}' }] }, answer]
  const blind = await setUp(t, script)
  await blind.post(path, body)
  t.match(blind.node.to(path)[1]!.json['messages'], [
    {},
    {},
    { role: 'tool', content: /\[image\/png\]\(http/ },
  ])
  const seeing = await setUp(t, [...script], { model: 'internvl-2' })
  await seeing.post(path, { ...body, model: 'internvl-2' })
  t.match(seeing.node.to(path)[1]!.json['messages'], [
    {},
    {},
    { role: 'tool', content: 'done' },
    {
      role: 'user',
      content: [{ type: 'text' }, { image_url: { url: 'data:image/png;base64,AQID' } }],
    },
  ])
})

t.test('the loop works on a node that has no tools', async t => {
  const { post, tools } = await setUp(
    t,
    [
      {
        text: [
          '好。<|action_start|><|plugin|>\n{"name": "weather_now", "parameters": {"place": "上海"}}<|action_end|>',
        ],
      },
      answer,
    ],
    { version: '0.3.0', model: 'internlm2-chat-7b' },
  )
  for (const stream of [false, true]) {
    tools.called.length = 0
    const { text } = await post(path, { ...body, model: 'internlm2-chat-7b', stream })
    t.match(text, '20 °C')
    if (!stream) t.same(tools.called, [{ name: 'weather_now', args: { place: '上海' } }])
  }
})

t.test('a malformed field says what to change', async t => {
  const { post } = await setUp(t, [answer])
  for (const toolgate of [{ maxSteps: 0 }, { tool: ['x'] }, 'yes', { deadlineMs: 'soon' }]) {
    const refused = await post(path, { ...body, toolgate })
    t.match(refused, {
      status: 400,
      json: { error: { message: /^toolgate/, type: 'invalid_request_error' } },
    })
  }
  t.equal((await post(path, { ...body, n: 2 })).status, 400)
  t.match((await post(path, { ...body, toolgate: { maxStep: 2 } })).json, {
    error: { param: 'toolgate.maxStep', message: /did you mean maxSteps\?$/ },
  })
})

t.test('a gateway without tools says so', async t => {
  const node = await startStandIn()
  const { app, post } = await createGateway({ nodes: [node.url] })
  t.match(await post(path, body), { status: 503, json: { error: { message: /runs no tools/ } } })
  await app.close()
  await node.stop()
})

t.test('Anthropic and Responses run the same loop, through their own clients', async t => {
  const script = (): Script[] => [{ text: ['I look.'], calls: [shanghai] }, answer]
  const { node, listen, post } = await setUp(t, script())
  const base = await listen()
  const anthropic = new Anthropic({ baseURL: base, apiKey: 'none', maxRetries: 0 })
  const asked = {
    model: 'test-model',
    max_tokens: 99,
    messages,
    toolgate: { tools: ['weather_*'] },
  }
  const message: Loose = await anthropic.messages.create(asked)
  t.match(message, {
    content: [{ type: 'text', text: 'It is 20 °C.' }],
    stop_reason: 'end_turn',
    usage: { input_tokens: 24 },
  })
  t.equal(message.toolgate.steps.length, 2)
  node.script(...script())
  const final = await anthropic.messages.stream(asked).finalMessage()
  t.match(
    final.content.map(block => (block.type === 'text' ? block.text : block.type)).join(''),
    'I look.It is 20 °C.',
  )
  node.script(...script())
  const events = namedEventsOf((await post('/v1/messages', { ...asked, stream: true })).text)
  t.equal(events.filter(({ event, data }) => event === 'ping' && data.toolgate).length, 2)

  const openai = new OpenAI({ baseURL: `${base}/v1`, apiKey: 'none', maxRetries: 0 })
  node.script(...script())
  const input = { model: 'test-model', input: 'Weather?', toolgate: { tools: ['weather_*'] } }
  const response: Loose = await openai.responses.create(input)
  t.equal(response.output_text, 'It is 20 °C.')
  t.equal(response.toolgate.steps.length, 2)
  node.script(...script())
  const kinds: string[] = []
  for await (const event of await openai.responses.create({ ...input, stream: true }))
    kinds.push(event.type)
  t.equal(kinds.filter(kind => (kind as string) === 'toolgate.step').length, 2)
  t.equal(kinds.at(-1), 'response.completed')
  node.script(...script())
  const quiet: object = { ...input, toolgate: { ...input.toolgate, streamSteps: false } }
  const helped: Loose = await openai.responses
    .stream(quiet as Parameters<typeof openai.responses.stream>[0])
    .finalResponse()
  t.equal(helped.output_text, 'I look.It is 20 °C.')
  t.equal(helped.toolgate.steps.length, 2)
})

t.test(
  'the choice may be a tool of the gateway, and leaves out what it does not allow',
  async t => {
    const { post, node, tools: ours } = await setUp(t, [{ calls: [shanghai] }, answer])
    const named = { type: 'function', function: { name: 'weather_now' } }
    const asked = { model: 'test-model', toolgate: { tools: ['weather_*'] } }
    const surfaces: [string, object, object][] = [
      ['/v1/messages', { max_tokens: 9, messages }, { type: 'tool', name: 'weather_now' }],
      ['/v1/responses', { input: 'Weather?' }, { type: 'function', name: 'weather_now' }],
      [path, { messages }, named],
    ]
    for (const [url, more, choice] of surfaces) {
      node.script({ calls: [shanghai] }, answer)
      const { status, text } = await post(url, { ...asked, ...more, tool_choice: choice })
      t.equal(status, 200, text)
      const [first, second] = node.to(path).slice(-2)
      t.match(first!.json, { tool_choice: named, tools: [named] })
      t.notOk('tool_choice' in second!.json, 'the next turn is free')
    }
    t.equal(ours.called.length, 3)
    node.script({ calls: [shanghai] }, answer)
    const required = await post(path, { ...body, tool_choice: 'required' })
    t.equal(required.status, 200, required.text)
    const other = { type: 'function', function: { name: 'other' } }
    const wrong = await post(path, { ...body, tool_choice: other })
    t.match(wrong, { status: 400, json: { error: { message: /tool_choice.*"other"/ } } })
    const none = { ...body, toolgate: { tools: [] }, tool_choice: 'required' }
    t.match(await post(path, none), { status: 400, json: { error: { message: /tool_choice/ } } })

    node.script({ calls: [shanghai] }, answer)
    const allowed = { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [other] } }
    const tools = [other, { type: 'function', function: { name: 'left_out' } }]
    t.equal((await post(path, { ...body, ...asked, tools, tool_choice: allowed })).status, 200)
    for (const { json } of node.to(path).slice(-2)) {
      const offered = (json['tools'] as Loose[]).map(tool => tool.function.name)
      t.same(offered, ['other', 'weather_now'])
    }
  },
)

t.test('what a loop did goes on in the API it was asked through', async t => {
  const own = { name: 'ask_user', arguments: '{"question":"which?"}' }
  const picture = { name: 'picture', arguments: '{}' }
  const { node, post } = await setUp(t, [{ text: ['I look.'], calls: [picture, own] }, answer], {
    model: 'test-vl-7b',
  })
  const asked = { model: 'test-vl-7b', toolgate: { tools: ['*'] } }
  const schema = { type: 'object', properties: {} }
  const read = [
    { role: 'user', content: 'Go' },
    { role: 'assistant', content: 'I look.', tool_calls: [{}, { function: own }] },
    { role: 'tool' },
    { role: 'user', content: [{}, { type: 'image_url', image_url: { url: /^data:image/ } }] },
    { role: 'tool', content: 'that' },
  ]
  for (const stream of [false, true]) {
    node.script({ text: ['I look.'], calls: [picture, own] }, answer)
    const chat = { ...asked, max_tokens: 99, tools: [{ name: 'ask_user', input_schema: schema }] }
    const said = [{ role: 'user', content: 'Go' }]
    const first = await post('/v1/messages', { ...chat, messages: said, stream })
    const report = stream
      ? namedEventsOf(first.text).find(({ event }) => event === 'message_delta')!.data.toolgate
      : first.json.toolgate
    const id = report.messages[0].content.at(-1).id
    const result = { type: 'tool_result', tool_use_id: id, content: 'that' }
    const messages = [...said, ...report.messages, { role: 'user', content: [result] }]
    const next = await post('/v1/messages', { ...chat, messages })
    t.equal(next.status, 200, next.text)
    t.match(node.to(path).at(-1)!.json['messages'], read)

    node.script({ text: ['I look.'], calls: [picture, own] }, answer)
    const respond = {
      ...asked,
      tools: [{ type: 'function', name: 'ask_user', parameters: schema }],
    }
    const begun = await post('/v1/responses', { ...respond, input: said, stream })
    const items = stream
      ? namedEventsOf(begun.text).at(-1)!.data.response.toolgate.messages
      : begun.json.toolgate.messages
    const call = items.findLast(({ type }: Loose) => type === 'function_call')
    const output = { type: 'function_call_output', call_id: call.call_id, output: 'that' }
    const gone = await post('/v1/responses', { ...respond, input: [...said, ...items, output] })
    t.equal(gone.status, 200, gone.text)
    t.match(node.to(path).at(-1)!.json['messages'], read)
  }
})
