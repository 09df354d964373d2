import fc from 'fast-check'
import t from 'tap'
import Type, { type TProperties } from 'typebox'
import { isToolError, type ToolError } from '../../src/registry/errors.ts'
import { nearestName, parseArguments } from '../../src/registry/parse.ts'
import { defineTool, type JsonObject, type JsonSchema, type Tool } from '../../src/registry/tool.ts'
import '../fixtures/seeded.ts'

/** A tool of ours with these inputs. */
const toolWith = (properties: TProperties): Tool =>
  defineTool({
    name: 'probe',
    title: 'Probe',
    description: 'Takes what the test gives.',
    input: Type.Object(properties),
    output: Type.Object({}),
    run: async () => ({}),
  })

/** A tool of somebody else's, whose schema stays as declared. */
const imported = (input: JsonSchema): Tool => ({ ...toolWith({}), source: 'shop', input })

/** The error of a call that must fail. */
function refusal(tool: Tool, args: unknown): ToolError {
  try {
    parseArguments(tool, args)
  } catch (error) {
    if (isToolError(error)) return error
    throw error
  }
  throw new Error('it was taken')
}

const probe = toolWith({
  place: Type.String({ description: 'A city', minLength: 1 }),
  days: Type.Optional(Type.Integer({ minimum: 1, maximum: 16, default: 3 })),
  ratio: Type.Optional(Type.Number()),
  draw: Type.Optional(Type.Boolean()),
  labels: Type.Optional(Type.Array(Type.String())),
  sizes: Type.Optional(Type.Array(Type.Integer(), { maxItems: 4 })),
  area: Type.Optional(
    Type.Object({
      name: Type.String(),
      box: Type.Optional(Type.Array(Type.Number(), { minItems: 4, maxItems: 4 })),
      unit: Type.Optional(Type.String({ default: 'px' })),
    }),
  ),
  points: Type.Optional(Type.Array(Type.Array(Type.Number()))),
  mode: Type.Optional(Type.Union([Type.Literal('fast'), Type.Literal('exact')])),
  limit: Type.Optional(Type.Union([Type.Integer({ minimum: 1 }), Type.Null()])),
})

t.test('forgives the form of an argument', async t => {
  const forms: [string, JsonObject, JsonObject][] = [
    ['a number as a text', { days: '5' }, { days: 5 }],
    ['a number with spaces and a sign', { ratio: ' +2.5e1 ' }, { ratio: 25 }],
    ['a whole number written as a decimal', { days: '3.0' }, { days: 3 }],
    ['true as a text', { draw: 'True' }, { draw: true }],
    ['no as a text', { draw: 'no' }, { draw: false }],
    ['an empty text for an absent optional', { days: '' }, { days: 3 }],
    ['null for an absent optional', { ratio: null }, {}],
    ['null where null is a value', { limit: null }, { limit: null }],
    ['a text for a number that may be null', { limit: '7' }, { limit: 7 }],
    ['a JSON array as a text', { labels: '["a, b","c"]' }, { labels: ['a, b', 'c'] }],
    ['one label', { labels: 'dog' }, { labels: ['dog'] }],
    ['labels with commas', { labels: 'dog, cat ,,' }, { labels: ['dog', 'cat'] }],
    ['labels with Chinese commas', { labels: '狗，猫、鸟' }, { labels: ['狗', '猫', '鸟'] }],
    ['numbers with commas', { sizes: '1, 2' }, { sizes: [1, 2] }],
    ['texts in an array of numbers', { sizes: ['1', 2] }, { sizes: [1, 2] }],
    ['a JSON object as a text', { area: '{"name":"a"}' }, { area: { name: 'a', unit: 'px' } }],
    [
      'texts inside an object',
      { area: { name: 'a', box: '1,2,3,4', unit: null } },
      { area: { name: 'a', box: [1, 2, 3, 4], unit: 'px' } },
    ],
    ['nested arrays as a text', { points: '[["1",2]]' }, { points: [[1, 2]] }],
    ['texts in nested arrays', { points: [['1'], '2,3'] }, { points: [[1], [2, 3]] }],
  ]
  for (const [what, args, expected] of forms) {
    const parsed = parseArguments(probe, { place: 'Paris', ...args })
    t.same(parsed, { place: 'Paris', days: 3, ...expected }, what)
  }
})

