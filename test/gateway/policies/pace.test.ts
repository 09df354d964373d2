import { setImmediate as turnOfLoop } from 'node:timers/promises'
import t from 'tap'
import { createPace, type Pace } from '../../../src/gateway/policies/pace.ts'
import { noRedis } from '../../../src/gateway/policies/redis-port.ts'
import { portTo, startRedis } from '../../fixtures/redis-server.ts'

const never = Number.POSITIVE_INFINITY
const stay = new AbortController().signal
const intervalMs = 3_000
const lengthMs = 3_100

/** A pace whose clock the test sets; `ask` records who got a turn, in order. */
function clocked() {
  const clock = { ms: 0 }
  const pace = createPace({ redis: noRedis, now: () => clock.ms })
  const served: string[] = []
  const releases: Record<string, () => void> = {}
  const ask = (name: string, signal: AbortSignal = stay, deadlineAt = never) =>
    pace.take('host', intervalMs, { signal, deadlineAt }).then(release => {
      served.push(name)
      releases[name] = release
      return release
    })
  return { clock, pace, served, releases, ask }
}

/** Asks for a turn that cannot be had: the error says when the next one is. */
const nextTurn = (pace: Pace, nowMs: number): Promise<number> =>
  pace.take('host', intervalMs, { signal: stay, deadlineAt: nowMs }).then(
    () => 0,
    (error: { retryAfterMs: number }) => error.retryAfterMs,
  )

t.test('the first is served at once, the next an interval later, in order', async t => {
  const { clock, served, releases, ask } = clocked()
  await ask('a')
  releases['a']?.()
  const leaver = new AbortController()
  const b = ask('b')
  const c = ask('c', leaver.signal)
  await turnOfLoop()
  t.same(served, ['a'])
  clock.ms = lengthMs
  // Whoever comes or goes makes the line look at the clock; so would its timer.
  leaver.abort(new Error('gone'))
  await t.rejects(c, { message: 'gone' })
  await b
  t.same(served, ['a', 'b'])
})

t.test('a turn after the deadline is refused at once and takes none away', async t => {
  const { pace, ask } = clocked()
  await ask('a')
  await t.rejects(ask('b', stay, 3_000), {
    code: 'TG_RATE_LIMITED',
    status: 429,
    retryAfterMs: lengthMs,
    message: /host takes one request in 3 s: try again in 4 s/,
  })
  t.equal(await nextTurn(pace, 0), lengthMs, 'still the same')
})

t.test('nobody waits longer than the bound, whatever its deadline', async t => {
  const pace = createPace({ redis: noRedis, now: () => 0, limits: { waitMsMax: 3_000 } })
  const wait = { signal: stay, deadlineAt: never }
  await pace.take('host', intervalMs, wait)
  await t.rejects(pace.take('host', intervalMs, wait), { code: 'TG_RATE_LIMITED' })
})

t.test('who leaves gives the turn to those behind, and the last turn back', async t => {
  const { clock, pace, served, releases, ask } = clocked()
  await ask('a')
  releases['a']?.()
  const leaver = new AbortController()
  const b = ask('b', leaver.signal)
  const c = ask('c')
  const last = new AbortController()
  const d = ask('d', last.signal)
  await turnOfLoop()
  t.equal(await nextTurn(pace, 0), 4 * lengthMs)
  leaver.abort(new Error('gone'))
  await t.rejects(b, { message: 'gone' })
  t.equal(await nextTurn(pace, 0), 3 * lengthMs)
  clock.ms = lengthMs
  last.abort(new Error('gone too'))
  await t.rejects(d, { message: 'gone too' })
  await c
  t.same(served, ['a', 'c'], 'c has the turn of b')
})

t.test('who has left already is not served', async t => {
  const { pace } = clocked()
  const wait = { signal: AbortSignal.abort(new Error('gone')), deadlineAt: never }
  await t.rejects(pace.take('host', intervalMs, wait), { message: 'gone' })
  t.equal(await nextTurn(pace, -1), 0)
})

t.test('who leaves while a turn is booked gives it back', async t => {
  const { clock } = clocked()
  const leaver = new AbortController()
  const redis = {
    attempt: async () => {
      leaver.abort(new Error('gone'))
      return undefined
    },
  }
  const pace = createPace({ redis, now: () => clock.ms })
  const wait = { signal: leaver.signal, deadlineAt: never }
  await t.rejects(pace.take('host', intervalMs, wait), { message: 'gone' })
  t.equal(await nextTurn(pace, 0), 0)
})

