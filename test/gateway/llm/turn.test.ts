import t from 'tap'
import { createGateway, eventsOf } from '../../fixtures/llm/gateway.ts'
import { readStream } from '../../fixtures/llm/openai-shapes.ts'
import { startStandIn, type StandInOptions } from '../../fixtures/llm/stand-in.ts'
import type { NodeSpec } from '../../../src/gateway/llm/node.ts'

const path = '/v1/chat/completions'
const tools = [
  {
    type: 'function',
    function: {
      name: 'weather_now',
      parameters: {
        type: 'object',
        properties: { place: { type: 'string' } },
        required: ['place'],
      },
    },
  },
  { type: 'function', function: { name: 'ping', parameters: { type: 'object', properties: {} } } },
]
const body = { model: 'test-model', messages: [{ role: 'user', content: 'hi' }], tools }
const good = { name: 'weather_now', arguments: '{"place": "x"}' }

async function setUp(
  t: { teardown: (end: () => Promise<void>) => unknown },
  options: StandInOptions,
  spec: Partial<NodeSpec> = {},
) {
  const node = await startStandIn(options)
  const gateway = await createGateway({ nodes: [{ url: node.url, ...spec }] })
  t.teardown(async () => {
    await gateway.app.close()
    await node.stop()
  })
  return { node, ...gateway }
}

t.test('a call that cannot be used is asked for once more, with the reason', async t => {
  const { node, post } = await setUp(t, {
    script: [{ calls: [{ name: 'weather_now', arguments: '{"place": 5}' }] }, { calls: [good] }],
  })
  const { json } = await post(path, body)
  t.match(json.choices[0], {
    finish_reason: 'tool_calls',
    message: { tool_calls: [{ function: good }] },
  })
  t.equal(json.choices[0].message.tool_calls.length, 1)
  t.match(node.to(path)[1]!.json['messages'], [
    {},
    { role: 'assistant' },
    { role: 'user', content: /\/place must be string/ },
  ])
  t.match(json.usage, { total_tokens: 30 }, 'both turns are counted')
})

t.test(
  "a schema that still does not fit is the client's to judge, broken JSON is a 502",
  async t => {
    const { node, post } = await setUp(t, {
      script: [{ calls: [{ name: 'weather_now', arguments: '{"place": 5}' }] }],
    })
    t.match((await post(path, body)).json.choices[0].message.tool_calls, [
      { function: { arguments: '{"place": 5}' } },
    ])
    node.script({ calls: [{ name: 'weather_now', arguments: '{"place": Boston}' }] })
    t.match(await post(path, body), { status: 502, json: { error: { message: /not valid JSON/ } } })
    const streamed = eventsOf((await post(path, { ...body, stream: true })).text)
    t.match(streamed.at(-2), { error: { message: /not valid JSON/ } })
    t.equal(streamed.at(-1), '[DONE]')
  },
)

t.test('a call that the node swallowed is asked for again', async t => {
  const { node, post } = await setUp(t, {})
  const swallowed = { text: [], usage: { prompt: 9, completion: 30 } }
  node.script(swallowed, { calls: [good] })
  t.match((await post(path, body)).json.choices[0].message.tool_calls, [{ function: good }])
  node.script(swallowed, { calls: [good] })
  const { text } = await post(path, { ...body, stream: true })
  const { problems, said } = readStream(eventsOf(text), { includeUsage: false })
  t.same(problems, [], "the count that tells of it is not the client's")
  t.match(said, { calls: [good], finish: 'tool_calls' })
})

t.test('a demanded call is made, or it is an error', async t => {
  const { node, post } = await setUp(t, {
    version: '0.17.0',
    script: [{ text: ['No.'] }, { calls: [good] }],
  })
  for (const choice of [
    'required',
    'any',
    { type: 'function', function: { name: 'weather_now' } },
    {
      type: 'allowed_tools',
      allowed_tools: {
        mode: 'required',
        tools: [{ type: 'function', function: { name: 'weather_now' } }],
      },
    },
  ]) {
    node.script({ text: ['No.'] }, { calls: [good] })
    const { json } = await post(path, { ...body, tool_choice: choice })
    t.match(json.choices[0], {
      finish_reason: 'tool_calls',
      message: { tool_calls: [{ function: good }] },
    })
    node.script({ text: ['No.'] }, { calls: [good] })
    const { problems, said } = readStream(
      eventsOf((await post(path, { ...body, tool_choice: choice, stream: true })).text),
      { includeUsage: false },
    )
    t.same(problems, [])
    t.match(said, { content: 'No.', calls: [good], finish: 'tool_calls' })
  }
  node.script({ text: ['No.'] })
  t.match(await post(path, { ...body, tool_choice: 'required' }), {
    status: 502,
    json: { error: { message: /no tool/ } },
  })
  const allowed = node
    .to(path)
    .find(({ json }) => Array.isArray(json['tools']) && json['tools'].length === 1)
  t.match(allowed!.json, { tool_choice: 'required' }, 'allowed_tools is said as a shorter list')
})