t.test('arguments as a JSON text are arguments, and none are none', async t => {
  t.same(parseArguments(probe, '{"place":"Paris"}'), { place: 'Paris', days: 3 })
  t.same(parseArguments(probe, '"{\\"place\\":\\"Paris\\"}"'), { place: 'Paris', days: 3 })
  const free = toolWith({ a: Type.Optional(Type.String()) })
  for (const none of [undefined, null, '', '{}', 'null']) t.same(parseArguments(free, none), {})
})

t.test('never forgives meaning', async t => {
  const refusals: [string, unknown, string, RegExp][] = [
    [
      'a part of a number',
      { days: 3.7 },
      'TG_ARGUMENT_INVALID',
      /days must be an integer, not 3.7/,
    ],
    ['a word for a number', { days: 'three' }, 'TG_ARGUMENT_INVALID', /an integer, not "three"/],
    [
      'a number too large to hold',
      { days: '12345678901234567890' },
      'TG_ARGUMENT_INVALID',
      /an integer, not "12345/,
    ],
    ['infinity', { ratio: '1e999' }, 'TG_ARGUMENT_INVALID', /a number, not "1e999"/],
    ['a hexadecimal', { days: '0x10' }, 'TG_ARGUMENT_INVALID', /an integer, not "0x10"/],
    ['out of range', { days: '17' }, 'TG_ARGUMENT_INVALID', /days must be <= 16, not 17/],
    ['perhaps', { draw: 'perhaps' }, 'TG_ARGUMENT_INVALID', /a boolean, not "perhaps"/],
    [
      'null for a text that is needed',
      { place: null },
      'TG_ARGUMENT_INVALID',
      /place must be a string, not null/,
    ],
    [
      'an empty text that is needed',
      { place: '' },
      'TG_ARGUMENT_INVALID',
      /place must not be empty/,
    ],
    ['a number for a text', { place: 7 }, 'TG_ARGUMENT_INVALID', /place must be a string, not 7/],
    [
      'a broken JSON array',
      { labels: '["a"' },
      'TG_ARGUMENT_INVALID',
      /labels is not a JSON array/,
    ],
    [
      'a broken JSON object',
      { area: '{"name"' },
      'TG_ARGUMENT_INVALID',
      /area is not a JSON object/,
    ],
    [
      'a broken array inside an object',
      { area: { name: 'a', box: '[1' } },
      'TG_ARGUMENT_INVALID',
      /area.box is not a JSON array/,
    ],
    [
      'too many items',
      { sizes: '1,2,3,4,5' },
      'TG_ARGUMENT_INVALID',
      /sizes must have at most 4 items/,
    ],
    [
      'a bad item',
      { sizes: ['1', 'x'] },
      'TG_ARGUMENT_INVALID',
      /sizes.1 must be an integer, not "x"/,
    ],
    [
      'a list of lists on commas',
      { points: '1,2' },
      'TG_ARGUMENT_INVALID',
      /points must be an array/,
    ],
    [
      'none of the words',
      { mode: 'best' },
      'TG_ARGUMENT_INVALID',
      /mode must be one of fast, exact, not "best"/,
    ],
    [
      'a union, by the member that fits best',
      { limit: 0 },
      'TG_ARGUMENT_INVALID',
      /limit must be >= 1, not 0/,
    ],
    [
      'a union of types',
      { limit: 'x' },
      'TG_ARGUMENT_INVALID',
      /limit must be an integer, not "x"/,
    ],
    [
      'a part that is missing',
      { area: {} },
      'TG_ARGUMENT_MISSING',
      /probe needs the argument "area.name"/,
    ],
    [
      'an unknown part',
      { area: { name: 'a', bos: [] } },
      'TG_ARGUMENT_UNKNOWN',
      /no argument "area.bos"/,
    ],
    ['an unknown argument', { colour: 1 }, 'TG_ARGUMENT_UNKNOWN', /probe has no argument "colour"/],
    [
      '__proto__',
      JSON.parse('{"__proto__":{"days":9}}'),
      'TG_ARGUMENT_UNKNOWN',
      /no argument "__proto__"/,
    ],
    ['constructor', { constructor: 1 }, 'TG_ARGUMENT_UNKNOWN', /no argument "constructor"/],
  ]
  for (const [what, args, code, message] of refusals)
    t.match(
      refusal(probe, { place: 'Paris', ...(args as JsonObject) }),
      { code, status: 400, message },
      what,
    )
  for (const args of [[], 7, true, '[1]', '"x"', 'x'])
    t.match(refusal(probe, args), { code: 'TG_BODY_INVALID', status: 400 }, JSON.stringify(args))
})

