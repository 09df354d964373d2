import t from 'tap'
import { createRegistry } from '../../src/registry/registry.ts'
import { globOf, type Selection, selectTools } from '../../src/registry/select.ts'
import { echoTool } from '../fixtures/tools.ts'

const registry = createRegistry([
  echoTool({ name: 'weather_now', tags: ['weather'] }),
  echoTool({ name: 'weather_history', tags: ['weather', 'past'] }),
  echoTool({ name: 'ocr', tags: ['pictures'] }),
  echoTool({
    name: 'paid',
    tags: ['weather'],
    requires: () => ({ reason: 'no key', remedy: 'set one' }),
  }),
])

t.test('slices by names and tags', async t => {
  const slices: [Selection, string[]][] = [
    [{}, ['ocr', 'weather_history', 'weather_now']],
    [{ all: true }, ['ocr', 'paid', 'weather_history', 'weather_now']],
    [{ tools: ['ocr'] }, ['ocr']],
    [{ tools: ['weather_*', 'ocr'] }, ['ocr', 'weather_history', 'weather_now']],
    [{ tags: ['pictures', 'past'] }, ['ocr', 'weather_history']],
    [{ tags: ['p*'] }, ['ocr', 'weather_history']],
    [{ tools: ['*'], tags: ['past'] }, ['weather_history']],
    [{ tools: ['ocr'], tags: ['past'] }, []],
    [{ tools: ['paid'] }, []],
    [{ tools: ['paid'], all: true }, ['paid']],
  ]
  for (const [selection, names] of slices)
    t.same(
      selectTools(registry, selection).map(({ name }) => name),
      names,
      JSON.stringify(selection),
    )
})

t.test('what matches nothing is a mistake', async t => {
  const refusals: [Selection, RegExp][] = [
    [
      { tools: ['wether_now'] },
      /"tools" names "wether_now", which is no tool: did you mean "weather_now"\?/,
    ],
    [{ tools: ['ocr', 'translate'] }, /names "translate", which is no tool$/],
    [{ tools: ['maps_*'] }, /the pattern "maps_\*", which matches no tool/],
    [{ tags: ['maps'] }, /"tags" names "maps": the tags are past, pictures, weather/],
  ]
  for (const [selection, message] of refusals)
    t.throws(() => selectTools(registry, selection), { code: 'TG_QUERY', status: 400, message })
})

t.test('a star stands for any run of characters, and nothing else has a meaning', async t => {
  const matches: [string, string, boolean][] = [
    ['a', 'a', true],
    ['a', 'ab', false],
    ['*', '', true],
    ['a*', 'a', true],
    ['*a', 'ba', true],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['a*b*c', 'axxbyyc', true],
    ['a*b*c', 'acb', false],
    ['a**c', 'abc', true],
    ['a*bc*c', 'abc', false],
    ['a.c', 'abc', false],
    ['[a-z]*', 'abc', false],
    ['*a*', 'bab', true],
    ['*aa*aa*', 'aaa', false],
  ]
  for (const [pattern, text, expected] of matches)
    t.equal(globOf(pattern)(text), expected, `${pattern} ${text}`)
  // Whoever tries all ways never ends.
  const hostile = globOf(`${'*a'.repeat(500)}*b`)
  t.equal(hostile('a'.repeat(10_000)), false, 'a pattern made to hold the loop does not')
})
