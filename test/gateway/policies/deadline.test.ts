import t from 'tap'
import { deadline } from '../../../src/gateway/policies/deadline.ts'
import type { Call, CallContext } from '../../../src/registry/call.ts'
import { resultOf } from '../../../src/registry/call.ts'
import { fail } from '../../../src/registry/errors.ts'
import { callContext } from '../../fixtures/call-context.ts'
import { echoTool } from '../../fixtures/tools.ts'

const tool = echoTool({ timeoutMs: 1_000 })
const deaf: Call = () => new Promise(() => undefined)
const call = (run: Call, changes: Partial<CallContext> = {}, of = tool) =>
  deadline(() => 1_000)(run)(of, {}, callContext(changes))

t.test('a call that ends in time is left alone', async t => {
  t.equal((await call(async () => resultOf({ a: 1 }))).json, '{"a":1}')
  const error = new Error('its own')
  await t.rejects(
    call(async () => {
      throw error
    }),
    error,
  )
})

t.test('a call that does not end is a 504, whether it listens or not', async t => {
  const listening: Call = (_tool, _input, { signal }) =>
    new Promise((_resolve, reject) =>
      signal.addEventListener('abort', () => reject(new Error('socket closed'))),
    )
  for (const run of [deaf, listening])
    await t.rejects(call(run, {}, echoTool({ timeoutMs: 20 })), {
      code: 'TG_DEADLINE',
      status: 504,
      message: 'echo did not finish within 1 s',
    })
})

t.test('the shorter deadline holds, and is passed on', async t => {
  await t.rejects(call(deaf, { deadlineMs: 20 }), { code: 'TG_DEADLINE' })
  const ends: (number | undefined)[] = []
  const run: Call = async (_tool, _input, { deadlineAt }) => {
    ends.push(deadlineAt)
    return resultOf({})
  }
  await call(run)
  await call(run, { deadlineMs: 300 })
  await call(run, { deadlineMs: 60_000 })
  await call(run, { deadlineAt: 1_500 })
  t.same(ends, [2_000, 1_300, 2_000, 1_500])
})

t.test('a caller that leaves is answered at once, even by what does not listen', async t => {
  const gone = new AbortController()
  const signals: AbortSignal[] = []
  const run: Call = (tool, input, context) => {
    signals.push(context.signal)
    return deaf(tool, input, context)
  }
  const left = call(run, { signal: gone.signal })
  gone.abort(fail('TG_CLIENT_CLOSED'))
  const turn = new Promise(resolve => setImmediate(resolve))
  await t.rejects(Promise.race([left, turn]), { code: 'TG_CLIENT_CLOSED', status: 499 })
  t.equal(signals[0]?.aborted, true, 'and what runs is told')
})

t.test('whatever the reason, a caller that left is a 499', async t => {
  for (const reason of [
    undefined,
    'bored',
    new Error('x'),
    Object.assign(new Error(), { code: 'E', status: 1 }),
  ])
    await t.rejects(call(deaf, { signal: AbortSignal.abort(reason) }), { code: 'TG_CLIENT_CLOSED' })
  await t.rejects(call(deaf, { signal: AbortSignal.abort(fail('TG_STOPPING')) }), {
    code: 'TG_STOPPING',
  })
})