t.test('an unknown argument is answered with the nearest name', async t => {
  const names: [JsonObject, string][] = [
    [{ plcae: 'Paris' }, 'place'],
    [{ Place: 'Paris' }, 'place'],
    [{ city: 'Paris' }, 'place'],
    [{ place: 'Paris', day: 1 }, 'days'],
    [{ place: 'Paris', lables: 'a' }, 'labels'],
    [{ place: 'Paris', area: { name: 'a', bos: [] } }, 'area.box'],
  ]
  for (const [args, nearest] of names)
    t.match(refusal(probe, args), { hint: `did you mean "${nearest}"?`, details: { nearest } })
  t.match(refusal(toolWith({}), { a: 1 }), { hint: 'it takes no arguments' })
  t.match(refusal(toolWith({ a: Type.String() }), { a: 'x', b: 1 }), {
    hint: 'its arguments are a',
  })
})

t.test('what is missing is said with its description', async t => {
  t.match(refusal(probe, {}), {
    code: 'TG_ARGUMENT_MISSING',
    message: 'probe needs the argument "place"',
    hint: 'place: A city',
  })
})

t.test('the error of a huge argument is short and soon', async t => {
  const huge: [string, JsonObject][] = [
    ['a name', { ['x'.repeat(1_000_000)]: 1 }],
    ['a text', { days: 'x'.repeat(1_000_000) }],
    ['a million bad items', { labels: Array(1_000_000).fill(1) }],
    ['too many items', { sizes: Array(1_000_000).fill(1) }],
    ['a bad item far behind', { labels: [...Array(5_000).fill('a'), 1] }],
    ['a nest', { labels: '['.repeat(100_000) }],
    ['a nest in a nest', { points: `${'['.repeat(60)}${']'.repeat(60)}` }],
  ]
  for (const [what, args] of huge) {
    const startedAt = performance.now()
    const { status, message, details } = refusal(probe, { place: 'Paris', ...args })
    t.equal(status, 400, what)
    t.ok(message.length < 400, `${what}: message`)
    t.ok(JSON.stringify(details).length < 1_000, `${what}: details`)
    t.ok(performance.now() - startedAt < 5_000, `${what}: soon`)
  }
  t.match(refusal(probe, `{"place":${'['.repeat(100)}${']'.repeat(100)}}`), {
    code: 'TG_BODY_INVALID',
    message: /nests deeper than 64 levels/,
  })
})

