import t from 'tap'
import { Check } from 'typebox/schema'
import { parseArguments } from '../../../src/registry/parse.ts'
import { flatten, flattenExample, isPortableName } from '../../../src/registry/views/flatten.ts'
import { awkwardTools, imported, ownTools } from '../../fixtures/awkward-tools.ts'

const scalars = ['string', 'integer', 'number', 'boolean']
const one = (schema: object) =>
  flatten({ type: 'object', properties: { it: schema } }).properties['it']

t.test('every argument of every tool is a described scalar', async t => {
  for (const { name, input } of awkwardTools)
    for (const [argument, property] of Object.entries(flatten(input).properties)) {
      t.ok(scalars.includes(property.type), `${name}.${argument} is one`)
      t.ok(property.description.length > 0 && property.description.length <= 700)
    }
})

t.test('what a scalar cannot say is said in words', async t => {
  t.same(one({ type: 'array', items: { enum: ['a', 'b'] }, minItems: 1 }), {
    type: 'string',
    description:
      'it. Several values are separated by commas, or given as a JSON array. Each is one of: a, b. At least 1 items.',
  })
  t.same(
    one({ type: 'array', items: { type: 'number' } })?.description,
    'it. Several numbers are separated by commas, or given as a JSON array.',
  )
  t.same(
    one({ type: 'object', properties: { a: { type: 'string' } } })?.description,
    'it. JSON text of the form {"a"?: string}',
  )
  t.same(one({ enum: [1, 2] }), { type: 'integer', description: 'it. One of: 1, 2.' })
  t.same(one({ anyOf: [{ type: 'integer' }, { type: 'number' }] })?.type, 'number')
  t.same(one({ anyOf: [{ type: 'integer' }, { type: 'string' }] }), {
    type: 'string',
    description: 'it. Either integer | string.',
  })
  t.same(one({})?.description, 'it. Any value; a list or an object as JSON text.')
  t.same(
    one({ type: 'integer', default: 1.5 }),
    { type: 'integer', description: 'it. Default 1.5.' },
    'a default of another type is words alone',
  )
  t.same(one({ type: 'string', format: 'date', default: '2026-01-01' }), {
    type: 'string',
    description: 'it. A date, YYYY-MM-DD. Default 2026-01-01.',
    default: '2026-01-01',
    format: 'date',
  })
  t.same(
    one({ type: 'string', format: 'binary' }),
    { type: 'string', description: 'it' },
    'a format that importers take for a file is none',
  )
})

t.test('a null that must be given is told of', async t => {
  const { properties, required } = flatten({
    type: 'object',
    properties: { it: { type: ['integer', 'null'], minimum: 1 } },
    required: ['it'],
  })
  t.same(properties['it'], {
    type: 'integer',
    description: 'it. At least 1. Null is taken too, where it can be sent.',
  })
  t.same(required, ['it'])
})

t.test('an optional argument that importers cannot name is left out, and told of', async t => {
  const flat = flatten({
    type: 'object',
    properties: { 'a-b': { type: 'string' }, from: {}, 'c d': {} },
    required: ['c d'],
  })
  t.same(Object.keys(flat.properties), ['c d'])
  t.equal(flat.description, 'Left out here, as they cannot be named: a-b, from.')
  t.ok(
    isPortableName('_a9') &&
      !isPortableName('9a') &&
      !isPortableName('class') &&
      !isPortableName('a'.repeat(65)),
  )
})

t.test('an example in flat form means the same to the gateway', async t => {
  for (const tool of ownTools)
    for (const { input } of tool.examples) {
      const flat = flattenExample(tool.input, input)
      t.ok(Check(flatten(tool.input), flat), `${tool.name} fits`)
      t.same(parseArguments(tool, flat), parseArguments(tool, input), `${tool.name} means the same`)
    }
})

t.test('a list with commas in it is written as JSON, null is left out', async t => {
  const { input } = imported(
    'x',
    {
      type: 'object',
      properties: {
        l: { type: 'array', items: { type: 'string' } },
        n: { type: 'integer' },
        s: {},
      },
    },
    {},
  )
  t.same(flattenExample(input, { l: ['a', 'b'], n: 1, s: 'x' }), { l: 'a, b', n: 1, s: 'x' })
  t.same(flattenExample(input, { l: ['[a'], n: null, other: 1 }), { l: '["[a"]' })
  t.same(flattenExample(input, { l: [] }), { l: '[]' })
})

t.test('the gateway reads the flat form of schemas that name no type themselves', async t => {
  const { properties } = {
    properties: {
      level: { enum: [1, 2] },
      colours: { type: 'array', items: { enum: ['red', 'blue'] } },
      shape: { $ref: '#/$defs/Shape' },
      either: {
        anyOf: [
          { type: 'object', properties: { a: { type: 'integer' } } },
          { type: 'array', items: { type: 'integer' } },
        ],
      },
      text: { anyOf: [{ type: 'string' }, { type: 'integer' }] },
      maybe: { anyOf: [{ type: 'array', items: { type: 'integer' } }, { type: 'null' }] },
    },
  }
  const tool = imported(
    'x',
    {
      type: 'object',
      properties,
      required: ['maybe'],
      $defs: { Shape: { type: 'object', properties: { n: { type: 'integer' } } } },
    },
    {},
  )
  const flat = {
    level: '2',
    colours: 'red, blue',
    shape: '{"n": 1}',
    either: '[1, 2]',
    text: '7',
    maybe: '1,2',
  }
  t.same(parseArguments(tool, flat), {
    level: 2,
    colours: ['red', 'blue'],
    shape: { n: 1 },
    either: [1, 2],
    text: '7',
    maybe: [1, 2],
  })
  t.same(parseArguments(tool, { either: '{"a": "3"}', maybe: null }), {
    either: { a: 3 },
    maybe: null,
  })
  t.throws(() => parseArguments(tool, { either: 'neither', maybe: [] }), {
    code: 'TG_ARGUMENT_INVALID',
  })
})
