import t from 'tap'
import { createBreaker } from '../../../src/gateway/policies/breaker.ts'

const limits = { failuresMax: 3, openMs: 1_000, openMsMax: 3_000, holdMsMax: 5_000 }
const clocked = () => {
  const clock = { ms: 0 }
  const breaker = createBreaker({ now: () => clock.ms, limits })
  const failOnce = () => breaker.enter('a').fail()
  const open = () => [1, 2, 3].forEach(failOnce)
  return { clock, breaker, failOnce, open }
}

t.test('it opens after failures in a row, for its upstream alone', async t => {
  const { breaker, failOnce } = clocked()
  failOnce()
  failOnce()
  breaker.enter('a').succeed()
  failOnce()
  failOnce()
  t.ok(breaker.enter('a'), 'a success between them starts the count anew')
  failOnce()
  t.throws(() => breaker.enter('a'), { code: 'TG_UPSTREAM_BUSY', retryAfterMs: 1_000 })
  t.ok(breaker.enter('b'))
  t.same(breaker.states(), [
    { upstream: 'b', state: 'closed' },
    { upstream: 'a', state: 'open' },
  ])
})

t.test('after a while exactly one probe goes out and closes it', async t => {
  const { clock, breaker, open } = clocked()
  open()
  clock.ms = 1_000
  t.match(breaker.states(), [{ state: 'half-open' }])
  const probe = breaker.enter('a')
  t.throws(() => breaker.enter('a'), { code: 'TG_UPSTREAM_BUSY', message: /probed/ })
  probe.succeed()
  t.ok(breaker.enter('a'))
  t.match(breaker.states(), [{ state: 'closed' }])
})

t.test('each probe that fails doubles the wait, up to a bound', async t => {
  const { clock, breaker, open } = clocked()
  open()
  for (const waitMs of [1_000, 2_000, 3_000, 3_000]) {
    t.throws(() => breaker.enter('a'), { code: 'TG_UPSTREAM_BUSY', retryAfterMs: waitMs })
    clock.ms += waitMs
    breaker.enter('a').fail()
  }
})

t.test('those that fail together with the one that opened it do not lengthen the wait', async t => {
  const { clock, breaker } = clocked()
  const together = Array.from({ length: 10 }, () => breaker.enter('a'))
  const late = breaker.enter('a')
  for (const permit of together) permit.fail()
  t.throws(() => breaker.enter('a'), { code: 'TG_UPSTREAM_BUSY', retryAfterMs: 1_000 })
  clock.ms = 1_000
  const probe = breaker.enter('a')
  late.fail()
  probe.leave()
  t.ok(breaker.enter('a'), 'nor does one that comes late begin another')
})

t.test('a probe whose caller left decides nothing and makes room for the next', async t => {
  const { clock, breaker, open } = clocked()
  open()
  clock.ms = 1_000
  breaker.enter('a').leave()
  breaker.enter('a').succeed()
  t.match(breaker.states(), [{ state: 'closed' }])
})

t.test('an upstream that asks for a pause gets it, within a bound', async t => {
  const { clock, breaker } = clocked()
  breaker.enter('a').hold(2_000)
  t.throws(() => breaker.enter('a'), { code: 'TG_UPSTREAM_BUSY', retryAfterMs: 2_000 })
  clock.ms = 2_000
  breaker.enter('a').hold(3_600_000)
  t.throws(() => breaker.enter('a'), { code: 'TG_UPSTREAM_BUSY', retryAfterMs: 5_000 })
  clock.ms = 7_000
  t.ok(breaker.enter('a'))
})
