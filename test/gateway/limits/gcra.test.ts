import t from 'tap'
import { parseAllowance, parseAmount } from '../../../src/gateway/limits/amount.ts'
import { takeLocally, type Used } from '../../../src/gateway/limits/gcra.ts'
import { createShared } from '../../../src/gateway/limits/shared.ts'
import { portTo, startRedis } from '../../fixtures/redis-server.ts'

const fresh = (): Used => ({ fullAt: 0, window: 0, count: 0 })
const redis = await startRedis(t)

t.test('an amount is so many in a time', async t => {
  t.same(parseAmount('60/min', 'x'), { count: 60, perMs: 60_000 })
  t.same(parseAmount('5/10s', 'x'), { count: 5, perMs: 10_000 })
  t.same(parseAmount('1000/day', 'x'), { count: 1000, perMs: 86_400_000 })
  for (const text of ['', '60', '0/s', '1/0s', '1.5/s', '-1/s', '1/year', '60 / min'])
    t.throws(() => parseAmount(text, 'what it is'), { message: /^what it is: / }, text)
})

t.test('a rate gives all of it at once, then one an interval, never more', async t => {
  const used = fresh()
  const allowed = parseAllowance({ rate: '4/s' }, 'x')
  let now = 1_000_000
  const take = (wanted = 1) => takeLocally(used, allowed, { wanted, now, busy: 0 })
  t.match(take(), { admitted: 1, standings: [{ limit: 4, remaining: 3 }] })
  t.equal(take(9).admitted, 3)
  t.match(take(), { admitted: 0, refusedBy: 'rate', retryMs: 250, standings: [{ remaining: 0 }] })
  now += 249
  t.equal(take().admitted, 0)
  now += 1
  t.equal(take().admitted, 1)
  t.equal(take().admitted, 0)
  now += 10_000
  t.equal(take(9).admitted, 4, 'rest saves up no more than that')
})

t.test('a quota begins anew with its window, and both must have room', async t => {
  const used = fresh()
  const allowed = parseAllowance({ rate: '2/s', quota: '3/day' }, 'x')
  const day = 86_400_000
  let now = 20_000 * day + 1_000
  const take = () => takeLocally(used, allowed, { wanted: 1, now, busy: 0 })
  t.equal(take().admitted + take().admitted, 2)
  t.match(take(), { admitted: 0, refusedBy: 'rate' })
  now += 1_000
  t.match(take(), { admitted: 1, standings: [{}, { policy: 'quota', remaining: 0 }] })
  t.match(take(), { admitted: 0, refusedBy: 'quota', retryMs: day - 2_000 })
  now += day
  t.equal(take().admitted, 1)
})

t.test('the script in Redis counts as the code does', { skip: !redis }, async t => {
  if (!redis) return
  const shared = createShared(portTo(redis))
  const [seconds = '0', micros = '0'] = (await redis.time()).map(String)
  const now = Number(seconds) * 1_000 + Number(micros) / 1_000
  // Long intervals, so that no time passes between the two clocks that matters.
  for (const allowance of [
    { rate: '5/day' },
    { quota: '7/30day' },
    { rate: '9/day', quota: '6/30day' },
  ]) {
    const used = fresh()
    const id = JSON.stringify(allowance)
    const allowed = parseAllowance(allowance, 'x')
    for (const wanted of [1, 2, 1, 3, 1, 1]) {
      const here = takeLocally(used, allowed, { wanted, now, busy: 0 })
      const there = await shared.take(id, allowed, { wanted, patience: { redisMs: 1_000 } })
      t.equal(there?.admitted, here.admitted, `${id} ${wanted}`)
      t.equal(there?.refusedBy, here.refusedBy)
      t.same(
        there?.standings.map(({ remaining }) => remaining),
        here.standings.map(({ remaining }) => remaining),
      )
      t.ok(Math.abs((there?.retryMs ?? 0) - here.retryMs) < 60_000)
    }
  }
})

t.test('places are taken and given back over replicas', { skip: !redis }, async t => {
  if (!redis) return
  const [one, other] = [createShared(portTo(redis)), createShared(portTo(redis))]
  const allowed = { concurrency: 3 }
  const ask = { wanted: 2, patience: { redisMs: 1_000 } }
  const first = await one.take('key a', allowed, ask)
  const second = await other.take('key a', allowed, ask)
  t.equal(first?.admitted, 2)
  t.match(second, { admitted: 1, refusedBy: 'concurrency' })
  one.leave('key a', first?.tokens ?? [])
  t.equal((await other.take('key a', allowed, ask))?.admitted, 2)
  t.ok((await redis.pttl('tg:l:{key a}:busy')) > 0, 'and nothing stays for good')
})
