import t from 'tap'
import { propertiesOf } from '../../../src/registry/tool.ts'
import { geminiSubset } from '../../../src/registry/views/gemini-subset.ts'

const one = (schema: object, rest: object = {}): unknown =>
  propertiesOf(geminiSubset({ type: 'object', properties: { it: schema }, ...rest }) ?? {})['it']

t.test("Gemini's words: types in capitals, text enums, nullable", async t => {
  t.same(one({ type: 'string', enum: ['a', ''], default: 'a' }), {
    type: 'STRING',
    description: 'Default a.',
    enum: ['a'],
  })
  t.same(one({ enum: [1, 2] }), { type: 'INTEGER', description: 'One of: 1, 2.' })
  t.same(one({ type: 'number', minimum: 0, exclusiveMaximum: 1 }), {
    type: 'NUMBER',
    description: 'Less than 1.',
    minimum: 0,
  })
  t.same(one({ type: 'boolean' }), { type: 'BOOLEAN' })
  t.same(one({ type: 'array', items: { type: 'string', format: 'date' }, maxItems: 2 }), {
    type: 'ARRAY',
    items: { type: 'STRING', description: 'A date, YYYY-MM-DD.' },
    maxItems: 2,
  })
  t.same(one({ type: ['string', 'null'], description: 'D' }, { required: ['it'] }), {
    type: 'STRING',
    description: 'D',
    nullable: true,
  })
  t.same(
    one(
      { anyOf: [{ type: 'string' }, { type: 'integer' }, { type: 'null' }], description: 'D' },
      { required: ['it'] },
    ),
    { description: 'D', anyOf: [{ type: 'STRING' }, { type: 'INTEGER' }], nullable: true },
  )
})

t.test('what it has no word for is JSON text', async t => {
  t.same(one({ type: 'object', additionalProperties: { type: 'string' } }), {
    type: 'STRING',
    description: 'JSON text of the form {any name: string}',
  })
  t.same(one({ description: 'D' }), { type: 'STRING', description: 'D. Any value, as text.' })
  t.same(one({ type: 'array' }), {
    type: 'ARRAY',
    items: { type: 'STRING', description: 'Any value, as text.' },
  })
  t.same(
    one({ properties: { a: { type: 'string' }, 'b-c': { type: 'string' } }, required: ['a'] }),
    { type: 'OBJECT', properties: { a: { type: 'STRING' } }, required: ['a'] },
  )
})

t.test('a tool without arguments has no parameters', async t => {
  t.equal(geminiSubset({ type: 'object', properties: {} }), undefined)
})
