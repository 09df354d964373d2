import t from 'tap'
import { concurrency } from '../../../src/gateway/policies/concurrency.ts'
import { fail } from '../../../src/registry/errors.ts'
import { resultOf } from '../../../src/registry/call.ts'
import { callContext } from '../../fixtures/call-context.ts'
import { settle } from '../../fixtures/pipeline.ts'
import { echoTool } from '../../fixtures/tools.ts'
import { until } from '../../fixtures/until.ts'

/** Runs that the test ends one by one, behind the bound. */
function bounded(limits: Parameters<typeof concurrency>[0] = {}, isDeaf = false) {
  const running: string[] = []
  const ends = new Map<string, () => void>()
  const call = concurrency(limits)(async (_tool, input, { signal }) => {
    const name = String(input['text'])
    running.push(name)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    ends.set(name, resolve)
    if (!isDeaf) signal.addEventListener('abort', () => reject(signal.reason as Error))
    await promise
    return resultOf(input)
  })
  const ask = (tool = two, text = 'a', signal = new AbortController().signal) =>
    call(tool, { text }, callContext({ signal }))
  return { running, ask, end: (name: string) => ends.get(name)?.() }
}
const two = echoTool({ concurrency: 2 })

t.test('so many run at once, the rest in the order they came', async t => {
  const { running, ask, end } = bounded()
  const calls = ['a', 'b', 'c', 'd'].map(name => ask(two, name))
  await settle()
  t.same(running, ['a', 'b'])
  end('b')
  await settle()
  t.same(running, ['a', 'b', 'c'])
  end('a')
  await settle()
  t.same(running, ['a', 'b', 'c', 'd'])
  end('c')
  end('d')
  t.equal((await Promise.all(calls)).length, 4)
})

t.test('each tool has places of its own', async t => {
  const { running, ask, end } = bounded()
  const calls = ['a', 'b'].map(name => ask(two, name))
  const other = ask(echoTool({ name: 'other', concurrency: 1 }), 'other')
  await settle()
  t.same(running, ['a', 'b', 'other'])
  for (const name of running) end(name)
  await Promise.all([...calls, other])
})

t.test('who leaves while waiting gives way to those behind', async t => {
  const { running, ask, end } = bounded()
  const gone = new AbortController()
  const first = ['a', 'b'].map(name => ask(two, name))
  const leaver = ask(two, 'leaver', gone.signal)
  const last = ask(two, 'last')
  await settle()
  gone.abort(fail('TG_CLIENT_CLOSED'))
  await t.rejects(leaver, { code: 'TG_CLIENT_CLOSED' })
  end('a')
  await settle()
  t.same(running, ['a', 'b', 'last'])
  end('b')
  end('last')
  await Promise.all([...first, last])
  await t.rejects(ask(two, 'late', AbortSignal.abort(fail('TG_CLIENT_CLOSED'))), {
    code: 'TG_CLIENT_CLOSED',
  })
})

t.test('a call that fails, or is aborted, gives its place back', async t => {
  const { running, ask, end } = bounded()
  const one = echoTool({ concurrency: 1 })
  for (let round = 0; round < 3; round++) {
    const gone = new AbortController()
    const call = ask(one, `call ${round}`, gone.signal)
    await settle()
    gone.abort(new Error('gone'))
    await t.rejects(call, { message: 'gone' })
  }
  const next = ask(one, 'next')
  await settle()
  t.equal(running.at(-1), 'next')
  end('next')
  await next
})

t.test('the line is bounded', async t => {
  const { ask, end } = bounded({ waitersMax: 1 })
  const one = echoTool({ concurrency: 1 })
  const calls = [ask(one, 'a'), ask(one, 'b')]
  await t.rejects(ask(one, 'c'), { code: 'TG_BUSY', status: 429, retryAfterMs: 1_000 })
  end('a')
  await settle()
  end('b')
  await Promise.all(calls)
})

t.test('a run that never ends keeps its place no longer than its overtime', async t => {
  const { running, ask, end } = bounded({ overtimeMs: 10 }, true)
  const one = echoTool({ concurrency: 1 })
  const gone = new AbortController()
  const stuck = ask(one, 'stuck', gone.signal)
  const next = ask(one, 'next')
  await settle()
  t.same(running, ['stuck'])
  gone.abort(fail('TG_DEADLINE', 'echo', 1))
  await until('the next one runs', () => running.includes('next'))
  end('stuck')
  await stuck
  const third = ask(one, 'third')
  await settle()
  t.notOk(running.includes('third'), 'and its late end frees no second place')
  end('next')
  await settle()
  end('third')
  await Promise.all([next, third])
})
