import { threadId } from 'node:worker_threads'
import t, { type Test } from 'tap'
import { createWorkers } from '../../src/gateway/workers.ts'
import { fail } from '../../src/registry/errors.ts'
import { toolContext } from '../fixtures/tool-context.ts'
import labour from '../fixtures/worker-tool.ts'

type Options = Parameters<typeof createWorkers>[0]

function threads(
  t: Test,
  limits: NonNullable<Options['limits']> = {},
  onError: (error: unknown) => void = error => t.fail(String(error)),
) {
  const settings = { MODEL: 'small' }
  const workers = createWorkers({
    settings,
    onError,
    limits: { threadsMax: 1, closeMs: 200, ...limits },
  })
  t.teardown(() => workers.close())
  const run = (work: string, context = toolContext()) => workers.run(labour, { work }, context)
  return { workers, run }
}

t.test('a tool that says so runs in a thread, with what it needs', async t => {
  const { run } = threads(t)
  t.not((await run('thread'))['text'], String(threadId))
  const lines: unknown[] = []
  const context = { ...toolContext(), requestId: 'r1' }
  context.log = { ...context.log, info: (data, message) => void lines.push([data, message]) }
  t.same(await run('context', context), { text: 'small r1' })
  t.same(lines, [[{ requestId: 'r1' }, 'at work']])
})

t.test('files travel there and back', async t => {
  const { workers } = threads(t)
  const context = toolContext()
  const image = context.addFile(Buffer.from('a picture'))
  const output = await workers.run(labour, { work: 'copy', image }, context)
  t.same(output, { text: '9 bytes', picture: 'artifact-1' })
  const saved = context.saved.get('artifact-1')
  t.match(saved, { mediaType: 'image/png', name: 'copy.png' })
  t.equal(Buffer.from(saved?.bytes ?? []).toString(), 'a picture')
  t.equal(saved?.bytes.buffer.byteLength, 9, 'and no more of its buffer than that')
})

t.test('an error of ours crosses, any other is our fault and keeps its cause', async t => {
  const { run } = threads(t)
  await t.rejects(run('refuse'), {
    code: 'TG_FILE_BROKEN',
    status: 422,
    message: 'the file "a.png" cannot be read: it is cut off',
  })
  const lines: string[] = []
  const context = toolContext()
  context.log = { ...context.log, warn: (_data, message) => void lines.push(message) }
  await t.rejects(run('break', context), {
    code: 'TG_INTERNAL',
    cause: { message: /TypeError: of its own/, stack: /worker-tool\.ts/ },
  })
  t.same(lines, ['about to break'], 'what it logged before is kept')
  await t.rejects(run('fetch'), { code: 'TG_INTERNAL', cause: { message: /no network/ } })
  t.same(await run('odd'), {}, 'what is no JSON is left out, for the check to find')
  t.same(await run('goes on'), { text: 'goes on' })
})

t.test('a call that is aborted ends its thread, and the next one works', async t => {
  const { run } = threads(t)
  await run('warm')
  const gone = new AbortController()
  const spinning = run('spin', toolContext({}, gone.signal))
  const behind = run('behind')
  setImmediate(() => gone.abort(fail('TG_DEADLINE', 'labour', 1)))
  await t.rejects(spinning, { code: 'TG_DEADLINE' }, 'what would never end')
  t.same(await behind, { text: 'behind' })
  await t.rejects(run('late', toolContext({}, gone.signal)), { code: 'TG_DEADLINE' })
})

t.test('a tool that ends by its signal is told, and its thread lives on', async t => {
  const { workers } = threads(t)
  const patient = { ...labour, endsBySignal: true }
  const run = (work: string, signal?: AbortSignal) =>
    workers.run(patient, { work }, { ...toolContext(), ...(signal ? { signal } : {}) })
  const thread = await run('thread')
  const controller = new AbortController()
  const listening = run('listen', controller.signal)
  controller.abort(fail('TG_CLIENT_CLOSED'))
  await t.rejects(listening, { code: 'TG_CLIENT_CLOSED' })
  t.same(await run('thread'), thread, 'native code in it was not torn down')
})

t.test('a thread that runs out of memory takes nobody along', async t => {
  const { run } = threads(t, { heapMbMax: 64 })
  await t.rejects(run('fill'), {
    code: 'TG_TOO_LARGE',
    status: 413,
    message: 'the work on this input is over the limit of 64 MiB',
  })
  t.same(await run('goes on'), { text: 'goes on' })
})

t.test('a thread that fails after its work takes at most the next call along', async t => {
  const errors: unknown[] = []
  const { run } = threads(t, {}, error => void errors.push(error))
  t.same(await run('fail later'), { text: 'so far' })
  // A thread without work stands still, so that its error comes with the next call.
  await run('listen').catch(error => errors.push(error))
  t.match(errors, [{ message: 'later' }])
  t.same(await run('goes on'), { text: 'goes on' })
})

t.test('a thread that ends itself takes nobody along', async t => {
  const { run } = threads(t)
  await t.rejects(run('exit'))
  t.same(await run('goes on'), { text: 'goes on' })
})

t.test('the line is bounded', async t => {
  const { run } = threads(t, { queueMax: 1 })
  await run('warm')
  const gone = new AbortController()
  const context = () => toolContext({}, gone.signal)
  const calls = [run('spin', context()), run('spin', context())]
  await t.rejects(run('more', context()), { code: 'TG_BUSY', status: 429 })
  gone.abort(fail('TG_CLIENT_CLOSED'))
  for (const call of calls) await t.rejects(call, { code: 'TG_CLIENT_CLOSED' })
})

t.test('a module that does not hold the tool is said to', async t => {
  const { workers } = threads(t)
  const other = { ...labour, name: 'other' }
  await t.rejects(workers.run(other, { work: 'x' }, toolContext()), {
    code: 'TG_INTERNAL',
    cause: { message: /its default export is not the tool "other"/ },
  })
  await t.rejects(workers.run({ ...labour, module: 'file:///nowhere.ts' }, {}, toolContext()), {
    code: 'TG_INTERNAL',
  })
})

t.test('when the gateway stops, work stops', async t => {
  const { workers, run } = threads(t)
  await run('warm')
  const call = run('spin')
  const stopped = t.rejects(call, { code: 'TG_STOPPING', status: 503 })
  await new Promise(resolve => setImmediate(resolve))
  await workers.close()
  await stopped
  await t.rejects(run('late'), { code: 'TG_STOPPING' })
})