t.test('an imported schema stays as declared', async t => {
  const tool = imported({
    type: 'object',
    properties: {
      count: { anyOf: [{ type: 'integer' }, { type: 'null' }], default: null },
      size: { $ref: '#/$defs/Size' },
      tree: { $ref: '#/$defs/Tree' },
      flags: { type: ['boolean', 'integer'] },
      colours: { type: 'array', items: { enum: ['red', 'blue'] } },
      level: { enum: [1, 2, 3] },
      knot: { $ref: '#/$defs/Knot' },
      anything: true,
    },
    required: ['size'],
    $defs: {
      Size: { type: 'integer', minimum: 1 },
      Knot: { anyOf: [{ $ref: '#/$defs/Knot' }, { $ref: '#/$defs/Knot' }, { type: 'null' }] },
      Tree: {
        type: 'object',
        properties: { child: { $ref: '#/$defs/Tree' }, n: { type: 'integer' } },
      },
    },
  })
  const taken: [JsonObject, JsonObject][] = [
    [
      { size: '2', extra: 'kept' },
      { size: 2, extra: 'kept' },
    ],
    [
      { size: 2, count: '3' },
      { size: 2, count: 3 },
    ],
    [
      { size: 2, flags: 'true' },
      { size: 2, flags: true },
    ],
    [
      { size: 2, flags: '7' },
      { size: 2, flags: 7 },
    ],
    [
      { size: 2, colours: 'red,blue' },
      { size: 2, colours: ['red', 'blue'] },
    ],
    [
      { size: 2, level: '3' },
      { size: 2, level: 3 },
    ],
    [
      { size: 2, anything: { deep: ['3'] } },
      { size: 2, anything: { deep: ['3'] } },
    ],
    [
      { size: 2, tree: { child: { n: 1 } } },
      { size: 2, tree: { child: { n: 1 } } },
    ],
  ]
  for (const [args, parsed] of taken)
    t.same(parseArguments(tool, args), parsed, JSON.stringify(args))
  t.match(refusal(tool, { size: 0 }), { message: /size must be >= 1, not 0/ })
  t.match(refusal(tool, { size: 1, tree: { child: { n: 'x' } } }), {
    message: /tree.child.n must be/,
  })
  t.match(refusal(tool, { size: 1, colours: 'red,green' }), {
    message: /colours.1 must be one of red, blue/,
  })
  t.match(refusal(tool, JSON.parse('{"size":1,"__proto__":1}')), { code: 'TG_ARGUMENT_UNKNOWN' })
  t.same(
    parseArguments(
      imported({ type: 'object', patternProperties: { '^x': {} }, additionalProperties: false }),
      { xy: 1 },
    ),
    { xy: 1 },
  )
})

t.test('a foreign schema of which no check can be made is left to its owner', async t => {
  const broken = { type: 'object', properties: { a: { type: 'string', pattern: '[' } } }
  t.same(parseArguments(imported(broken), { a: 'x' }), { a: 'x' })
  t.throws(() => parseArguments({ ...imported(broken), source: 'local' }, { a: 'x' }), SyntaxError)
})

t.test('a default is a new value for each call', async t => {
  const tool = toolWith({ list: Type.Array(Type.String(), { default: ['a'] }) })
  const first = parseArguments(tool, {})
  t.same(first, { list: ['a'] })
  ;(first['list'] as string[]).push('b')
  t.same(parseArguments(tool, {}), { list: ['a'] })
})

t.test('whatever comes, it is taken or refused with a sentence', async t => {
  const key = fc.oneof(
    fc.constantFrom(...Object.keys(probe.input['properties'] as object)),
    fc.string(),
  )
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 4 }),
    fc.json(),
    fc.string(),
    fc.constantFrom('', null, '[', '1,2'),
  )
  const args = fc.oneof(fc.dictionary(key, value), fc.jsonValue(), fc.json())
  const never = fc.property(args, given => {
    try {
      parseArguments(probe, given)
    } catch (error) {
      return isToolError(error) && error.status === 400 && error.message.length < 500
    }
    return true
  })
  // A failure prints its seed and the smallest arguments that cause it.
  fc.assert(never, { numRuns: 2_000 })
  t.pass('no other error')
})

t.test('a name is near when it is a misspelling', async t => {
  const names = ['weather_now', 'weather_forecast', 'ocr']
  t.equal(nearestName('wether_now', names), 'weather_now')
  t.equal(nearestName('OCR', names), 'ocr')
  t.equal(nearestName('translate_text', names), undefined)
  t.equal(nearestName('x', []), undefined)
  const many = Array.from({ length: 10_000 }, (_, index) => `tool_number_${index}`)
  const startedAt = performance.now()
  nearestName('x'.repeat(10_000_000), many)
  t.ok(performance.now() - startedAt < 5_000, 'a huge name costs no more than a long one')
})
