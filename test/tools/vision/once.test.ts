import t from 'tap'
import { once, oncePer } from '../../../src/tools/vision/once.ts'

t.test('a value is made once, also when it is asked for twice at the same time', async t => {
  let made = 0
  const value = once(async () => ++made)
  t.same(await Promise.all([value(), value()]), [1, 1])
  t.equal(await value(), 1)
})

t.test('a failure is not kept', async t => {
  let tries = 0
  const value = once(async () => {
    tries++
    if (tries === 1) throw new Error('not yet')
    return tries
  })
  await t.rejects(value(), { message: 'not yet' })
  t.equal(await value(), 2)
})

t.test('each key has its own value', async t => {
  let made = 0
  const value = oncePer(async key => `${key}${++made}`)
  t.same([await value('a'), await value('b'), await value('a')], ['a1', 'b2', 'a1'])
})
