import t from 'tap'
import Type from 'typebox'
import { createRun, type RunOptions } from '../../src/gateway/run.ts'
import type { ToolContext } from '../../src/registry/tool.ts'
import { callContext } from '../fixtures/call-context.ts'
import { toolContext } from '../fixtures/tool-context.ts'
import { echoTool } from '../fixtures/tools.ts'

function runner() {
  const { log, getJson, getText, readFile, saveFile } = toolContext()
  const warnings: unknown[] = []
  const asked: unknown[] = []
  const misfits: string[] = []
  const options: RunOptions = {
    upstream: {
      for: (tool, call) => {
        asked.push([tool.pace, call.deadlineAt])
        return { getJson, getText }
      },
    } as RunOptions['upstream'],
    workers: {
      run: async () => ({ text: 'from a thread' }),
      load: () => ({ busy: 0, queued: 0 }),
      close: async () => undefined,
    },
    settings: { KEY: 'secret' },
    readFile,
    saveFile,
    onMisfit: tool => misfits.push(tool),
    log: { ...log, warn: data => void warnings.push(data) },
    now: () => 1_000,
  }
  return { run: createRun(options), warnings, asked, misfits }
}
const output = echoTool({}, { text: Type.String() }).output

t.test('a run has its settings, its deadline and its request', async t => {
  const { run, asked } = runner()
  let context: ToolContext | undefined
  const tool = echoTool({
    timeoutMs: 500,
    run: async (_input, given) => {
      context = given
      return { text: 'done' }
    },
  })
  t.equal((await run(tool, {}, callContext({ requestId: 'r1' }))).json, '{"text":"done"}')
  await run(tool, {}, callContext({ deadlineAt: 1_200 }))
  t.equal(context?.setting('KEY'), 'secret')
  t.equal(context?.setting('OTHER'), undefined)
  t.equal(context?.now(), 1_000)
  context?.progress(1)
  t.same(asked, [
    [{}, 1_500],
    [{}, 1_200],
  ])
})

t.test('a tool that says worker runs there', async t => {
  const { run } = runner()
  t.equal(
    (await run(echoTool({ runsOn: 'worker' }), {}, callContext())).json,
    '{"text":"from a thread"}',
  )
})

t.test('an output of ours that does not fit is our fault, with the reason', async t => {
  const { run } = runner()
  const wrong: [string, unknown, RegExp][] = [
    ['a wrong type', { text: 7 }, /output\/text must be string/],
    ['not a number', { text: 'x', extra: Number.NaN }, /extra/],
    ['an extra member', { more: 1 }, /more|additional/],
    ['nothing', undefined, /output .*object/],
    ['a list', [], /output .*object/],
  ]
  for (const source of ['builtin', 'local'])
    for (const [what, given, message] of wrong) {
      const tool = echoTool({ source, output, run: async () => given as never })
      await t.rejects(
        run(tool, {}, callContext()),
        { code: 'TG_INTERNAL', status: 500, cause: { message } },
        `${source}: ${what}`,
      )
    }
})

t.test('an imported output that does not fit is noted, and let through', async t => {
  const { run, warnings, misfits } = runner()
  const foreign = echoTool({ source: 'shop', output, run: async () => ({ text: 7 }) })
  t.equal((await run(foreign, {}, callContext())).json, '{"text":7}')
  t.match(warnings, [{ tool: 'echo', problem: /\/text must be string/ }])
  t.same(misfits, ['echo'])
  const odd = { ...foreign, output: { type: 'object', properties: { text: { pattern: '[' } } } }
  t.equal(
    (await run(odd, {}, callContext())).json,
    '{"text":7}',
    'nor is an odd schema held against it',
  )
  await t.rejects(run({ ...foreign, run: async () => undefined as never }, {}, callContext()), {
    code: 'TG_UPSTREAM_INVALID',
    status: 502,
  })
})
