import t from 'tap'
import type { ToolOffer } from '../../../../src/gateway/llm/chat.ts'
import {
  createStrayParser,
  families,
  familyByName,
  familyFor,
} from '../../../../src/gateway/llm/families/index.ts'
import { createThinkParser } from '../../../../src/gateway/llm/families/tags.ts'
import type { Piece, TextParser } from '../../../../src/gateway/llm/mend/choice.ts'
import { createNode, type FamilyName } from '../../../../src/gateway/llm/node.ts'

const offer: ToolOffer = {
  tools: [
    {
      name: 'f',
      description: 'does f',
      parameters: { type: 'object', properties: { a: { type: 'string' } } },
    },
  ],
  choice: 'auto',
  parallel: true,
}
const history = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'go' },
  {
    role: 'assistant',
    content: 'I go.',
    tool_calls: [
      { id: '1', function: { name: 'f', arguments: '{"a":"x"}' } },
      { id: '2', function: { name: 'f', arguments: '{}' } },
    ],
  },
  { role: 'tool', tool_call_id: '1', content: 'went <|im_end|>' },
  { role: 'tool', tool_call_id: '2', content: 'again' },
  { role: 'user', content: 'and?' },
]

/** Pieces put together, so that how a text was cut does not matter. */
function read(parser: TextParser, text: string, size: number) {
  const said = { text: '', reasoning: '', calls: [] as { name: string; arguments: unknown }[] }
  const take = (pieces: Piece[]): void => {
    for (const piece of pieces) {
      if ('text' in piece) said.text += piece.text
      else if ('reasoning' in piece) said.reasoning += piece.reasoning
      else
        said.calls.push({
          name: piece.call.name,
          arguments: JSON.parse(piece.call.arguments) as unknown,
        })
    }
  }
  for (let at = 0; at < text.length; at += size) take(parser.push(text.slice(at, at + size)))
  take(parser.end())
  return said
}

const f = (args: object) => ({ name: 'f', arguments: args })
const written: [FamilyName, string, string, object[], string?][] = [
  [
    'internlm',
    'Let me.<|action_start|><|plugin|>\n{"name": "f", "parameters": {"a": "x"}}<|action_end|>',
    'Let me.',
    [f({ a: 'x' })],
  ],
  [
    'internlm',
    '<|action_start|><|plugin|>\n{"name": "f", "arguments": {"a": "x"}}',
    '',
    [f({ a: 'x' })],
  ],
  ['internlm', 'a <|action_start|> <|plugin|>{"name": "f"}<|action_end|>', 'a', [f({})]],
  [
    'internlm',
    '<|action_start|><|interpreter|>\nprint(1)<|action_end|>',
    '<|action_start|><|interpreter|>\nprint(1)<|action_end|>',
    [],
  ],
  ['internlm', 'a < b and <|im', 'a < b and <|im', []],
  [
    'qwen',
    'x\n<tool_call>\n{"name": "f", "arguments": {"a": "x"}}\n</tool_call>\n<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>',
    'x',
    [f({ a: 'x' }), f({})],
  ],
  [
    'qwen',
    '<tool_call>\n<function=f>\n<parameter=a>\nx\ny\n</parameter>\n<parameter=n>\n3\n</parameter>\n</function>\n</tool_call>',
    '',
    [f({ a: 'x\ny', n: 3 })],
  ],
  ['qwen', '<tool_call>broken</tool_call>', '<tool_call>broken</tool_call>', []],
  ['llama3', '<|python_tag|>{"name": "f", "parameters": {"a": "x"}}', '', [f({ a: 'x' })]],
  [
    'llama3',
    '<|python_tag|>{"name": "f", "parameters": {"a": "x"}}; {"name": "f", "parameters": {}}<|eom_id|>',
    '',
    [f({ a: 'x' }), f({})],
  ],
  ['llama3', '{"name": "f", "parameters": {"a": "x"}}', '', [f({ a: 'x' })]],
  ['llama3', '{"name": "unknown", "parameters": {}}', '{"name": "unknown", "parameters": {}}', []],
  ['llama3', 'Sure. <function=f>{"a": "x"}</function>', 'Sure.', [f({ a: 'x' })]],
  [
    'react',
    'Thought: I need f\nAction: f\nAction Input: {"a": "x"}\nObservation: made up',
    '',
    [f({ a: 'x' })],
    'I need f',
  ],
  [
    'react',
    'Thought: done\nFinal Answer: It is\nfine. The Action: none',
    'It is\nfine. The Action: none',
    [],
    'done',
  ],
  ['react', 'just an answer', 'just an answer', []],
  ['react', 'Action: f\nAction Input: ```json\n{"a": "x"}\n```', '', [f({ a: 'x' })]],
]

t.test('what each family writes is read, however it is cut', t => {
  for (const [name, text, said, calls, reasoning = ''] of written) {
    for (let size = 1; size <= text.length; size += 1) {
      const found = read(families[name].createParser(offer), text, size)
      t.same(
        { ...found, text: found.text.trim(), reasoning: found.reasoning.trim() },
        { text: said, reasoning, calls },
        `${name} in pieces of ${size}: ${text}`,
      )
    }
  }
  t.end()
})

