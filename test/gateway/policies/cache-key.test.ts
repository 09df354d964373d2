import t from 'tap'
import Type from 'typebox'
import { cacheKey } from '../../../src/gateway/policies/cache-key.ts'
import { ImageFile } from '../../../src/registry/tool.ts'
import { callContext } from '../../fixtures/call-context.ts'
import { echoTool } from '../../fixtures/tools.ts'

const tool = echoTool({ cache: { ttlMs: 1 } }, { image: Type.Optional(ImageFile()) })
const own = { ...tool, cache: { ttlMs: 1, scope: 'caller' as const } }
const key = (input: object, of = tool, caller?: string): string =>
  cacheKey(of, { ...input }, callContext(caller === undefined ? {} : { caller }))
const file = (sha256: string, name: string) => ({
  id: `${sha256}.png`,
  name,
  mediaType: 'image/png',
  bytes: 1,
  sha256,
})

t.test('equal calls have equal keys', async t => {
  t.equal(key({ a: 1, b: { c: 2, d: 3 } }), key({ b: { d: 3, c: 2 }, a: 1 }), 'in any order')
  t.equal(key({ image: file('aa', 'one.png') }), key({ image: file('aa', 'two.png') }), 'by bytes')
  t.equal(key({}, tool, 'ann'), key({}, tool, 'bob'), 'whoever calls a public tool')
  t.equal(key({ a: undefined }), key({}))
})

t.test('other calls have other keys', async t => {
  const keys = [
    key({}),
    key({ a: 1 }),
    key({ a: '1' }),
    key({ a: [1, 2] }),
    key({ a: [2, 1] }),
    key({ a: null }),
    key({ image: file('aa', 'a.png') }),
    key({ image: file('bb', 'a.png') }),
    key({}, { ...tool, name: 'other' }),
    key({}, { ...tool, version: '1.0.1' }),
    key({}, { ...tool, source: 'shop' }),
    key({}, own),
    key({}, own, ''),
    key({}, own, 'ann'),
    key({}, own, 'ann {}'),
    key({ text: 'x'.repeat(1_000) }),
    key({ text: `${'x'.repeat(999)}y` }),
  ]
  t.equal(new Set(keys).size, keys.length)
  for (const name of keys) t.ok(name.length <= 400)
})

t.test('one object of arguments may be asked about for several tools and callers', async t => {
  const input = {}
  const asked = [
    cacheKey(tool, input, callContext()),
    cacheKey({ ...tool, name: 'other' }, input, callContext()),
    cacheKey(own, input, callContext({ caller: 'ann' })),
    cacheKey(own, input, callContext({ caller: 'bob' })),
  ]
  t.equal(new Set(asked).size, asked.length)
})
