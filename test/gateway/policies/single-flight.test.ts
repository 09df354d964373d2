import t from 'tap'
import { fail } from '../../../src/registry/errors.ts'
import { heldRun, replicaOf, settle } from '../../fixtures/pipeline.ts'
import { echoTool } from '../../fixtures/tools.ts'

const tool = echoTool({ cache: { ttlMs: 10_000 } })

/** A caller that may leave. */
function leaver() {
  const controller = new AbortController()
  return {
    leave: () => controller.abort(fail('TG_CLIENT_CLOSED')),
    changes: { signal: controller.signal },
  }
}

t.test('of 1,000 equal calls at once one runs', async t => {
  const { run, held } = heldRun()
  const { ask, runs } = replicaOf({ run })
  const calls = Array.from({ length: 1_000 }, () => ask(tool, { text: 'a' }))
  const other = ask(tool, { text: 'b' })
  await settle()
  t.equal(runs.length, 2)
  for (const [index, { resolve }] of held.entries()) resolve({ json: String(index), output: {} })
  t.same(new Set((await Promise.all(calls)).map(({ json }) => json)), new Set(['0']))
  t.equal((await other).json, '1')
})

t.test('all get the one answer, and are told so', async t => {
  const { run, land } = heldRun()
  const { ask, runs } = replicaOf({ run })
  const calls = [ask(tool), ask(tool), ask(tool)]
  await settle()
  land('shared')
  const answers = await Promise.all(calls)
  t.same(
    answers.map(({ json }) => json),
    Array(3).fill('{"text":"shared"}'),
  )
  t.same(
    answers.map(({ report }) => report),
    [
      { forward: 'miss', stored: true, ttlMs: 10_000 },
      { forward: 'miss', stored: true, ttlMs: 10_000, collapsed: true },
      { forward: 'miss', stored: true, ttlMs: 10_000, collapsed: true },
    ],
  )
  t.equal(runs.length, 1)
})

t.test('all get the one error, and the next call runs again', async t => {
  const { run, held, land } = heldRun()
  const { ask, runs } = replicaOf({ run })
  const calls = [ask(tool), ask(tool)]
  await settle()
  held[0]?.reject(fail('TG_UPSTREAM_FAILED', 'api.example', '500'))
  for (const call of calls) await t.rejects(call, { code: 'TG_UPSTREAM_FAILED' })
  const next = ask(tool)
  await settle()
  land('again')
  t.equal((await next).json, '{"text":"again"}')
  t.equal(runs.length, 2)
})

t.test('one that leaves aborts nothing, be it the first', async t => {
  const { run, held, land } = heldRun()
  const { ask } = replicaOf({ run })
  const first = leaver()
  const calls = [ask(tool, {}, first.changes), ask(tool)]
  await settle()
  first.leave()
  await t.rejects(calls[0] as Promise<unknown>, { code: 'TG_CLIENT_CLOSED', status: 499 })
  t.equal(held[0]?.signal.aborted, false)
  land('for the other')
  t.equal((await calls[1])?.json, '{"text":"for the other"}')
})

t.test('the last one to leave aborts the flight, and a new call starts another', async t => {
  const { run, held, land } = heldRun()
  const { ask, runs } = replicaOf({ run })
  const [a, b] = [leaver(), leaver()]
  const calls = [ask(tool, {}, a.changes), ask(tool, {}, b.changes)]
  await settle()
  a.leave()
  b.leave()
  for (const call of calls) await t.rejects(call, { code: 'TG_CLIENT_CLOSED' })
  t.equal(held[0]?.signal.aborted, true)
  const next = ask(tool)
  await settle()
  land('anew')
  t.equal((await next).json, '{"text":"anew"}')
  t.equal(runs.length, 2)
})

t.test('a caller with little time ends alone', async t => {
  const { run, land } = heldRun()
  const { ask, runs } = replicaOf({ run })
  const hasty = ask(tool, {}, { deadlineMs: 20 })
  const patient = ask(tool)
  await t.rejects(hasty, { code: 'TG_DEADLINE', status: 504 })
  land('in good time')
  t.equal((await patient).json, '{"text":"in good time"}')
  t.equal(runs.length, 1)
})

t.test('a run may take until the last of its callers ends', async t => {
  const { run, land } = heldRun()
  const { ask, runs, clock } = replicaOf({ run })
  const calls = [
    ask(tool, {}, { deadlineMs: 2_000 }),
    ask(tool, {}, { deadlineMs: 5_000 }),
    ask(tool, {}, { deadlineMs: 3_000 }),
  ]
  await settle()
  t.equal(runs[0]?.context.deadlineAt, clock.ms + 5_000)
  land('done')
  await Promise.all(calls)
})

t.test('all who wait hear of progress', async t => {
  const { run, land } = heldRun()
  const { ask, runs } = replicaOf({ run })
  const heard: string[] = []
  const calls = ['a', 'b'].map(name =>
    ask(tool, {}, { progress: (done, total) => void heard.push(`${name} ${done}/${total}`) }),
  )
  await settle()
  runs[0]?.context.progress?.(1, 2)
  t.same(heard, ['a 1/2', 'b 1/2'])
  land('done')
  await Promise.all(calls)
})

t.test('calls that may not share are not joined', async t => {
  const { run, held } = heldRun()
  const { ask, runs } = replicaOf({ run })
  const noCache = { control: { noCache: true } }
  const calls = [
    ask(tool),
    ask(tool, {}, noCache),
    ask(tool, {}, noCache),
    ask(tool, {}, { control: { noStore: true } }),
    ask(tool, {}, { control: { noStore: true } }),
    ask(echoTool()),
    ask(echoTool()),
  ]
  await settle()
  t.equal(runs.length, 6, 'only the two no-cache calls are one')
  for (const [index, { resolve }] of held.entries()) resolve({ json: String(index), output: {} })
  await Promise.all(calls)
})
