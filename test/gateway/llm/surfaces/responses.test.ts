import OpenAI from 'openai'
import t from 'tap'
import { createGateway, namedEventsOf, type Loose } from '../../../fixtures/llm/gateway.ts'
import { startStandIn } from '../../../fixtures/llm/stand-in.ts'
import { hasTools, versions } from '../../../fixtures/llm/wires.ts'

const tools = [
  {
    type: 'function' as const,
    name: 'weather_now',
    description: 'Weather',
    strict: false,
    parameters: { type: 'object', properties: { place: { type: 'string' } }, required: ['place'] },
  },
]
const call = { name: 'weather_now', arguments: '{"place": "北京"}' }

t.test("OpenAI's own client gets Responses from a node of every version", async t => {
  for (const version of versions.filter(hasTools)) {
    const node = await startStandIn({ version, script: [{ text: ['Let me see.'], calls: [call] }] })
    const { app, listen } = await createGateway({ nodes: [node.url] })
    const client = new OpenAI({ baseURL: `${await listen()}/v1`, apiKey: 'none', maxRetries: 0 })
    const asked = { model: 'test-model', input: 'hi', tools }
    const whole = await client.responses.create(asked)
    const expected = [
      { type: 'message', content: [{ type: 'output_text', text: 'Let me see.' }] },
      {
        type: 'function_call',
        name: 'weather_now',
        arguments: '{"place": "北京"}',
        call_id: /^call_/,
      },
    ]
    t.match(whole, { status: 'completed', output: expected, usage: { input_tokens: 12 } }, version)
    const streamed = await client.responses.stream(asked).finalResponse()
    t.match(
      streamed,
      { status: 'completed', output: expected, usage: { output_tokens: Number } },
      `${version} streamed`,
    )
    await app.close()
    await node.stop()
  }
})

t.test('events come in order, numbered, and agree with the whole', async t => {
  const node = await startStandIn({
    script: [{ reasoning: ['I', ' think.'], text: ['a', 'b'], calls: [call] }],
  })
  const { app, post } = await createGateway({ nodes: [node.url] })
  const { text } = await post('/v1/responses', {
    model: 'test-model',
    input: 'hi',
    tools,
    stream: true,
  })
  const events = namedEventsOf(text)
  t.same(
    events.map(({ data }) => data.sequence_number),
    events.map((_, index) => index),
  )
  t.ok(events.every(({ event, data }) => event === data.type))
  const done = events
    .filter(({ event }) => event === 'response.output_item.done')
    .map(({ data }) => data.item)
  t.same(events.at(-1)!.data.response.output, done)
  t.same(
    done.map(({ type }: Loose) => type),
    ['reasoning', 'message', 'function_call'],
  )
  t.same(
    events
      .filter(({ event }) => event === 'response.output_item.added')
      .map(({ data }) => data.output_index),
    [0, 1, 2],
  )
  await app.close()
  await node.stop()
})

t.test('a conversation of items is said to the node as chat', async t => {
  const node = await startStandIn()
  const { app, post } = await createGateway({ nodes: [node.url] })
  await post('/v1/responses', {
    model: 'test-model',
    instructions: 'Be brief.',
    max_output_tokens: 9,
    tools: [...tools, { type: 'web_search' }],
    tool_choice: { type: 'function', name: 'weather_now' },
    text: { format: { type: 'json_schema', name: 'x', schema: { type: 'object' } } },
    input: [
      { role: 'user', content: [{ type: 'input_text', text: 'a' }] },
      { type: 'reasoning', summary: [] },
      { type: 'function_call', call_id: 'c1', name: 'weather_now', arguments: '{"place":"x"}' },
      { type: 'function_call', call_id: 'c2', name: 'weather_now', arguments: '{"place":"y"}' },
      { type: 'function_call_output', call_id: 'c1', output: 'warm' },
      { type: 'function_call_output', call_id: 'c2', output: 'cold' },
    ],
  })
  t.match(node.to('/v1/chat/completions')[0]!.json, {
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'a' },
      { role: 'assistant', content: '', tool_calls: [{ id: 'c1' }, { id: 'c2' }] },
      { role: 'tool', tool_call_id: 'c1', content: 'warm' },
      { role: 'tool', tool_call_id: 'c2', content: 'cold' },
    ],
    max_tokens: 9,
    tool_choice: { type: 'function', function: { name: 'weather_now' } },
    response_format: { type: 'json_schema', json_schema: { name: 'x' } },
  })
  t.equal(
    (node.to('/v1/chat/completions')[0]!.json['tools'] as unknown[]).length,
    1,
    "hosted tools are nobody's",
  )
  await app.close()
  await node.stop()
})

