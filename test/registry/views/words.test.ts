import t from 'tap'
import { cut } from '../../../src/registry/views/view.ts'
import { describe, sketch, withWords } from '../../../src/registry/views/words.ts'

const words: [schema: Record<string, unknown>, said: string][] = [
  [{ enum: ['a', 'b'] }, 'One of: a, b.'],
  [{ enum: ['a'] }, 'Always a.'],
  [{ enum: ['metric', 'si'], description: 'metric or si' }, ''],
  [{ minimum: 1, maximum: 16 }, '1 to 16.'],
  [{ minimum: 1, maximum: 16, description: 'Days, 1–16' }, ''],
  [{ minimum: 1, maximum: 1.5, description: 'Of 15, 1' }, '1 to 1.5.'],
  [{ minimum: 1 }, 'At least 1.'],
  [{ maximum: 9 }, 'At most 9.'],
  [{ exclusiveMinimum: 0, exclusiveMaximum: 1 }, 'More than 0, less than 1.'],
  [{ multipleOf: 5 }, 'A multiple of 5.'],
  [{ minLength: 1, maxLength: 80 }, 'At most 80 characters.'],
  [{ minLength: 2, maxLength: 80 }, '2 to 80 characters.'],
  [{ minLength: 2 }, 'At least 2 characters.'],
  [{ minItems: 4, maxItems: 4 }, 'Exactly 4 items.'],
  [{ minItems: 1, maxItems: 3, uniqueItems: true }, '1 to 3 items, no item twice.'],
  [{ minItems: 0 }, ''],
  [{ minItems: 2 }, 'At least 2 items.'],
  [{ maxItems: 2 }, 'At most 2 items.'],
  [{ format: 'date' }, 'A date, YYYY-MM-DD.'],
  [{ format: 'ipv4' }, 'Format: ipv4.'],
  [{ format: 'int32' }, ''],
  [{ pattern: '^a$' }, 'Must match ^a$.'],
  [{ default: 3 }, 'Default 3.'],
  [{ default: 3, description: 'Days, default 3' }, ''],
  [{ default: ['a', 'b'] }, 'Default a, b.'],
  [{ default: { a: 1 } }, 'Default {"a":1}.'],
  [{ default: '' }, ''],
]

t.test('each keyword has its words, and none is said twice', async t => {
  for (const [schema, said] of words)
    t.equal(describe(schema).join(' '), said, JSON.stringify(schema))
  t.same(describe({ minimum: 1 }, 'Each is'), ['Each is at least 1.'])
})

t.test('many values are told in part, and counted', async t => {
  const many = Array.from({ length: 300 }, (_, index) => `value_${index}`)
  t.match(describe({ enum: many })[0], /^One of: value_0, .*… \(300 in all\)\.$/)
})

t.test('the description gives way to the facts', async t => {
  t.equal(withWords('Days', ['Default 3.']), 'Days. Default 3.')
  t.equal(withWords(undefined, []), '')
  t.equal(withWords('天数。', ['Default 3.']), '天数。 Default 3.')
  const long = withWords('x'.repeat(900), ['Default 3.'])
  t.equal(long.length, 700)
  t.match(long, /x… Default 3\.$/)
  t.equal(withWords('Days', ['y'.repeat(900)]).length, 700, 'facts alone may fill it')
})

t.test('a text is cut at a word, and no character is halved', async t => {
  t.equal(cut('one two three', 13), 'one two three')
  t.equal(cut('one two three', 12), 'one two thr…')
  t.equal(cut('abcdefgh ijkl', 11), 'abcdefgh…')
  t.equal(cut('😀😀', 2), '…')
  t.equal(cut('abcdefgh', 4), 'abc…')
})

t.test('a nested value has a picture in one line', async t => {
  const schema = {
    type: 'object',
    properties: {
      a: { type: 'string' },
      b: { type: 'array', items: { enum: ['x', 1] } },
      c: { anyOf: [{ type: 'integer' }, {}] },
      d: { type: 'array', prefixItems: [{ type: 'number' }, { type: 'number' }] },
    },
    required: ['a'],
    additionalProperties: { type: 'boolean' },
  }
  t.equal(
    sketch(schema),
    '{"a": string, "b"?: ["x" | 1, …], "c"?: integer | any value, "d"?: [number, number], any name: boolean}',
  )
  t.equal(sketch({ type: 'array' }), '[any value, …]')
  t.equal(
    sketch({ type: 'array', items: { type: 'array', items: {} } }, 1),
    '[…, …]',
    'only so deep',
  )
})
