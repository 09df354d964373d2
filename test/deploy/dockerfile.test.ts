import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import {
  filesOf,
  type Image,
  parseDockerfile,
  userOf,
  walkDockerfile,
} from '../fixtures/dockerfile.ts'
import { freePort } from '../fixtures/free-port.ts'

// There need not be a Docker daemon: the steps are walked in folders, and what they leave is run by
// the image's user out of reach of this checkout's node_modules.
const context = fileURLToPath(new URL('../../', import.meta.url))
/** The id of the image's user. */
const uid = 1000

t.setTimeout(300_000)
const folder = await mkdtemp(join(tmpdir(), 'toolgate-image-'))
await chmod(folder, 0o755)
t.teardown(() => rm(folder, { recursive: true, force: true }))
const instructions = parseDockerfile(await readFile(join(context, 'Dockerfile'), 'utf8'))
const image = await walkDockerfile(instructions, { folder, context, uid, run: installFromHere })

/** `npm ci` takes a minute: outside CI the installed packages are linked in its place. */
async function installFromHere(command: string, cwd: string): Promise<boolean> {
  if (!command.startsWith('npm ci') || process.env['CI'] === 'true') return false
  const lock = JSON.parse(await readFile(join(context, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean }>
  }
  const paths = Object.entries(lock.packages).flatMap(([path, { dev }]) =>
    /^node_modules\/(@[^/]+\/)?[^/]+$/.test(path) && !dev && existsSync(join(context, path))
      ? [path]
      : [],
  )
  const copy = (flags: string) =>
    promisify(execFile)('cp', [flags, '--parents', ...paths, cwd], { cwd: context })
  await copy('-al').catch(() => copy('-a'))
  return true
}

t.test('the image holds what runs and nothing else', async t => {
  const names = (await filesOf(join(image.root, 'app')))
    .map(path => path.slice(image.root.length + 1).split('/')[1])
    .filter(name => name !== 'node_modules')
  t.same(new Set(names), new Set(['package.json', 'LICENSE', 'web', 'src', '.cache']))
  const packages = await filesOf(join(image.root, 'app/node_modules'))
  t.same(
    packages.filter(path =>
      /\.(map|d\.ts)$|(win32|darwin)[^/]*\/|node_modules\/(tap|typescript)\//.test(path),
    ),
    [],
    'no other platform, no maps, no tools of development',
  )
  t.equal(image.user, 'node', 'and does not run as root')
})

t.test('without a key it does not start on a network, and says what to set', async t => {
  const gateway = start(image, {})
  const [code] = (await once(gateway.child, 'close')) as [number]
  t.equal(code, 1)
  t.match(gateway.output(), /set TOOLGATE_KEY, .* or set TOOLGATE_ANONYMOUS=1/)
})

t.test('it serves every tool as a plain user and writes to its volume alone', async t => {
  const code = async () =>
    (await filesOf(join(image.root, 'app'))).filter(path => !path.includes('/app/.cache/'))
  const before = await code()
  const port = await freePort()
  const gateway = start(image, { TOOLGATE_ANONYMOUS: '1', PORT: String(port) })
  t.teardown(() => gateway.child.kill('SIGKILL'))
  await gateway.ready
  const url = `http://127.0.0.1:${port}`
  const call = async (name: string, input: object) => {
    const answer = await fetch(`${url}/tools/${name}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(input),
    })
    return answer.json() as Promise<Record<string, unknown>>
  }

  t.equal(await check(image, port), 0, 'the health check passes')
  t.match(await call('calculator', { expression: '2^64' }), { result: '18446744073709551616' })
  t.match(await call('ocr', { image: await picture('english-line.png') }), { text: /\w/ })
  t.match(
    await call('ocr', { image: await picture('english-line.png'), language: 'de' }),
    { text: /\w/ },
    'Tesseract reads too',
  )
  const drawn = await call('detect_objects', {
    image: await picture('stop-sign.png'),
    draw: true,
  })
  t.match(drawn, { objects: Array, picture: /\/files\// })
  for (const path of ['/docs', '/docs/assets/swagger-ui-bundle.js', '/openapi.json', '/registry'])
    t.equal((await fetch(url + path)).status, 200, path)
  t.same(await code(), before, 'nothing is written beside the code')
  t.ok((await filesOf(join(image.root, 'data'))).length > 0, 'files go to the volume')

  gateway.child.kill('SIGTERM')
  const [status] = (await once(gateway.child, 'close')) as [number]
  t.equal(status, 0, 'it ends when it is told to')
  t.not(await check(image, port), 0, 'and the health check sees that')
})

type Gateway = { child: ChildProcess; ready: Promise<void>; output: () => string }

function start(image: Image, env: Record<string, string>): Gateway {
  const child = run(image, image.command, env)
  let output = ''
  const ready = new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      if (output.includes('/registry')) resolve()
    })
    child.once('exit', () => reject(new Error(output)))
  })
  ready.catch(() => undefined)
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()))
  return { child, ready, output: () => output }
}

/** Runs a command as the image's user would see it: its folder, its environment and no other. */
function run(image: Image, command: string[], env: Record<string, string>): ChildProcess {
  const args = command.map(word => (word === 'node' ? process.execPath : word))
  // tap adds a loader of its own to what is spawned, which the image does not have.
  return spawn('env', ['-u', 'NODE_OPTIONS', ...args], {
    ...userOf(uid),
    cwd: join(image.root, image.workdir),
    env: { PATH: process.env['PATH'], ...image.env, ...env },
    stdio: 'pipe',
  })
}

async function check(image: Image, port: number): Promise<number> {
  const [code] = (await once(run(image, image.healthcheck, { PORT: String(port) }), 'close')) as [
    number,
  ]
  return code
}

async function picture(name: string): Promise<string> {
  const bytes = await readFile(join(context, 'test/fixtures/media', name))
  return `data:image/png;base64,${bytes.toString('base64')}`
}
