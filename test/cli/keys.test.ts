import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { join } from 'node:path'
import t from 'tap'
import { type KeyDesk, keysCommand } from '../../src/cli/keys.ts'
import { runningGateway } from '../fixtures/running-gateway.ts'
import { skipWithoutRedis, startRedisServer } from '../fixtures/redis.ts'
import { until } from '../fixtures/until.ts'

const run = promisify(execFile)
const command = fileURLToPath(new URL('../../src/cli/toolgate.js', import.meta.url))

type Said = { code: number; stdout: string; stderr: string }
/** `toolgate keys …`, as an operator types it. */
async function keys(env: Record<string, string>, ...args: string[]): Promise<Said> {
  const options = { env: { PATH: process.env['PATH'] ?? '', ...env }, timeout: 60_000 }
  try {
    return { code: 0, ...(await run(process.execPath, [command, 'keys', ...args], options)) }
  } catch (error) {
    const { code, stdout, stderr } = error as Said
    return { code, stdout, stderr }
  }
}

const statusOf = async (url: string, key: string): Promise<number> => {
  const response = await fetch(`${url}/tools/calculator`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': key },
    body: '{"expression":"1+1"}',
  })
  await response.body?.cancel()
  return response.status
}

/** A gateway that runs learns of keys that are made and ended beside it. */
async function follows(t: Parameters<typeof runningGateway>[0], place: Record<string, string>) {
  const env = { ...place, TOOLGATE_KEY: 'of the operator' }
  const { url } = await runningGateway(t, env)
  const made = await keys(place, 'create', '--name', 'Ann', '--tools', 'calculator')
  const key = made.stdout.trim()
  await until('a new key works', async () => (await statusOf(url, key)) === 200)
  const rotated = (await keys(place, 'rotate', 'Ann')).stdout.trim()
  await until('the next key works', async () => (await statusOf(url, rotated)) === 200)
  await until('the one before is refused', async () => (await statusOf(url, key)) === 401)
  await keys(place, 'revoke', 'Ann')
  await until('a revoked key is refused', async () => (await statusOf(url, rotated)) === 401)
}

t.test('keys of a file reach a gateway that runs', async t => {
  await follows(t, { TOOLGATE_KEYS: join(t.testdir(), 'keys.json') })
})

t.test('keys of Redis reach a gateway that runs', { skip: skipWithoutRedis }, async t => {
  const redis = await startRedisServer(t)
  const place = { REDIS_URL: redis.url, TOOLGATE_KEYS: join(t.testdir(), 'keys.json') }
  await follows(t, place)
})

t.test('a key is printed once, listed without its secret, and mistakes are said', async t => {
  const place = { TOOLGATE_KEYS: join(t.testdir(), 'keys.json') }
  const flags = ['--id', 'bob', '--admin', '--expires', '30d', '--rate', '60/min']
  const made = await keys(place, 'create', ...flags, '--faces', 'mcp,rest')
  t.match(made.stdout, /^tg_[\w-]{43}\n$/)
  const listed = await keys(place, 'list')
  t.match(listed.stdout, /^bob +active +faces=mcp,rest admin rate=60\/min until 2/)
  t.notMatch(listed.stdout, made.stdout.trim())
  t.match(JSON.parse((await keys(place, 'list', '--json')).stdout), [{ id: 'bob' }])
})

t.test('what is typed wrong is said, and nothing is opened for it', async t => {
  const said = t.capture(process.stderr, 'write')
  const desk = async () => {
    throw new Error('opened')
  }
  for (const args of [[], ['revoke'], ['rotate'], ['create', 'ann'], ['frobnicate']]) {
    t.equal(await keysCommand(args, desk), 2, args.join(' '))
    t.match(said().at(-1)?.args[0], 'toolgate keys create')
  }
  const refused = { close() {}, create: async () => Promise.reject(new Error('created')) }
  const open = async () => refused as unknown as KeyDesk
  const wrong: [string[], RegExp][] = [
    [['--rate', 'often'], /^--rate: must be an amount such as 60\/min/],
    [['--quota', '0/day'], /^--quota: /],
    [['--expires', 'soon'], /^--expires: must be a time such as 30d/],
    [['--expires', '2030-99-99'], /^--expires: "2030-99-99" is no date/],
    [['--concurrency', '0'], /^--concurrency/],
    [['--id', 'a b'], /^--id/],
    [['--frobnicate'], /frobnicate/],
    [['--expires', '2030-01-01'], /^created$/],
  ]
  for (const [args, message] of wrong)
    await t.rejects(keysCommand(['create', ...args], open), { message }, args.join(' '))
})

t.test('keys alone open a gateway to the network, and no Redis is an error', async t => {
  const place = { TOOLGATE_KEYS: join(t.testdir(), 'keys.json') }
  const nowhere = { ...place, REDIS_URL: join(t.testdirName, 'no-redis') }
  const [{ stdout }, refused] = await Promise.all([keys(place, 'create'), keys(nowhere, 'create')])
  t.match(refused, { code: 1, stderr: /no Redis answers/ })
  await t.test('which listens on every address', async t => {
    const { url } = await runningGateway(t, { ...place, HOST: '0.0.0.0' })
    const local = url.replace('0.0.0.0', '127.0.0.1')
    t.equal(await statusOf(local, stdout.trim()), 200)
    t.equal(await statusOf(local, 'another'), 401)
  })
})
