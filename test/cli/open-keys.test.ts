import { readFile } from 'node:fs/promises'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { openKeys } from '../../src/cli/open-keys.ts'
import { parseConfig } from '../../src/config.ts'
import { createKeyFile } from '../../src/gateway/auth/key-file.ts'
import { createKeyRedis } from '../../src/gateway/auth/key-redis.ts'
import { openRedis } from '../../src/gateway/policies/redis.ts'
import { testApp } from '../fixtures/app.ts'
import { keyRecord } from '../fixtures/key-record.ts'
import { type RedisServer, skipWithoutRedis, startRedisServer } from '../fixtures/redis.ts'
import { until } from '../fixtures/until.ts'

t.setTimeout(120_000)
const log = pino({ level: 'silent' })
const skip = skipWithoutRedis

/** A gateway as `toolgate` starts it, as far as its keys go. */
async function start(t: Test, server: RedisServer, env: Record<string, string> = {}) {
  // Not in the folder of the test, which each start empties; the Redis has one of its own.
  const keyFile = `${server.folder}/keys`
  const all = { REDIS_URL: server.url, TOOLGATE_KEYS: keyFile, ...env }
  const redis = openRedis({ url: server.url })
  const config = parseConfig({ TOOLGATE_FILES: t.testdirName, ...all })
  const { close, ...keys } = await openKeys({ config, log, redis })
  t.teardown(close)
  const { app } = await testApp(t, { env: all, redis, ...keys })
  const statusOf = async (method: 'GET' | 'POST', url: string, key?: string) => {
    const headers = key === undefined ? {} : { 'x-api-key': key }
    const payload = { text: 'x' }
    const more = method === 'POST' ? { payload } : {}
    return (await app.inject({ method, url, headers, ...more })).statusCode
  }
  return { app, keys, keyFile, statusOf }
}

t.test('until Redis has said whether it holds keys nobody comes in', { skip }, async t => {
  const server = await startRedisServer(t)
  const writer = openRedis({ url: server.url })
  t.teardown(() => writer.close())
  await until('Redis is up', () => writer.health().state === 'up')
  await createKeyRedis(writer).save([keyRecord('ann', 'of ann')])
  server.hang()
  const { app, statusOf } = await start(t, server)
  const refused = await app.inject({ method: 'POST', url: '/tools/echo', payload: { text: 'x' } })
  t.equal(refused.statusCode, 503)
  t.match(refused.json(), { error: { code: 'TG_STARTING', hint: /TOOLGATE_ANONYMOUS/ } })
  t.equal(refused.headers['retry-after'], '2')
  for (const url of ['/openapi.json', '/registry', '/docs', '/metrics', '/keys', '/llm/nodes'])
    t.equal(await statusOf('GET', url), 503, url)
  for (const url of ['/mcp', '/lagent/Echo', '/v1/chat/completions', '/files', '/keys'])
    t.equal(await statusOf('POST', url, 'of ann'), 503, url)
  const agentLego = await app.agentLego()
  t.teardown(() => agentLego.close())
  t.equal((await agentLego.inject({ method: 'POST', url: '/Echo' })).statusCode, 503)
  t.equal(await statusOf('GET', '/health/live'), 200)
  t.match((await app.inject('/health/ready')).json(), { status: 'starting' })
  server.wake()
  await until('the keys are known', async () => (await statusOf('POST', '/tools/echo')) === 401)
  t.equal(await statusOf('POST', '/tools/echo', 'of ann'), 200)
  t.equal(await statusOf('GET', '/health/ready'), 200)
})

t.test(
  'a Redis that held no keys is remembered, so it may be away next time',
  { skip },
  async t => {
    const server = await startRedisServer(t)
    const first = await start(t, server)
    t.equal(await first.statusOf('POST', '/tools/echo'), 200)
    await until('it is noted', async () => {
      const text = await readFile(first.keyFile, 'utf8').catch(() => '')
      return text.includes('emptyAt')
    })
    await server.kill()
    const again = await start(t, server)
    t.equal(await again.statusOf('POST', '/tools/echo'), 200, 'open as before, without Redis')
    const other = await start(t, { ...server, url: `${server.url}-2` })
    t.equal(await other.statusOf('POST', '/tools/echo'), 503, 'another Redis is not known')
    await createKeyFile(first.keyFile).save([keyRecord('ann', 'of ann')])
    const keyed = await start(t, server)
    t.equal(await keyed.statusOf('POST', '/tools/echo'), 401, 'keys of the file are known at once')
    t.ok(await createKeyFile(first.keyFile).isNoted(server.url), 'and a key keeps the note')
  },
)

t.test('who wants no key need not wait; admin routes do', { skip }, async t => {
  const server = await startRedisServer(t)
  await server.kill()
  const { statusOf } = await start(t, server, { TOOLGATE_ANONYMOUS: '1' })
  t.equal(await statusOf('POST', '/tools/echo'), 200)
  t.equal(await statusOf('GET', '/openapi.json'), 200)
  t.equal(await statusOf('GET', '/health/ready'), 200)
  t.equal(await statusOf('GET', '/keys'), 503)
  t.equal(await statusOf('GET', '/metrics'), 503)
})

t.test('a key of the configuration is enough to begin with', { skip }, async t => {
  const server = await startRedisServer(t)
  await server.kill()
  const { statusOf } = await start(t, server, { TOOLGATE_KEY: 'of bob' })
  t.equal(await statusOf('POST', '/tools/echo'), 401)
  t.equal(await statusOf('POST', '/tools/echo', 'of bob'), 200)
})
