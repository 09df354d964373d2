import t from 'tap'
import { Check } from 'typebox/schema'
import type { JsonSchema } from '../../../src/registry/tool.ts'
import { strict } from '../../../src/registry/views/strict.ts'
import { nested } from '../../../src/registry/views/walk.ts'
import { awkwardTools, ownTools } from '../../fixtures/awkward-tools.ts'

const object = (properties: object, rest: object = {}): JsonSchema => ({
  type: 'object',
  properties,
  ...rest,
})

t.test('strict for OpenAI: all required, the optional nullable, objects closed', async t => {
  const schema = strict(
    object(
      {
        a: { type: 'string', minLength: 2, description: 'A' },
        b: { type: 'integer', minimum: 1, default: 3 },
        c: { enum: ['x', 'y'] },
        d: { anyOf: [{ type: 'string' }, { type: 'integer' }] },
        e: { type: 'string', pattern: '^(?=a)', format: 'uri' },
        f: {
          type: 'array',
          items: { properties: { g: { type: 'string', format: 'date', pattern: '^a' } } },
        },
      },
      { required: ['a'] },
    ),
    'openai',
  )
  t.same(schema, {
    type: 'object',
    properties: {
      a: { type: 'string', description: 'A. At least 2 characters.' },
      b: { type: ['integer', 'null'], description: 'Default 3.', minimum: 1 },
      c: { type: ['string', 'null'], enum: ['x', 'y', null] },
      d: { anyOf: [{ type: 'string' }, { type: 'integer' }, { type: 'null' }] },
      e: { type: ['string', 'null'], description: 'A URL. Must match ^(?=a).' },
      f: {
        type: ['array', 'null'],
        items: {
          type: 'object',
          properties: { g: { type: ['string', 'null'], format: 'date', pattern: '^a' } },
          required: ['g'],
          additionalProperties: false,
        },
      },
    },
    required: ['a', 'b', 'c', 'd', 'e', 'f'],
    additionalProperties: false,
  })
})

t.test('strict for Anthropic: objects closed, ranges in words', async t => {
  t.same(
    strict(
      object({
        a: { type: 'integer', minimum: 1, maximum: 5 },
        b: { type: 'array', items: { type: 'string', format: 'uri' }, minItems: 1 },
        c: { type: 'array', items: { type: 'string', format: 'x' }, minItems: 2 },
      }),
      'anthropic',
    ),
    {
      type: 'object',
      properties: {
        a: { type: 'integer', description: '1 to 5.' },
        b: { type: 'array', minItems: 1, items: { type: 'string', format: 'uri' } },
        c: {
          type: 'array',
          description: 'At least 2 items.',
          items: { type: 'string', description: 'Format: x.' },
        },
      },
      required: [],
      additionalProperties: false,
    },
  )
})

t.test('what cannot be said strictly is not', async t => {
  let deep: JsonSchema = { type: 'string' }
  for (let level = 0; level < 12; level++) deep = object({ a: deep })
  const many = Object.fromEntries(
    Array.from({ length: 4_000 }, (_, index) => [`a${index}`, { type: 'string' }]),
  )
  const refusals: [why: string, schema: JsonSchema][] = [
    ['any value', object({ a: {} })],
    ['any names', object({ a: { type: 'object', additionalProperties: { type: 'string' } } })],
    ['an open object of nothing', object({ a: { type: 'object' } })],
    ['a list of anything', object({ a: { type: 'array' } })],
    [
      'something of it any value',
      object({ a: { anyOf: [{ type: 'object' }, { type: 'string' }] } }),
    ],
    ['something recursive', object({ a: { $ref: '#' } })],
    ['too deep', deep],
    [
      'too many values',
      object({ a: { enum: Array.from({ length: 1_001 }, (_, index) => index) } }),
    ],
    [
      'too much text',
      object({
        a: { enum: Array.from({ length: 900 }, (_, index) => `${index}${'x'.repeat(200)}`) },
      }),
    ],
    ['too many properties', object({ a: object(many), b: object(many, { description: 'b' }) })],
  ]
  for (const [why, schema] of refusals)
    for (const rules of ['openai', 'anthropic'] as const)
      t.equal(strict(schema, rules), undefined, `${why}, ${rules}`)
})

t.test(
  'a strict schema keeps every example that leaves nothing out, and none of the refused keywords',
  async t => {
    const refused = ['default', 'minLength', 'maxLength', '$ref', 'oneOf', 'allOf', 'not']
    for (const tool of awkwardTools) {
      const schema = strict(tool.input, 'openai')
      for (const found of schema ? nested(schema, tool.name) : [])
        t.notOk(
          refused.find(keyword => keyword in found.schema),
          found.at,
        )
    }
    for (const tool of ownTools)
      for (const { input } of tool.examples) {
        const schema = strict(tool.input, 'openai')
        const whole = {
          ...Object.fromEntries(
            Object.keys((schema?.['properties'] ?? {}) as object).map(name => [name, null]),
          ),
          ...input,
        }
        if (schema) t.ok(Check(schema, whole), tool.name)
      }
  },
)