t.test(
  'a node that was started without a parser is offered tools in text from its first refusal on',
  async t => {
    const { node, post } = await setUp(t, {
      model: 'Qwen2.5-7B',
      behaviour: { noToolParser: true },
      script: [
        {
          text: [
            '<tool_call>\n{"name": "weather_now", "arg',
            'uments": {"place": "x"}}\n</tool_call>',
          ],
        },
      ],
    })
    const asked = { ...body, model: 'Qwen2.5-7B' }
    t.match((await post(path, asked)).json.choices[0].message.tool_calls, [
      { function: { name: 'weather_now', arguments: '{"place":"x"}' } },
    ])
    t.equal(node.to(path).length, 2)
    const { problems, said } = readStream(
      eventsOf((await post(path, { ...asked, stream: true })).text),
      { includeUsage: false },
    )
    t.same(problems, [])
    t.match(said, { content: '', finish: 'tool_calls' })
    t.equal(node.to(path).length, 3, 'it is not asked again')
    t.notOk('tools' in node.to(path)[2]!.json)
  },
)

t.test('calls that a node left in the text are found', async t => {
  const { post } = await setUp(t, {
    script: [
      { text: ['Sure.\n', '<|action_start|><|plugin|>\n{"name": "ping"}', '<|action_end|>'] },
    ],
  })
  t.match((await post(path, body)).json.choices[0], {
    finish_reason: 'tool_calls',
    message: { content: 'Sure.', tool_calls: [{ function: { name: 'ping', arguments: '{}' } }] },
  })
  const none = await post(path, { ...body, tool_choice: 'none' })
  t.match(none.json.choices[0].message.content, /<\|plugin\|>/, 'but not where none was wanted')
})

t.test('a family honours choices, one call at a time, and a history of calls', async t => {
  const two = '<tool_call>{"name": "ping"}</tool_call><tool_call>{"name": "ping"}</tool_call>'
  const { node, post } = await setUp(t, { script: [{ text: [two] }] }, { tools: 'qwen' })
  t.equal((await post(path, body)).json.choices[0].message.tool_calls.length, 2)
  t.equal(
    (await post(path, { ...body, parallel_tool_calls: false })).json.choices[0].message.tool_calls
      .length,
    1,
  )
  node.script({ text: ['It went.'] })
  const messages = [
    ...body.messages,
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'c', type: 'function', function: { name: 'ping', arguments: '{}' } }],
    },
    { role: 'tool', tool_call_id: 'c', content: 'pong' },
  ]
  t.equal(
    (await post(path, { model: 'test-model', messages })).json.choices[0].message.content,
    'It went.',
  )
  t.match(node.seen.at(-1)!.json['messages'], [
    { role: 'user' },
    { role: 'assistant', content: /<tool_call>/ },
    { role: 'user', content: /pong/ },
  ])
})

t.test('a prompt longer than the context is a 400 on old nodes too', async t => {
  const { node, post } = await setUp(t, {
    version: '0.9.2',
    script: [{ text: [], finish: 'length', usage: { prompt: 9, completion: 0 } }],
  })
  const asked = { model: 'test-model', messages: body.messages }
  t.match(await post(path, asked), {
    status: 400,
    json: { error: { code: 'context_length_exceeded' } },
  })
  const events = eventsOf((await post(path, { ...asked, stream: true })).text)
  t.match(events.at(-2), { error: { code: 'context_length_exceeded' } })
  node.script({ text: ['fine'] })
  t.equal((await post(path, asked)).status, 200)
})

t.test('functions of 2023 are tools', async t => {
  const { node, post } = await setUp(t, { script: [{ calls: [good] }] })
  const { tools: _tools, ...rest } = body
  const answer = await post(path, {
    ...rest,
    functions: [tools[0]!.function],
    function_call: { name: 'weather_now' },
  })
  t.equal(answer.status, 200)
  t.match(node.to(path)[0]!.json, {
    tools: [{ type: 'function', function: { name: 'weather_now' } }],
    tool_choice: { type: 'function', function: { name: 'weather_now' } },
  })
  t.notOk('functions' in node.to(path)[0]!.json)
})

t.test('what needs no mending goes to the node as it came', async t => {
  const { node, post } = await setUp(t, {})
  const sent =
    '{ "model":"test-model", "temperature": 1.0, "messages":[{"role":"user","content":"\\u4f60"}], "odd": 12345678901234567890 }'
  await post(path, sent)
  t.equal(node.seen[0]!.text, sent)
})
