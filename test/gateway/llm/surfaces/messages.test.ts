import Anthropic from '@anthropic-ai/sdk'
import t from 'tap'
import { createGateway, namedEventsOf, type Loose } from '../../../fixtures/llm/gateway.ts'
import { startStandIn } from '../../../fixtures/llm/stand-in.ts'
import { hasTools, versions } from '../../../fixtures/llm/wires.ts'

const tools: Anthropic.Tool[] = [
  {
    name: 'weather_now',
    description: 'Weather',
    input_schema: {
      type: 'object',
      properties: { place: { type: 'string' } },
      required: ['place'],
    },
  },
]
const asked = {
  model: 'test-model',
  max_tokens: 99,
  messages: [{ role: 'user' as const, content: 'hi' }],
}
const call = { name: 'weather_now', arguments: '{"place": "北京"}' }

t.test("Anthropic's own client talks to a node of every version", async t => {
  for (const version of versions.filter(hasTools)) {
    const node = await startStandIn({ version, script: [{ text: ['Let me see.'], calls: [call] }] })
    const { app, listen } = await createGateway({ nodes: [node.url] })
    const client = new Anthropic({ baseURL: await listen(), apiKey: 'none', maxRetries: 0 })
    const message = await client.messages.create({ ...asked, tools })
    const expected = [
      { type: 'text', text: 'Let me see.' },
      { type: 'tool_use', name: 'weather_now', input: { place: '北京' } },
    ]
    t.match(
      message,
      { stop_reason: 'tool_use', content: expected, usage: { input_tokens: 12, output_tokens: 3 } },
      version,
    )
    const streamed = await client.messages.stream({ ...asked, tools }).finalMessage()
    t.match(streamed.content, expected, `${version} streamed`)
    t.equal(streamed.stop_reason, 'tool_use')
    await app.close()
    await node.stop()
  }
})

t.test('a whole conversation is said to the node as chat', async t => {
  const node = await startStandIn({ version: '0.17.0' })
  const { app, post } = await createGateway({ nodes: [node.url] })
  await post('/v1/messages', {
    ...asked,
    system: [{ type: 'text', text: 'Be brief.' }],
    stop_sequences: ['END'],
    thinking: { type: 'disabled' },
    tools,
    tool_choice: { type: 'any', disable_parallel_tool_use: true },
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AQID' } },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'thinking', thinking: 'hm', signature: 's' },
          { type: 'text', text: 'c' },
          { type: 'tool_use', id: 'toolu_1', name: 'weather_now', input: { place: 'x' } },
        ],
      },
      {
        role: 'user',
        content: [
          {
            type: 'tool_result',
            tool_use_id: 'toolu_1',
            is_error: true,
            content: [{ type: 'text', text: 'broken' }],
          },
          { type: 'text', text: 'd' },
        ],
      },
    ],
  })
  t.match(node.to('/v1/chat/completions')[0]!.json, {
    messages: [
      { role: 'system', content: 'Be brief.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          { text: 'b' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AQID' } },
        ],
      },
      {
        role: 'assistant',
        content: 'c',
        tool_calls: [
          { id: 'toolu_1', function: { name: 'weather_now', arguments: '{"place":"x"}' } },
        ],
      },
      { role: 'tool', tool_call_id: 'toolu_1', content: 'Error: broken' },
      { role: 'user', content: 'd' },
    ],
    max_tokens: 99,
    stop: ['END'],
    tool_choice: 'required',
    parallel_tool_calls: false,
    chat_template_kwargs: { enable_thinking: false },
    tools: [
      { type: 'function', function: { name: 'weather_now', parameters: { type: 'object' } } },
    ],
  })
  await app.close()
  await node.stop()
})

t.test('thoughts are blocks of their own, also where the node leaves them in the text', async t => {
  for (const script of [
    { reasoning: ['I think.'], text: ['Yes.'] },
    { text: ['<thi', 'nk>I think.</th', 'ink>\n\nYes.'] },
  ]) {
    const node = await startStandIn({ version: '0.17.0', script: [script] })
    const { app, post } = await createGateway({ nodes: [node.url] })
    const { json } = await post('/v1/messages', asked)
    t.match(json.content, [
      { type: 'thinking', thinking: 'I think.', signature: String },
      { type: 'text', text: 'Yes.' },
    ])
    const events = namedEventsOf((await post('/v1/messages', { ...asked, stream: true })).text)
    t.same(
      events.map(({ event }) => event).filter(event => event !== 'content_block_delta'),
      [
        'message_start',
        'ping',
        'content_block_start',
        'content_block_stop',
        'content_block_start',
        'content_block_stop',
        'message_delta',
        'message_stop',
      ],
    )
    t.match(
      events.map(({ data }) => data.delta?.type),
      ['signature_delta'].concat([]) && Array,
    )
    await app.close()
    await node.stop()
  }
})

t.test('a healthy node of its own speaks for itself: its bytes are passed', async t => {
  const own = '{"id":"msg_x","type":"message","role":"assistant","content":[],"odd": 1}'
  const node = await startStandIn({
    answer({ path }, response) {
      if (path === '/v1/messages')
        response.writeHead(200, { 'content-type': 'application/json' }).end(own)
      return path === '/v1/messages'
    },
  })
  const { app, post } = await createGateway({ nodes: [node.url] })
  t.equal((await post('/v1/messages', asked)).text, own)
  t.equal(node.to('/v1/messages')[0]!.headers['anthropic-version'], '2023-06-01')
  t.match(
    (await post('/v1/messages', { ...asked, tools })).json,
    { type: 'message', content: [{ type: 'text' }] },
    'with tools it is translated: no node checks their arguments',
  )
  await app.close()
  await node.stop()
})

