import { execFile } from 'node:child_process'
import { readdir, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { startDevLlm } from '../src/gateway/llm/dev-llm.ts'
import { addressesOf, blocksOf, pages } from './fixtures/pages.ts'
import { project, runningGateway } from './fixtures/running-gateway.ts'

t.setTimeout(300_000)

/** Blocks marked `bash` or `console` are shown and not run here; this says what vouches for each. */
const vouched: Record<string, string> = {
  'claude mcp add': 'it wants Claude Code; examples/mcp has clients of the same address',
  'npm ci\nnpm start': '.ci/run begins with the first; the gateway of this test is the second',
  'HOST=0.0.0.0': 'test/deploy/dockerfile.test.ts starts it so',
  'docker compose': 'test/deploy/compose.test.ts reads the file',
  'LMDEPLOY_URL=': 'test/gateway/llm/failover.test.ts has two nodes, one of which dies',
}

const model = await startDevLlm({ port: 0 })
t.teardown(() => model.close())
const { url } = await runningGateway(t, { LMDEPLOY_URL: model.url })
const here = new URL(url).host
const texts = await pages()

/** A folder that looks like the project, so that what commands write does not land there. */
const folder = t.testdir()
for (const name of await readdir(project))
  if (!name.startsWith('.')) await symlink(join(project, name), join(folder, name))

t.test('every command of the README and the manual runs', async t => {
  const commands = texts.flatMap(({ path, text }) =>
    blocksOf(text, 'sh').map(code => ({ path, code })),
  )
  t.ok(commands.length > 3)
  for (const { path, code } of commands)
    await t.resolves(shell(code.replaceAll('127.0.0.1:8642', here)), `${path}: ${code}`)
})

t.test('a command that is not run here is vouched for elsewhere', async t => {
  for (const { path, text } of texts)
    for (const code of [...blocksOf(text, 'bash'), ...blocksOf(text, 'console')])
      t.ok(
        Object.keys(vouched).some(part => code.includes(part)),
        `${path}: ${code}`,
      )
})

t.test('every address that a page names answers', async t => {
  for (const { path, text } of texts)
    for (const address of addressesOf(text)) {
      const answer = await fetch(address.replace('127.0.0.1:8642', here))
      t.equal(answer.status, 200, `${path}: ${address}`)
    }
})

/** Runs commands as a user does; an HTTP error is an error. */
async function shell(code: string): Promise<string> {
  const script = `curl() { command curl --silent --show-error --fail-with-body --max-time 60 "$@"; }
set -eu
${code}`
  const { stdout } = await promisify(execFile)('sh', ['-c', script], {
    cwd: folder,
    env: { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}` },
    timeout: 120_000,
  })
  return stdout
}
