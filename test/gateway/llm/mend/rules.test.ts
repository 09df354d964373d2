import t from 'tap'
import {
  type Chunk,
  mendFinish,
  mendUsage,
  type ToolOffer,
} from '../../../../src/gateway/llm/chat.ts'
import { argumentsProblem, settleArguments } from '../../../../src/gateway/llm/mend/arguments.ts'
import { createMender, type MendOptions } from '../../../../src/gateway/llm/mend/chunk.ts'
import * as rules from '../../../../src/gateway/llm/mend/request.ts'
import { createNode } from '../../../../src/gateway/llm/node.ts'

const node = (version?: string) =>
  createNode({ url: 'http://node.test', ...(version ? { version } : {}) }, { concurrency: 1 })

t.test('each rule for requests mends one thing and leaves the rest', t => {
  const same = [{ role: 'user', content: 'x' }]
  for (const rule of [
    rules.developerIsSystem,
    rules.contentIsThere,
    rules.historyArgumentsAreObjects,
    rules.kimiCallIds,
  ]) {
    t.equal(rule(same, 'kimi-k2'), same, 'what is well stays the same list')
  }
  t.match(rules.developerIsSystem([{ role: 'developer', content: 'x' }], ''), [
    { role: 'system', content: 'x' },
  ])
  t.match(rules.contentIsThere([{ role: 'assistant', content: null }, { role: 'assistant' }], ''), [
    { content: '' },
    { content: '' },
  ])
  const broken = (text: unknown) => [
    {
      role: 'assistant',
      content: '',
      tool_calls: [{ id: 'c', function: { name: 'f', arguments: text } }],
    },
  ]
  const mended = (text: unknown): string =>
    (rules.historyArgumentsAreObjects(broken(text), '')[0] as any_).tool_calls[0].function.arguments
  t.same(
    [mended(''), mended(null), mended({ a: 1 }), mended('{"a": ')],
    ['{}', '{}', '{"a":1}', '{"unreadable":"{\\"a\\": "}'],
  )
  const kimi = rules.kimiCallIds(
    [...broken('{}'), { role: 'tool', tool_call_id: 'c', content: '1' }, ...broken('{}')],
    'kimi-k2',
  )
  t.match(kimi, [
    { tool_calls: [{ id: 'functions.f:0' }] },
    { tool_call_id: 'functions.f:0' },
    { tool_calls: [{ id: 'functions.f:1' }] },
  ])
  t.equal(rules.kimiCallIds(broken('{}'), 'qwen').length, 1)
  t.same(rules.dropInternalFields({ session_id: 1, with_cache: true, x: 1 }, node()), {
    session_id: undefined,
    with_cache: undefined,
  })
  t.same(rules.messagesAreAList({ messages: 'hi' }, node()), {
    messages: [{ role: 'user', content: 'hi' }],
  })
  t.same(rules.maxTokensForOldNodes({ max_completion_tokens: 5 }, node('0.6.5')), { max_tokens: 5 })
  t.same(rules.maxTokensForOldNodes({ max_completion_tokens: 5 }, node('0.18.0')), {})
  t.same(rules.requiredWithoutFormat({ tool_choice: 'required', response_format: {} }, node()), {
    response_format: undefined,
  })
  t.same(rules.nullMeansAbsent({ n: null, tools: null, stop: null }, node()), {
    n: undefined,
    tools: undefined,
  })
  const told = { messages: [{ role: 'system', content: 'Call so: <|action_start|><|plugin|>{' }] }
  t.same(rules.ownToolPrompt(told, node('0.18.0')), { tool_choice: 'none' })
  t.same(rules.ownToolPrompt(told, node('0.12.3')), {}, 'not sure to know it')
  t.same(rules.ownToolPrompt({ ...told, tools: [{}] }, node('0.18.0')), {})
  t.same(rules.ownToolPrompt({ ...told, tool_choice: 'auto' }, node('0.18.0')), {})
  t.same(rules.ownToolPrompt({ messages: [{ content: 'hi' }] }, node('0.18.0')), {})
  t.end()
})
type any_ = ReturnType<typeof JSON.parse>