t.test("a document that is text is told, Anthropic's own tools are left out", async t => {
  const node = await startStandIn()
  const { app, post } = await createGateway({ nodes: [node.url] })
  const document = { type: 'document', source: { type: 'text', data: 'Once upon a time' } }
  const content = [document, { type: 'text', text: 'Sum it up' }]
  const tools = [{ type: 'web_search_20250305', name: 'web_search' }]
  const { status } = await post('/v1/messages', {
    ...asked,
    messages: [{ role: 'user', content }],
    tools,
  })
  t.equal(status, 200)
  const [{ json }] = node.to('/v1/chat/completions') as [Loose]
  t.match(json.messages, [{ role: 'user', content: 'Once upon a time\nSum it up' }])
  t.notOk('tools' in json)
  await app.close()
  await node.stop()
})

t.test("errors have Anthropic's shape", async t => {
  const node = await startStandIn({ version: '0.17.0', script: [{ text: ['a', 'b'] }] })
  const { app, post } = await createGateway({ nodes: [node.url], limits: { attemptsMax: 1 } })
  const saying = (block: Loose): Loose => ({
    ...asked,
    messages: [{ role: 'user', content: [block] }],
  })
  const refused: [Loose, number, RegExp][] = [
    [{ ...asked, model: 'test-mode' }, 404, /did you mean "test-model"/],
    [{ ...asked, max_tokens: undefined }, 400, /max_tokens/],
    [{ ...asked, messages: [] }, 400, /messages/],
    [{ ...asked, messages: [{ role: 'boss', content: 'x' }] }, 400, /messages.0.role/],
    [{ ...asked, max_tokens: 0 }, 400, /^max_tokens must be a whole number of at least 1$/],
    [{ ...asked, max_tokens: 'x' }, 400, /^max_tokens must be a whole number/],
    [{ ...asked, system: 5 }, 400, /^system must be/],
    [{ ...asked, stop_sequences: 'x' }, 400, /^stop_sequences must be a list/],
    [{ ...asked, tools: 'x' }, 400, /^tools must be a list/],
    [{ ...asked, tools: [{ x: 1 }] }, 400, /^tools.0 must be/],
    [{ ...asked, tool_choice: { type: 'any' } }, 400, /^tool_choice needs tools/],
    [
      saying({ type: 'document', source: { type: 'url', url: 'https://a.b/c.pdf' } }),
      400,
      /0.type/,
    ],
    [saying({ type: 'image', source: { type: 'file', file_id: 'f' } }), 400, /source.type must be/],
    ['{', 400, /not JSON/],
  ]
  for (const [request, status, message] of refused) {
    t.match(await post('/v1/messages', request), {
      status,
      json: { type: 'error', error: { type: String, message } },
    })
  }
  t.equal(node.seen.length, 0, 'no node was touched')
  node.behave({ mode: 'cut', cutAfter: 1 })
  const events = namedEventsOf((await post('/v1/messages', { ...asked, stream: true })).text)
  t.match(events.at(-1), { event: 'error', data: { type: 'error', error: { type: 'api_error' } } })
  await app.close()
  await node.stop()
})

t.test('tokens are counted by the node, by whichever route it has', async t => {
  for (const [version, count] of [
    ['0.18.0', 24],
    ['0.3.0', 7],
  ] as const) {
    const node = await startStandIn({ version })
    const { app, post } = await createGateway({ nodes: [node.url] })
    const { json } = await post('/v1/messages/count_tokens', {
      model: 'test-model',
      messages: asked.messages,
    })
    t.type(json.input_tokens, 'number')
    if (version === '0.18.0') t.equal(json.input_tokens, count)
    await app.close()
    await node.stop()
  }
})

t.test('nothing that stands in a result is left out in silence', async t => {
  const node = await startStandIn()
  const { app, post } = await createGateway({ nodes: [node.url] })
  t.teardown(async () => {
    await app.close()
    await node.stop()
  })
  const use = { type: 'tool_use', id: 'c1', name: 'open', input: {} }
  const answer = (block: object) => ({
    model: 'test-model',
    max_tokens: 9,
    messages: [
      { role: 'user', content: 'Look' },
      { role: 'assistant', content: [use] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'c1', content: [block] }] },
    ],
  })
  const text = { type: 'text', media_type: 'text/plain', data: 'as it stands there' }
  const read = await post('/v1/messages', answer({ type: 'document', source: text }))
  t.equal(read.status, 200, read.text)
  t.match(node.to('/v1/chat/completions')[0]!.json['messages'], [
    {},
    {},
    { role: 'tool', content: 'as it stands there' },
  ])
  const pdf = { type: 'base64', media_type: 'application/pdf', data: 'AAAA' }
  const unread = await post('/v1/messages', answer({ type: 'document', source: pdf }))
  const message = /messages\.2\.content\.0\.content\.0\.type/
  t.match(unread, { status: 400, json: { type: 'error', error: { message } } })
})
