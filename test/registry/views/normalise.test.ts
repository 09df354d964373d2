import t from 'tap'
import type { JsonSchema } from '../../../src/registry/tool.ts'
import { inline, normalise } from '../../../src/registry/views/normalise.ts'

const input = (schema: unknown): JsonSchema => inline(schema, 'input')
const output = (schema: unknown): JsonSchema => inline(schema, 'output')

const forms: [what: string, schema: unknown, normal: JsonSchema][] = [
  ['a scalar stays', { type: 'string', maxLength: 3 }, { type: 'string', maxLength: 3 }],
  ['true is anything', true, {}],
  ['false is nothing', false, { not: {} }],
  ['a const is an enum of one', { const: 'x' }, { type: 'string', enum: ['x'] }],
  ['an enum has the type of its values', { enum: [1, 2.5] }, { type: 'number', enum: [1, 2.5] }],
  ['whole numbers are integers', { enum: [1, 2] }, { type: 'integer', enum: [1, 2] }],
  ['truths are booleans', { const: true }, { type: 'boolean', enum: [true] }],
  [
    'mixed values are a union',
    { enum: ['a', 1], description: 'D' },
    {
      description: 'D',
      anyOf: [
        { type: 'string', enum: ['a'] },
        { type: 'integer', enum: [1] },
      ],
    },
  ],
  [
    'literals become one enum',
    { anyOf: [{ const: 'a' }, { const: 'b' }], default: 'a' },
    { type: 'string', enum: ['a', 'b'], default: 'a' },
  ],
  [
    'a list of types is a union, each with its own keywords',
    { type: ['string', 'number'], minLength: 1, minimum: 2, title: 'T' },
    {
      description: 'T',
      anyOf: [
        { type: 'string', minLength: 1 },
        { type: 'number', minimum: 2 },
      ],
    },
  ],
  [
    'one of anything is anything',
    { anyOf: [{ type: 'string' }, {}], description: 'D' },
    { description: 'D' },
  ],
  ['one of nothing is nothing', { anyOf: [false] }, { not: {} }],
  ['an empty union says nothing', { anyOf: [] }, {}],
  [
    'equal members are one',
    { oneOf: [{ type: 'string' }, { type: 'string' }] },
    { type: 'string' },
  ],
  [
    'unions in unions are one',
    { anyOf: [{ anyOf: [{ type: 'string' }, { type: 'integer' }] }, { type: 'boolean' }] },
    { anyOf: [{ type: 'string' }, { type: 'integer' }, { type: 'boolean' }] },
  ],
  [
    'draft 4 bounds are modern ones',
    { type: 'integer', minimum: 0, exclusiveMinimum: true },
    { type: 'integer', exclusiveMinimum: 0 },
  ],
  [
    'a bound that is not exclusive stays',
    { type: 'number', maximum: 9, exclusiveMaximum: false },
    { type: 'number', maximum: 9 },
  ],
  [
    'properties make an object',
    { properties: { a: { type: 'string' } } },
    { type: 'object', properties: { a: { type: 'string' } }, required: [] },
  ],
  [
    'items make an array',
    { items: { type: 'string' } },
    { type: 'array', items: { type: 'string' } },
  ],
  ['a pattern makes a string', { pattern: '^a' }, { type: 'string', pattern: '^a' }],
  ['a bound makes a number', { minimum: 1 }, { type: 'number', minimum: 1 }],
  [
    'old tuples are new ones',
    { type: 'array', items: [{ type: 'string' }, { type: 'number' }] },
    {
      type: 'array',
      prefixItems: [{ type: 'string' }, { type: 'number' }],
      minItems: 0,
      maxItems: 2,
    },
  ],
  [
    'a record keeps its values',
    { type: 'object', patternProperties: { '^.*$': { type: 'number' } } },
    { type: 'object', properties: {}, required: [], additionalProperties: { type: 'number' } },
  ],
  [
    'an open object says nothing of it',
    { type: 'object', additionalProperties: {} },
    { type: 'object', properties: {}, required: [] },
  ],
  [
    'a closed object stays closed',
    { type: 'object', properties: {}, additionalProperties: false },
    { type: 'object', properties: {}, required: [], additionalProperties: false },
  ],
  [
    'what is required is declared',
    { type: 'object', required: ['a', 'a', 1] },
    { type: 'object', properties: { a: {} }, required: ['a'] },
  ],
  [
    'rules without words are told of',
    { type: 'string', not: { const: 'x' }, description: 'D' },
    { type: 'string', description: 'D. Further rules are checked when it is called.' },
  ],
  [
    'unknown and internal keywords go',
    { type: 'string', $id: 'x', 'x-y': 1, 'x-toolgate-other': 2, deprecated: true },
    { type: 'string' },
  ],
  [
    'a file is a string that says how',
    { type: 'string', minLength: 1, 'x-toolgate-file': 'image' },
    {
      type: 'string',
      description:
        'A picture. Given as an https URL, a data: URL, or the id of an uploaded file (POST /files).',
    },
  ],
  [
    'an artifact is a URL',
    { type: 'string', 'x-toolgate-artifact': 'image/png' },
    { type: 'string', description: 'A file. A URL of type image/png.' },
  ],
  [
    'allOf is one schema',
    {
      allOf: [
        { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
        { properties: { b: { type: 'integer' } }, required: ['b'] },
        true,
      ],
    },
    {
      type: 'object',
      properties: { a: { type: 'string' }, b: { type: 'integer' } },
      required: ['a', 'b'],
    },
  ],
  [
    'allOf in a property that both state',
    { allOf: [{ properties: { a: { type: 'string' } } }, { properties: { a: { maxLength: 2 } } }] },
    { type: 'object', properties: { a: { type: 'string', maxLength: 2 } }, required: [] },
  ],
  [
    'allOf of enums is what both allow',
    { allOf: [{ enum: ['a', 'b'] }, { enum: ['b', 'c'] }] },
    { type: 'string', enum: ['b'] },
  ],
  [
    'parts closed against each other are open together',
    {
      allOf: [
        { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: false },
        { properties: { b: { type: 'string' } } },
      ],
    },
    { type: 'object', properties: { a: { type: 'string' }, b: { type: 'string' } }, required: [] },
  ],
]

t.test('every schema has one form', async t => {
  for (const [what, schema, normal] of forms) t.same(output(schema), normal, what)
})

t.test('null is a member of an output, and of an input that must be there', async t => {
  const object = {
    type: 'object',
    properties: { a: { type: ['string', 'null'] }, b: { type: 'integer', nullable: true } },
    required: ['b'],
  }
  const a = { anyOf: [{ type: 'string' }, { type: 'null' }] }
  const b = { anyOf: [{ type: 'integer' }, { type: 'null' }] }
  t.same(output(object)['properties'], { a, b })
  t.same(
    input(object)['properties'],
    { a: { type: 'string' }, b },
    'an optional input is left out instead',
  )
  t.same(input({ properties: { a: { type: 'null' } } })['properties'], { a: { type: 'null' } })
})

t.test('a property that nothing fits is left out unless it is required', async t => {
  const schema = { type: 'object', properties: { a: false, b: false }, required: ['b'] }
  t.same(input(schema)['properties'], { b: { not: {} } })
})

t.test('references are followed', async t => {
  const root = {
    $defs: {
      Name: { type: 'string' },
      'a/b c': { $ref: '#/$defs/Name', description: 'D' },
      Named: { $anchor: 'here', type: 'boolean' },
    },
    properties: {
      name: { $ref: '#/$defs/Name', description: 'Mine' },
      odd: { $ref: '#/$defs/a~1b%20c' },
      anchored: { $ref: '#here' },
      all: { allOf: [{ $ref: '#/$defs/Name' }], description: 'As Pydantic writes it' },
    },
  }
  t.same(output(root)['properties'], {
    name: { type: 'string', description: 'Mine' },
    odd: { type: 'string', description: 'D' },
    anchored: { type: 'boolean' },
    all: { type: 'string', description: 'As Pydantic writes it' },
  })
})

t.test('what a reference does not lead to is anything', async t => {
  for (const $ref of ['https://example.com/x.json', '#/$defs/None', '#/type/length/x', '#none'])
    t.same(output({ properties: { a: { $ref, description: 'D' } } })['properties'], {
      a: { description: 'D' },
    })
  t.same(output({ $defs: { A: {} }, properties: { a: { $dynamicRef: '#A' } } })['properties'], {
    a: {},
  })
})

t.test('a cycle ends in its type', async t => {
  const list = { type: 'object', properties: { next: { $ref: '#' } } }
  t.same(output(list), {
    type: 'object',
    properties: {
      next: {
        type: 'object',
        properties: {
          next: {
            type: 'object',
            description: 'The same kind of value again.',
            properties: {},
            required: [],
          },
        },
        required: [],
      },
    },
    required: [],
  })
  t.same(
    output({ $ref: '#' }),
    { description: 'The same kind of value again.' },
    'even one without a way in',
  )
  const pair = { $defs: { A: { $ref: '#/$defs/B' }, B: { $ref: '#/$defs/A' } }, $ref: '#/$defs/A' }
  t.same(output(pair), { description: 'The same kind of value again.' })
})

t.test('a schema as deep as a well, or one that multiplies, ends', async t => {
  let deep: JsonSchema = { type: 'string' }
  for (let level = 0; level < 500; level++) deep = { type: 'array', items: deep }
  t.ok(JSON.stringify(output(deep)).length < 3_000)
  let all: JsonSchema = { type: 'string' }
  for (let level = 0; level < 500; level++) all = { allOf: [all] }
  t.ok(output(all))
  const $defs = Object.fromEntries(
    Array.from({ length: 30 }, (_, index) => [
      `L${index}`,
      {
        properties: { a: { $ref: `#/$defs/L${index + 1}` }, b: { $ref: `#/$defs/L${index + 1}` } },
      },
    ]),
  )
  t.ok(JSON.stringify(output({ $defs, $ref: '#/$defs/L0' })).length < 1_000_000)
})

t.test('the root of a tool is an object, whatever it came as', async t => {
  t.same(normalise({}, 'input'), { type: 'object', properties: {}, required: [] })
  t.same(normalise({ type: 'array', description: 'D' }, 'input'), {
    type: 'object',
    description: 'D',
    properties: {},
    required: [],
  })
  const either = normalise(
    {
      description: 'By name or id',
      oneOf: [
        {
          type: 'object',
          properties: { name: { type: 'string' }, kind: { const: 'a' }, n: { type: 'string' } },
          required: ['name', 'kind'],
          additionalProperties: false,
        },
        {
          type: 'object',
          properties: {
            id: { type: 'integer' },
            kind: { const: 'b' },
            n: { type: 'integer', description: 'N' },
          },
          required: ['id', 'kind'],
          additionalProperties: false,
        },
      ],
    },
    'input',
  )
  t.same(either, {
    type: 'object',
    description: 'By name or id. Give either name, or id.',
    properties: {
      name: { type: 'string' },
      kind: { type: 'string', enum: ['a', 'b'] },
      n: { anyOf: [{ type: 'string' }, { type: 'integer' }] },
      id: { type: 'integer' },
    },
    required: ['kind'],
  })
})

t.test('alternatives beside properties add to them', async t => {
  const schema = {
    type: 'object',
    properties: { a: { type: 'string' }, b: { type: 'string' }, c: {} },
    anyOf: [
      { required: ['a'] },
      { required: ['b'] },
      {
        properties: { c: { type: 'boolean' }, a: { type: 'string', description: 'A' }, b: {} },
        required: ['c'],
      },
      true,
    ],
  }
  t.same(output(schema), {
    type: 'object',
    properties: { a: { type: 'string' }, b: { type: 'string' }, c: { type: 'boolean' } },
    required: [],
  })
})
