import t from 'tap'
import { Check } from 'typebox/schema'
import { weaken } from '../../../src/registry/views/weaken.ts'
import { awkwardTools } from '../../fixtures/awkward-tools.ts'

const one = (schema: object) => weaken({ type: 'object', properties: { it: schema } })

t.test('an answer that fits the tool fits what importers are told', async t => {
  for (const tool of awkwardTools)
    for (const { output } of tool.examples) t.ok(Check(weaken(tool.output), output), tool.name)
})

t.test('what the core cannot say is left out and told in words', async t => {
  t.same(one({ type: ['number', 'null'] }), {
    type: 'object',
    description: 'Also it (number | null).',
    properties: {},
  })
  t.same(one({}), { type: 'object', description: 'Also it (any value).', properties: {} })
  t.same(
    one({ type: 'array', prefixItems: [{ type: 'string' }, { type: 'number' }] })['description'],
    'Also it ([string, number]).',
  )
  t.same(
    one({
      anyOf: [
        { type: 'array', items: {} },
        { type: 'array', items: { type: 'string' } },
      ],
    })['properties'],
    {},
  )
})

t.test('what it can say weaker, it says weaker', async t => {
  const said = (schema: object) => (one(schema)['properties'] as Record<string, unknown>)['it']
  t.same(said({ enum: [1, 2] }), { type: 'integer' })
  t.same(said({ anyOf: [{ type: 'integer' }, { type: 'number' }], description: 'N' }), {
    type: 'number',
    description: 'N',
  })
  t.same(said({ anyOf: [{ properties: { a: {} } }, { properties: { b: {} } }] }), {
    type: 'object',
    properties: {},
  })
  t.same(
    said({ type: 'array', prefixItems: [{ type: 'number' }, { type: 'number' }], minItems: 2 }),
    { type: 'array', items: { type: 'number' }, minItems: 2, maxItems: 2 },
  )
  t.same(
    said({
      type: 'array',
      items: { properties: { a: { type: ['string', 'null'] } }, required: ['a'] },
    }),
    {
      type: 'array',
      items: { type: 'object', description: 'Also a (string | null).', properties: {} },
    },
  )
  t.same(said({ type: 'string', format: 'uri', pattern: 'x' }), { type: 'string', format: 'uri' })
  t.same(said({ type: 'boolean' }), { type: 'boolean' })
})
