import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import t from 'tap'

const run = promisify(execFile)
const command = fileURLToPath(new URL('../../src/cli/toolgate.js', import.meta.url))

/** Runs the command as a user does, in an empty folder. */
async function toolgate(
  cwd: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    const options = { cwd, env: { PATH: process.env['PATH'] ?? '', ...env }, timeout: 60_000 }
    return { code: 0, ...(await run(process.execPath, [command, ...args], options)) }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { code, stdout, stderr }
  }
}

t.test('calls a tool and prints its answer, or what a model reads', async t => {
  const cwd = t.testdir()
  const answer = await toolgate(cwd, ['call', 'calculator', '{"expression":"2^64"}'])
  t.equal(answer.code, 0, answer.stderr)
  t.equal(JSON.parse(answer.stdout).result, '18446744073709551616')
  const text = await toolgate(cwd, ['call', 'calculator', '{"expression":"6*7"}', '--text'])
  t.equal(text.stdout, '42\n')
})

t.test('a refused call exits with 1 and says why', async t => {
  const answer = await toolgate(t.testdir(), ['call', 'calculator', '{"expresion":"1"}'])
  t.equal(answer.code, 1)
  t.match(answer.stderr, 'TG_ARGUMENT_UNKNOWN')
  t.equal(answer.stdout, '')
})

t.test('lists and finds tools', async t => {
  const cwd = t.testdir()
  t.match((await toolgate(cwd, ['tools'])).stdout, /^calculator +Works out/m)
  t.match((await toolgate(cwd, ['tools', '论文'])).stdout, /^arxiv_(search|paper) /)
})

t.test('a new tool works at once, and its file is never overwritten', async t => {
  const cwd = t.testdir()
  const made = await toolgate(cwd, ['new', 'say_hello'])
  t.equal(made.code, 0, made.stderr)
  t.ok(existsSync(join(cwd, 'tools/say-hello.ts')))
  const called = await toolgate(cwd, ['call', 'say_hello', '{"who":"世界"}'], {
    TOOLGATE_TOOLS: 'tools',
  })
  t.equal(JSON.parse(called.stdout).greeting, 'Hello, 世界!')
  t.equal((await toolgate(cwd, ['new', 'say_hello'])).code, 1)
  t.match((await toolgate(cwd, ['new', 'Say-Hello'])).stderr, 'a-z, 0-9 and _')
})

t.test('prints every document', async t => {
  const cwd = t.testdir()
  t.match(JSON.parse((await toolgate(cwd, ['openapi'])).stdout), { openapi: '3.1.0' })
  t.match(JSON.parse((await toolgate(cwd, ['openapi', 'coze'])).stdout), { openapi: '3.0.3' })
  t.equal((await toolgate(cwd, ['openapi', 'nothing'])).code, 1)
})

t.test('a file input is a path here, and a picture of the answer is saved here', async t => {
  const cwd = t.testdir()
  await mkdir(join(cwd, 'tools'))
  await writeFile(
    join(cwd, 'tools/copy.ts'),
    `import Type from 'typebox'
import { Artifact, DocumentFile, defineTool } from 'toolgate'
export default defineTool({
  name: 'copy', title: 'Copy', description: 'Copies a text.',
  input: Type.Object({ document: DocumentFile({ description: 'A text' }) }),
  output: Type.Object({ twin: Artifact('text/plain', { description: 'The same' }) }),
  async run({ document }, { readFile, saveFile }) {
    const bytes = await readFile(document)
    return { twin: await saveFile({ bytes, mediaType: 'text/plain', name: 'twin.txt' }) }
  },
})
`,
  )
  await writeFile(join(cwd, 'note.txt'), 'a text of one line')
  const answer = await toolgate(cwd, ['call', 'copy', '{"document":"note.txt"}'], {
    TOOLGATE_TOOLS: 'tools',
  })
  t.equal(answer.code, 0, answer.stderr)
  const { twin } = JSON.parse(answer.stdout) as { twin: string }
  t.equal(await readFile(join(cwd, twin), 'utf8'), 'a text of one line')
})

t.test(
  'a start that would be open to the network is refused, and so is a typing error',
  async t => {
    const cwd = t.testdir()
    t.match((await toolgate(cwd, [], { HOST: '0.0.0.0' })).stderr, 'set TOOLGATE_KEY')
    const config = JSON.stringify({ prot: 1 })
    await writeFile(join(cwd, 'toolgate.config.json'), config)
    t.match((await toolgate(cwd, [])).stderr, /unknown configuration key.*prot/)
    t.equal((await toolgate(cwd, ['frobnicate'])).code, 2)
  },
)

t.test('prints a document that names the address at which the gateway would listen', async t => {
  const { code, stdout, stderr } = await toolgate(t.testdir(), ['openapi', 'dify'])
  t.equal(code, 0, stderr)
  t.same(JSON.parse(stdout).servers, [{ url: 'http://127.0.0.1:8642' }])
  const moved = await toolgate(t.testdir(), ['openapi'], { PUBLIC_URL: 'https://tools.example' })
  t.same(JSON.parse(moved.stdout).servers, [{ url: 'https://tools.example' }])
})

t.test('only what listens wants a key', async t => {
  const HOST = '0.0.0.0'
  for (const args of [['tools'], ['call', 'calculator', '{"expression":"1"}'], ['openapi']]) {
    const { code, stderr } = await toolgate(t.testdir(), args, { HOST })
    t.equal(code, 0, `${args[0]}: ${stderr}`)
  }
})

t.test('says its version and ends', async t => {
  const { code, stdout } = await toolgate(t.testdir(), ['--version'])
  t.equal(code, 0)
  t.match(stdout, /^\d+\.\d+\.\d+\n$/)
})

t.test('reads .env in the working directory; what is set beats it', async t => {
  const cwd = t.testdir({ '.env': 'PUBLIC_URL=https://dotenv.example\n' })
  const servers = async (env?: Record<string, string>) =>
    JSON.parse((await toolgate(cwd, ['openapi'], env)).stdout).servers
  t.same(await servers(), [{ url: 'https://dotenv.example' }])
  t.same(await servers({ PUBLIC_URL: 'https://set.example' }), [{ url: 'https://set.example' }])
})

t.test('speaks MCP to the client that started it, with what the environment chose', async t => {
  const env = { PATH: process.env['PATH'] ?? '', TOOLGATE_MCP_SEARCH: '1' }
  const client = new Client({ name: 'test', version: '0.0.0' })
  t.teardown(() => client.close())
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [command, 'mcp'],
      env,
      cwd: t.testdir(),
    }),
  )
  t.same(
    (await client.listTools()).tools.map(({ name }) => name),
    ['call_tool', 'find_tools'],
  )
  const sum = { name: 'calculator', arguments: { expression: '6 * 7' } }
  const called = await client.callTool({ name: 'call_tool', arguments: sum })
  t.match(called.content, [{ text: '42' }])
})