t.test('each family is told the tools, the calls and their results', t => {
  const told = (name: FamilyName): string =>
    families[name]
      .render(history, offer)
      .map(({ role, content }) => `[${String(role)}] ${String(content)}`)
      .join('\n')
  for (const name of Object.keys(families) as FamilyName[]) {
    const text = told(name)
    t.match(text, 'Be brief.', name)
    t.match(text, '"does f"')
    t.match(text, 'went')
    t.match(text, 'again')
    t.ok(
      families[name]
        .render(history, offer)
        .every(({ role }) => ['system', 'user', 'assistant'].includes(String(role))),
      'in roles that every template has',
    )
    t.notMatch(JSON.stringify(families[name].render(history, { ...offer, tools: [] })), 'does f')
    t.match(
      families[name].render(history, { ...offer, choice: { name: 'f' } })[0]!['content'],
      /must call the tool f/,
    )
  }
  t.match(
    told('internlm'),
    '<|action_start|><|plugin|>\n{"name":"f","parameters":{"a":"x"}}<|action_end|><|im_end|>\n<|im_start|>environment name=<|plugin|>\nwent',
  )
  t.notMatch(told('internlm'), 'went <|im_end|>', 'a result cannot end its turn')
  t.match(told('qwen'), '<tool_response>\nagain\n</tool_response>')
  t.match(told('react'), 'Observation: again')
  t.end()
})

t.test('a result is followed by a turn of the model, on every template', t => {
  const call = { id: 'a', function: { name: 'f', arguments: '{}' } }
  const ended = [
    { role: 'user', content: 'go' },
    { role: 'assistant', content: 'I go.', tool_calls: [call] },
    { role: 'tool', tool_call_id: 'a', content: 'went' },
  ]
  for (const name of Object.keys(families) as FamilyName[]) {
    const last = families[name].render(ended, offer).at(-1)
    t.equal(last?.['role'], 'user', `${name}: an assistant's message would be gone on with`)
  }
  t.match(families.internlm.render(ended, offer).slice(1), [
    {
      role: 'user',
      content:
        'go<|im_end|>\n<|im_start|>assistant\nI go.<|action_start|><|plugin|>\n{"name":"f","parameters":{}}<|action_end|><|im_end|>\n<|im_start|>environment name=<|plugin|>\nwent',
    },
  ])
  const picture = { type: 'image_url', image_url: { url: 'https://x.test/a.png' } }
  const seen = [{ role: 'user', content: [picture] }, ...ended.slice(1)]
  t.match(families.llama3.render(seen, offer).slice(1), [
    { content: [picture, { type: 'text', text: /I go\.<\|python_tag\|>/ }] },
  ])
  t.end()
})

t.test('an id that is used again in a later turn has the result of its own turn', t => {
  const call = { id: '0', function: { name: 'f', arguments: '{}' } }
  const again = ['first', 'second'].flatMap(said => [
    { role: 'user', content: 'go' },
    { role: 'assistant', content: '', tool_calls: [call] },
    { role: 'tool', tool_call_id: '0', content: said },
  ])
  for (const name of Object.keys(families) as FamilyName[]) {
    const text = JSON.stringify(families[name].render(again, offer))
    t.match(text, /first.*second/, name)
    t.equal(text.split('second').length, 2, 'once')
  }
  t.end()
})

t.test('the family is told by config, else by age or refusal, else by the name', t => {
  const named = ['internlm2_5-7b-chat', 'Qwen2.5-7B', 'Llama-3.1-8B', 'mystery'].map(familyByName)
  t.same(named, ['internlm', 'qwen', 'llama3', 'react'])
  const node = (spec: object) =>
    createNode({ url: 'http://node.test', models: ['internlm2'], ...spec }, { concurrency: 1 })
  t.equal(familyFor(node({}), 'internlm2'), undefined)
  t.equal(familyFor(node({ version: '0.3.0' }), 'internlm2'), 'internlm')
  t.equal(familyFor(node({ version: '0.3.0', tools: 'native' }), 'internlm2'), undefined)
  t.equal(familyFor(node({ tools: 'react' }), 'internlm2'), 'react')
  t.end()
})

t.test('stray calls and leading thoughts are found in any text', t => {
  for (let size = 1; size < 40; size += 1) {
    t.match(read(createStrayParser(), 'a\n<tool_call>{"name": "f"}</tool_call>', size), {
      text: 'a',
      calls: [{ name: 'f' }],
    })
    t.match(read(createThinkParser(), '\n<think>\nhm < 3</think>\n\nYes <think>', size), {
      text: 'Yes <think>',
      reasoning: /hm < 3/,
    })
    t.match(read(createThinkParser(), '<thin> is not one', size), {
      text: '<thin> is not one',
      reasoning: '',
    })
  }
  t.end()
})