t.test('arguments end as a JSON object or as nothing', t => {
  const settled = (text: string, closes = false) => settleArguments(text, { closes }).whole
  t.equal(settled('{"a": 1}'), '{"a": 1}')
  t.equal(settled(''), '{}')
  t.equal(settled(' null'), '{}')
  t.equal(settled('"{\\"a\\": 1}"'), '{"a": 1}', 'encoded twice')
  t.equal(settled('{"a": "Ber'), undefined)
  t.equal(settled('{"a": "Ber', true), '{"a": "Ber"}', 'closed for old nodes alone')
  t.equal(settled('{"location": Boston}', true), undefined)
  t.equal(settled('[1]'), undefined)
  t.equal(argumentsProblem(undefined, '{}'), undefined)
  t.match(
    argumentsProblem(
      { type: 'object', required: ['a'], properties: { a: { type: 'integer' } } },
      '{"a": "x"}',
    ),
    /\/a must be integer/,
  )
  t.match(argumentsProblem(undefined, '[]'), /not a JSON object/)
  t.equal(
    argumentsProblem({ type: 'nonsense' } as Record<string, unknown>, '{}') !== '',
    true,
    'a schema that is none breaks nothing',
  )
  t.end()
})

t.test('finish reasons and usages are those that clients know', t => {
  t.same(
    ['stop', 'length', 'tool_calls', 'abort', 'parse_error', 'error', 'odd', null, undefined].map(
      mendFinish,
    ),
    ['stop', 'length', 'tool_calls', 'length', 'stop', 'error', 'stop', undefined, undefined],
  )
  t.same(mendUsage({ prompt_tokens: 1, completion_tokens: 2, completion_tokens_details: null }), {
    prompt_tokens: 1,
    completion_tokens: 2,
    total_tokens: 3,
  })
  t.equal(mendUsage(null), undefined)
  t.end()
})

const offer: ToolOffer = {
  tools: [{ name: 'f', parameters: { required: ['a'] } }, { name: 'g' }],
  choice: 'auto',
  parallel: true,
}
const run = (chunks: object[], more: Partial<MendOptions> = {}) => {
  const sent: Chunk[] = []
  const mender = createMender(
    {
      id: 'chatcmpl-1',
      created: 1,
      model: 'm',
      includeUsage: false,
      offer,
      closes: false,
      ...more,
    },
    chunk => sent.push(chunk),
  )
  for (const chunk of chunks) mender.push(chunk as Record<string, unknown>)
  const mended = mender.settle()
  mender.close({})
  return { sent, mended, mender }
}
const delta = (one: object, more: object = {}) => ({
  choices: [{ index: 0, delta: { role: 'assistant', ...one }, ...more }],
})
const call = (entries: object[]) => delta({ tool_calls: entries })