t.test('one request at a time: a turn waits for the answer before it', async t => {
  const pace = createPace({ redis: noRedis, limits: { lateMsMax: 10_000 } })
  const wait = { signal: stay, deadlineAt: never }
  const release = await pace.take('host', -10_000, wait)
  let served = false
  const second = pace.take('host', -10_000, wait).then(done => {
    served = true
    return done
  })
  await turnOfLoop()
  t.notOk(served)
  release()
  release()
  const releaseSecond = await second
  t.ok(served)
  releaseSecond()
})

t.test('a turn that passed while the line was taken is asked for anew', async t => {
  const { clock, served, releases, ask } = clocked()
  await ask('a')
  const leaver = new AbortController()
  const b = ask('b', leaver.signal)
  await turnOfLoop()
  clock.ms = 10_000
  releases['a']?.()
  await b
  t.same(served, ['a', 'b'])
  const c = ask('c', leaver.signal)
  const d = ask('d', leaver.signal, 13_200)
  await t.rejects(d, { code: 'TG_RATE_LIMITED' })
  clock.ms = 20_000
  leaver.abort(new Error('gone'))
  await t.rejects(c)
})

t.test('the pause for a new turn ends with the call, and frees the line', async t => {
  const { clock, pace, releases, ask } = clocked()
  await ask('a')
  const leaver = new AbortController()
  const b = ask('b', leaver.signal)
  const c = ask('c')
  await turnOfLoop()
  clock.ms = 6_190
  releases['a']?.()
  await turnOfLoop()
  leaver.abort(new Error('gone'))
  await t.rejects(b, { message: 'gone' })
  t.equal(await nextTurn(pace, 6_190), 9_300 - 6_190, 'the new turn is given back')
  clock.ms = 6_200
  await c
  t.pass('c was served after b let go')
})

t.test('each upstream has its own line, and those that are idle are forgotten', async t => {
  const clock = { ms: 0 }
  const pace = createPace({ redis: noRedis, now: () => clock.ms, limits: { linesMax: 2 } })
  const wait = { signal: stay, deadlineAt: never }
  for (const host of ['a', 'b', 'c']) {
    const release = await pace.take(host, intervalMs, wait)
    release()
    clock.ms += 10_000
  }
  t.pass('three hosts, none waited')
})

t.test('the interval holds in real time', async t => {
  const pace = createPace({ redis: noRedis, limits: { lateMsMax: 50 } })
  const wait = { signal: stay, deadlineAt: never }
  const times: number[] = []
  const one = async () => {
    const release = await pace.take('host', 20, wait)
    times.push(Date.now())
    release()
  }
  await Promise.all([one(), one(), one()])
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0))
  t.ok(
    gaps.every(gap => gap >= 20),
    `gaps of ${gaps.join(', ')} ms`,
  )
})

t.test('replicas share one clock through Redis, and give turns back to it', async t => {
  const redis = await startRedis(t)
  if (!redis) return t.pass('', { skip: 'redis-server is not installed' })
  const [one, two] = [1, 2].map(() => createPace({ redis: portTo(redis) })) as [Pace, Pace]
  const ask = (pace: Pace, signal: AbortSignal, deadlineMs: number) =>
    pace.take('host', 60_000, { signal, deadlineAt: Date.now() + deadlineMs })
  const release = await ask(one, stay, 1_000)
  release()
  await t.rejects(ask(two, stay, 1_000), { code: 'TG_RATE_LIMITED', status: 429 })
  const booked = Number(await redis.get('tg:p:host'))
  t.ok((await redis.pttl('tg:p:host')) > 50_000, 'it expires')
  const leaver = new AbortController()
  const waiting = ask(two, leaver.signal, 100_000)
  await t.rejects(ask(one, stay, 100_000), { code: 'TG_RATE_LIMITED' })
  t.equal(Number(await redis.get('tg:p:host')), booked + 60_100)
  leaver.abort(new Error('gone'))
  await t.rejects(waiting, { message: 'gone' })
  t.equal(Number(await redis.get('tg:p:host')), booked)
})

t.test('when Redis dies the pace goes on where it was', async t => {
  const redis = await startRedis(t)
  if (!redis) return t.pass('', { skip: 'redis-server is not installed' })
  let alive = true
  const port = portTo(redis)
  const pace = createPace({
    redis: { attempt: run => (alive ? port.attempt(run) : noRedis.attempt(run)) },
  })
  const ask = () => pace.take('host', 60_000, { signal: stay, deadlineAt: Date.now() + 1_000 })
  const release = await ask()
  release()
  alive = false
  await t.rejects(ask(), { code: 'TG_RATE_LIMITED' }, 'this replica remembers its own turn')
  await redis.flushall()
  alive = true
  await t.rejects(ask(), { code: 'TG_RATE_LIMITED' }, 'and tells Redis when it is back')
})
