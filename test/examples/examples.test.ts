import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { loadLocalTools } from '../../src/cli/local-tools.ts'
import { startDevLlm } from '../../src/gateway/llm/dev-llm.ts'
import { dialects } from '../../src/registry/views/dialects.ts'
import { testApp } from '../fixtures/app.ts'
import { project, runningGateway } from '../fixtures/running-gateway.ts'

const run = promisify(execFile)

t.test('the tool of the README works, with its example, and refuses what is no date', async t => {
  const tools = await loadLocalTools(join(project, 'examples/hello-tool'))
  const { app } = await testApp(t, { tools })
  const call = (payload: object) =>
    app.inject({ method: 'POST', url: '/tools/days_between', payload })
  for (const { input, output } of tools[0]?.examples ?? [])
    t.same((await call(input)).json(), output)
  t.same((await call({ start_date: '2026-03-01', end_date: '2026-02-28' })).json(), { days: -1 })
  t.equal((await call({ start_date: '2026-02-31', end_date: '2026-03-01' })).statusCode, 400)

  // One file, and every face has it.
  for (const path of ['/openapi.json', '/openapi/full.json', '/registry'])
    t.match((await app.inject(path)).body, /"days_between"/, path)
  for (const name of Object.keys(dialects))
    t.match((await app.inject(`/registry/${name}`)).body, /days_?between/i, name)
})

t.test('every example runs against a gateway and finds what it expects', async t => {
  const llm = await startDevLlm()
  t.teardown(() => llm.close())
  const { url } = await runningGateway(t, { LMDEPLOY_URL: llm.url })
  // Those that want packages of their own are run by `npm run clients`.
  const files = (await readdir(join(project, 'examples'), { recursive: true })).filter(
    name => /\.(ts|sh)$/.test(name) && !/^hello-tool|node_modules/.test(name),
  )
  t.ok(files.length > 0)
  for (const file of files) {
    const path = join(project, 'examples', file)
    const [command, args] = file.endsWith('.sh') ? [path, []] : [process.execPath, [path]]
    const env = { ...process.env, TOOLGATE_URL: url }
    await t.resolves(run(command, args, { cwd: t.testdir(), env, timeout: 60_000 }), file)
  }
})