t.test('calls are joined by index alone, whatever a version makes of them', t => {
  const bundled = run([
    call([
      { id: 'x', index: 0, function: { name: 'f' } },
      { index: 0, function: { arguments: '{"a"' } },
      { index: 0, function: { arguments: ':1}' } },
    ]),
    delta({}, { finish_reason: 'tool_calls' }),
  ])
  t.match(bundled.sent[0]!.choices[0]!.delta.tool_calls, [
    { index: 0, id: /^call_/, type: 'function', function: { name: 'f', arguments: '{"a":1}' } },
  ])
  const restless = run([
    call([{ id: 'x', index: 0, function: { name: 'f', arguments: '' } }]),
    call([{ id: 'y', index: 0, function: { name: null, arguments: '{"a":' } }]),
    call([{ id: 'z', index: 0, function: { arguments: '1}' } }]),
  ])
  t.equal(
    restless.sent
      .flatMap(({ choices }) => choices.flatMap(one => one.delta.tool_calls ?? []))
      .filter(({ id }) => id).length,
    1,
  )
  t.match(restless.mended.choices[0]!.calls, [{ name: 'f', arguments: '{"a":1}' }])
  const forgetful = run(
    [
      call([{ index: 0, function: { name: 'g', arguments: '{"a": "x' } }]),
      call([{ index: 1, function: { name: 'g', arguments: '{}' } }]),
    ],
    { closes: true },
  )
  t.match(
    forgetful.sent
      .flatMap(({ choices }) => choices[0]!.delta.tool_calls ?? [])
      .map(one => one.index),
    [0, 0, 1],
    'a call is whole before the next begins',
  )
  const late = run([
    call([{ index: 0, function: { arguments: '{}' } }]),
    call([{ index: 0, function: { name: 'g' } }]),
  ])
  t.match(
    late.mended.choices[0]!.calls,
    [{ name: 'g', arguments: '{}' }],
    'arguments before the name wait for it',
  )
  const single = run(
    [
      call([{ index: 0, function: { name: 'g', arguments: '{}' } }]),
      call([{ index: 1, function: { name: 'g', arguments: '{}' } }]),
    ],
    { offer: { ...offer, parallel: false } },
  )
  t.equal(single.mended.choices[0]!.calls.length, 1, 'one call where only one was allowed')
  const lost = run([
    call([{ index: 0, function: { name: 'f' } }]),
    delta({}, { finish_reason: 'tool_calls' }),
  ])
  t.same(lost.mended.broken, ['f'], 'required arguments that never came were lost')
  const cut = run([
    call([{ index: 0, function: { name: 'f', arguments: '{"a": "x' } }]),
    delta({}, { finish_reason: 'length' }),
  ])
  t.match([cut.mended.broken, cut.sent.at(-1)!.choices[0]!.finish_reason], [[], 'length'])
  const twice = run([call([{ index: 0, function: { name: 'f', arguments: '"{\\"a\\":1}"' } }])])
  t.match(twice.mended.choices[0]!.calls, [{ arguments: '{"a":1}' }])
  t.end()
})

t.test('data on the finish chunk counts, and what comes after it does not', t => {
  const { sent, mended } = run([
    delta({ content: 'a' }),
    delta({ content: 'b' }, { finish_reason: 'stop' }),
    delta({ content: 'c' }, { finish_reason: 'stop' }),
  ])
  t.equal(mended.choices[0]!.content, 'ab')
  t.same(
    sent.map(({ choices }) => choices[0]!.finish_reason),
    [null, null, 'stop'],
  )
  t.end()
})

t.test('an answer that a reasoning parser swallowed is given back', t => {
  const swallowed = run([
    delta({ reasoning_content: 'Hello' }),
    delta({}, { finish_reason: 'stop' }),
  ])
  t.equal(swallowed.mended.choices[0]!.content, 'Hello')
  const thought = run([
    delta({ reasoning_content: 'hm' }),
    delta({ content: 'Hello' }),
    delta({}, { finish_reason: 'stop' }),
  ])
  t.match(thought.mended.choices[0], { content: 'Hello', reasoning: 'hm' })
  t.end()
})

t.test('several choices have a role and an end each, and unknown members stay', t => {
  const both = {
    choices: [
      { index: 0, delta: { content: 'a' } },
      { index: 1, delta: { content: 'b', output_ids: [1] }, logprobs: { content: [] } },
    ],
    odd: 1,
  }
  const { sent } = run([
    both,
    {
      choices: [
        { index: 1, delta: {}, finish_reason: 'stop' },
        { index: 0, delta: {}, finish_reason: 'length' },
      ],
    },
  ])
  t.match(sent[0], {
    odd: 1,
    choices: [
      { delta: { role: 'assistant' } },
      { delta: { role: 'assistant', output_ids: [1] }, logprobs: {} },
    ],
  })
  t.same(
    sent.slice(1).map(({ choices }) => [choices[0]!.index, choices[0]!.finish_reason]),
    [
      [0, 'length'],
      [1, 'stop'],
    ],
  )
  t.end()
})

t.test('errors in a stream are seen, in every form', t => {
  for (const chunk of [
    { error: { message: 'm', code: 500 } },
    { error_code: 10402, text: 'm' },
    { object: 'error', message: 'm', code: 400 },
    delta({}, { finish_reason: 'error' }),
  ]) {
    t.match(run([chunk]).mender.problem(), { status: Number, message: String })
  }
  t.end()
})
