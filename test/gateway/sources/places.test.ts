import t from 'tap'
import { createPlaces } from '../../../src/gateway/sources/places.ts'

const never = new AbortController().signal

t.test('so many run at once, the others in order', async t => {
  const places = createPlaces(2)
  const gates = [0, 1, 2, 3].map(() => Promise.withResolvers<void>())
  const order: number[] = []
  const runs = gates.map((gate, at) =>
    places.take('tool', never, async () => {
      order.push(at)
      await gate.promise
    }),
  )
  await Promise.resolve()
  t.same(order, [0, 1])
  gates[1]?.resolve()
  await runs[1]
  t.same(order, [0, 1, 2])
  for (const gate of gates) gate.resolve()
  await Promise.all(runs)
  t.same(order, [0, 1, 2, 3])
})

t.test(
  'too many that wait are refused, and who leaves gives up the place in the queue',
  async t => {
    const places = createPlaces(1, { waitersMax: 1, retryAfterMs: 10 })
    const gate = Promise.withResolvers<void>()
    const first = places.take('tool', never, () => gate.promise)
    const leaving = new AbortController()
    const second = places.take('tool', leaving.signal, async () => 'ran')
    await t.rejects(
      places.take('tool', never, async () => 'ran'),
      { code: 'TG_BUSY' },
    )
    leaving.abort(new Error('gone'))
    await t.rejects(second, { message: 'gone' })
    const third = places.take('tool', never, async () => 'third')
    gate.resolve()
    await first
    t.equal(await third, 'third')
    t.equal(await places.take('tool', never, async () => 'free again'), 'free again')
  },
)