t.test(
  'a cut answer is incomplete, a broken stream failed, and what needs a memory is refused',
  async t => {
    const node = await startStandIn({ script: [{ text: ['a', 'b'], finish: 'length' }] })
    const { app, post } = await createGateway({ nodes: [node.url], limits: { attemptsMax: 1 } })
    const asked = { model: 'test-model', input: 'hi' }
    t.match((await post('/v1/responses', asked)).json, {
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
    })
    t.equal(
      namedEventsOf((await post('/v1/responses', { ...asked, stream: true })).text).at(-1)!.event,
      'response.incomplete',
    )
    for (const [name, value] of [
      ['previous_response_id', 'resp_1'],
      ['conversation', 'c'],
      ['background', true],
    ] as const) {
      t.match(await post('/v1/responses', { ...asked, [name]: value }), {
        status: 400,
        json: { error: { param: name } },
      })
    }
    t.match(await post('/v1/responses', { ...asked, input: [] }), { status: 400 })
    const part = (one: unknown): unknown => [{ role: 'user', content: [one] }]
    for (const [param, more] of [
      ['max_output_tokens', { max_output_tokens: 0 }],
      ['tools', { tools: 5 }],
      ['tool_choice', { tool_choice: 'required' }],
      ['input[0]', { input: [null] }],
      ['input[0].type', { input: [{ type: 'zzz' }] }],
      ['input[0].content[0].type', { input: part({ type: 'input_file', file_id: 'f' }) }],
      ['input[0].content[0].image_url', { input: part({ type: 'input_image', file_id: 'f' }) }],
    ] as const) {
      t.match(await post('/v1/responses', { ...asked, ...more }), {
        status: 400,
        json: { error: { param } },
      })
    }
    node.behave({ mode: 'cut', cutAfter: 1 })
    const events = namedEventsOf((await post('/v1/responses', { ...asked, stream: true })).text)
    t.match(events.at(-1), {
      event: 'response.failed',
      data: {
        response: {
          status: 'failed',
          error: { message: /broke off/ },
          output: [{ status: 'incomplete' }],
        },
      },
    })
    await app.close()
    await node.stop()
  },
)

t.test("a result's text is told as the tool's, its pictures after all results", async t => {
  const node = await startStandIn()
  const { app, post } = await createGateway({ nodes: [node.url] })
  t.teardown(async () => {
    await app.close()
    await node.stop()
  })
  const picture = 'data:image/png;base64,AAAA'
  const input = [
    { role: 'user', content: 'Look' },
    { type: 'function_call', call_id: 'c1', name: 'camera', arguments: '{}' },
    { type: 'function_call', call_id: 'c2', name: 'sensor', arguments: '{}' },
    {
      type: 'function_call_output',
      call_id: 'c1',
      output: [
        { type: 'input_text', text: 'seen' },
        { type: 'input_image', image_url: picture },
      ],
    },
    {
      type: 'function_call_output',
      call_id: 'c2',
      output: [
        { type: 'input_text', text: 'it is ' },
        { type: 'input_text', text: 'warm' },
      ],
    },
    { role: 'user', content: 'And?' },
  ]
  const asked = { model: 'test-model', input }
  const { status, text } = await post('/v1/responses', asked)
  t.equal(status, 200, text)
  t.match(node.to('/v1/chat/completions')[0]!.json['messages'], [
    { role: 'user', content: 'Look' },
    { role: 'assistant', tool_calls: [{ id: 'c1' }, { id: 'c2' }] },
    { role: 'tool', tool_call_id: 'c1', content: 'seen' },
    { role: 'tool', tool_call_id: 'c2', content: 'it is warm' },
    { role: 'user', content: [{ type: 'image_url', image_url: { url: picture } }] },
    { role: 'user', content: 'And?' },
  ])
  const file = { type: 'function_call_output', call_id: 'c1', output: [{ type: 'input_file' }] }
  const unread = await post('/v1/responses', { ...asked, input: [...input.slice(0, 2), file] })
  t.match(unread, { status: 400, json: { error: { message: /input\[2\]\.output\[0\]/ } } })
})
