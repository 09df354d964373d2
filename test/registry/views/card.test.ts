import t from 'tap'
import { toCard } from '../../../src/registry/views/card.ts'
import { awkwardTools, ownTools } from '../../fixtures/awkward-tools.ts'

const options = { origin: 'https://tools.example', secured: false }
const tool = (name: string) => awkwardTools.find(tool => tool.name === name)!

t.test('a card says what a tool is and how to call it on each face', async t => {
  const card = toCard(tool('draw_boxes'), options)
  t.match(card, {
    name: 'draw_boxes',
    title: 'Draw boxes',
    version: '1.0.0',
    category: 'vision',
    tags: [],
    source: 'builtin',
    available: true,
  })
  t.notOk('reason' in card)
  t.match(
    card.input,
    { properties: { image: { type: 'string', 'x-toolgate-file': 'image' } } },
    'a console must know which arguments are files',
  )
  t.match(card.output, { properties: { picture: { 'x-toolgate-artifact': 'image/png' } } })
  t.same(card.examples, [
    {
      input: { image: 'https://example.com/cat.jpg' },
      output: { width: 3, picture: 'https://tools.example/files/ab.png' },
    },
  ])
  t.match(card.calls, {
    rest: {
      url: 'https://tools.example/tools/draw_boxes',
      curl: `curl -s https://tools.example/tools/draw_boxes -H 'Content-Type: application/json' -d '{"image":"https://example.com/cat.jpg"}'`,
    },
    openapi: { operationId: 'draw_boxes' },
    mcp: {
      url: 'https://tools.example/mcp',
      only: 'https://tools.example/tools/draw_boxes/mcp',
      name: 'draw_boxes',
    },
    openai: { name: 'draw_boxes', arguments: '{"image":"https://example.com/cat.jpg"}' },
    agentlego: { name: 'DrawBox', path: '/DrawBox', values: ['text'] },
    lagent: { name: 'Draw.boxes', url: 'https://tools.example/lagent/Draw.boxes' },
  })
})

t.test('a tool that cannot work says why, and what would mend it', async t => {
  const card = toCard(tool('lists'), {
    ...options,
    unavailable: { reason: 'no key', remedy: 'set KEY' },
  })
  t.match(card, {
    available: false,
    reason: 'no key',
    remedy: 'set KEY',
    examples: [{ title: 'Two colours' }],
  })
})

t.test('a command can be pasted, with a key where one is needed', async t => {
  const quoted = { ...ownTools[0]!, examples: [{ input: { tags: ["it's"] }, output: {} }] }
  const { calls } = toCard(quoted, { ...options, secured: true })
  t.match(calls, { key: /Bearer/, rest: { curl: /-H "Authorization: Bearer \$TOOLGATE_KEY"/ } })
  t.ok(
    String((calls['rest'] as Record<string, unknown>)['curl']).endsWith(
      `-d '{"tags":["it'\\''s"]}'`,
    ),
  )
})

t.test('a tool without examples is called with nothing', async t => {
  t.match(toCard(tool('canny'), options).calls, { rest: { body: {} } })
})
