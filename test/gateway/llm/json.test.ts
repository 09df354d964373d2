import t from 'tap'
import { editMembers } from '../../../src/gateway/llm/json.ts'

t.test('top-level members are changed and every other byte stays', t => {
  const text =
    '{ "a" : 1.0, "s":"x\\"}{,", "deep": {"a": [1, {"a": 2}]},\n"n": 12345678901234567890 }'
  t.equal(editMembers(text, {}), text)
  t.equal(
    editMembers(text, { a: undefined }),
    '{ "s":"x\\"}{,", "deep": {"a": [1, {"a": 2}]},\n"n": 12345678901234567890 }',
  )
  t.equal(
    editMembers(text, { n: undefined, s: undefined }),
    '{ "a" : 1.0, "deep": {"a": [1, {"a": 2}]}}',
  )
  t.same(JSON.parse(editMembers(text, { deep: [], z: true }) as string), {
    ...JSON.parse(text),
    deep: [],
    z: true,
  })
  t.equal(editMembers('{}', { a: 1 }), '{"a":1}')
  t.equal(editMembers('{"a":1}', { a: undefined }), '{}')
  t.equal(editMembers(' {"a\\u0062":1} ', { ab: 2 }), '{"ab":2}', 'escaped names are names')
  t.end()
})

t.test('random objects survive any edit', t => {
  const random = (depth: number): unknown => {
    const dice = Math.floor(Math.random() * (depth > 3 ? 4 : 6))
    const text = ['a', '"', '\\', '{', '}', ',', ':', '[', ' ', '\n', '你'][
      Math.floor(Math.random() * 11)
    ]!
    if (dice === 4) return Array.from({ length: 3 }, () => random(depth + 1))
    if (dice === 5)
      return Object.fromEntries(
        Array.from({ length: 3 }, (_, index) => [text + index, random(depth + 1)]),
      )
    return [null, text.repeat(3), 1.5, true][dice]
  }
  for (let round = 0; round < 500; round += 1) {
    const json = { one: random(0), two: random(0), three: random(0) }
    for (const text of [JSON.stringify(json), JSON.stringify(json, null, 2)]) {
      t.same(JSON.parse(editMembers(text, {})), json)
      const { two: _two, ...rest } = json
      const edited: unknown = JSON.parse(editMembers(text, { two: undefined, one: 'x' }))
      if (
        JSON.stringify(edited) !== JSON.stringify({ three: rest.three, one: 'x' }) &&
        JSON.stringify(edited) !== JSON.stringify({ one: 'x', three: rest.three })
      )
        t.fail(text)
    }
  }
  t.end()
})
