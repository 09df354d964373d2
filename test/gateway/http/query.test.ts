import t from 'tap'
import {
  checkQuery,
  flagOf,
  listOf,
  numberOf,
  oneOf,
  type Query,
  selectionOf,
} from '../../../src/gateway/http/query.ts'

t.test('a misspelt parameter is refused with the nearest', async t => {
  checkQuery({ limit: '1', key: 'anything' }, ['limit'])
  const refusals: [Query, RegExp][] = [
    [{ limt: '1' }, /"limt" is not known: did you mean "limit"\?; there are limit, cursor/],
    [{ zzzzzz: '1' }, /"zzzzzz" is not known; there are limit, cursor/],
  ]
  for (const [query, message] of refusals)
    t.throws(() => checkQuery(query, ['limit', 'cursor']), {
      code: 'TG_QUERY',
      status: 400,
      message,
    })
  t.throws(() => checkQuery({ a: '1' }, []), { message: /"a" is not known$/ })
})

t.test('values are read by what they stand for', async t => {
  t.equal(oneOf({ a: 'x' }, 'a'), 'x')
  t.equal(oneOf({ a: '' }, 'a'), undefined)
  t.equal(oneOf({}, 'a'), undefined)
  t.same(listOf({ a: 'x, y,,' }, 'a'), ['x', 'y'])
  t.same(listOf({ a: ['x', 'y,z'] }, 'a'), ['x', 'y', 'z'])
  t.equal(listOf({ a: ',' }, 'a'), undefined)
  for (const yes of ['1', 'true', 'YES']) t.equal(flagOf({ a: yes }, 'a'), true)
  for (const no of ['0', 'False', 'no']) t.equal(flagOf({ a: no }, 'a'), false)
  t.equal(flagOf({}, 'a'), undefined)
  t.equal(numberOf({ a: '7' }, 'a', { min: 1, max: 9 }), 7)
  t.equal(numberOf({}, 'a', { min: 1, max: 9 }), undefined)
})

t.test('what stands for nothing is refused by its name', async t => {
  const bounds = { min: 1, max: 9 }
  const refusals: [() => unknown, RegExp][] = [
    [() => oneOf({ a: ['x', 'y'] }, 'a'), /"a" is given more than once/],
    [() => flagOf({ a: 'perhaps' }, 'a'), /"a" must be true or false, not "perhaps"/],
    ...['0', '10', '-1', '1.5', '1e0', 'x', '99999999999999999999'].map(
      (a): [() => unknown, RegExp] => [
        () => numberOf({ a }, 'a', bounds),
        /"a" must be a whole number of 1 to 9/,
      ],
    ),
    [() => selectionOf({ available: 'some' }), /"available" must be "all", not "some"/],
  ]
  for (const [read, message] of refusals) t.throws(read, { code: 'TG_QUERY', message })
})

t.test('a slice names tools, tags, and whether what cannot work is in it', async t => {
  t.same(selectionOf({}), { all: false })
  t.same(selectionOf({ tools: 'a*,b', tags: ['x', 'y'], available: 'all' }), {
    tools: ['a*', 'b'],
    tags: ['x', 'y'],
    all: true,
  })
})
