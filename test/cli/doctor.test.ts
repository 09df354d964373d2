import { join } from 'node:path'
import t from 'tap'
import { examine, type Finding } from '../../src/cli/doctor.ts'
import { ask } from '../../src/cli/doctor/ask.ts'
import { parseConfig, upstreams } from '../../src/config.ts'
import { createRegistry } from '../../src/registry/registry.ts'
import { createKeyFile } from '../../src/gateway/auth/key-file.ts'
import { startDevLlm } from '../../src/gateway/llm/dev-llm.ts'
import { echo, locked } from '../fixtures/app.ts'
import { keyRecord } from '../fixtures/key-record.ts'
import { skipWithoutRedis, startRedisServer } from '../fixtures/redis.ts'
import { at, type Reply, standIn } from '../fixtures/stand-in.ts'

const patient =
  (t: { testdir(): string }, env: Record<string, string>, file: unknown = {}) =>
  async () => {
    const config = parseConfig({ TOOLGATE_FILES: join(t.testdir(), 'files'), ...env }, file)
    return { config, registry: createRegistry([echo, locked], { settings: config.settings }) }
  }

/** Where all services are one stand-in. */
const all = (url: string) =>
  Object.fromEntries(Object.keys(upstreams).map(name => [name, url])) as Record<string, string>

const told = (findings: Finding[], check: string) =>
  findings.filter(finding => finding.check === check).map(({ level, message }) => [level, message])

t.test('a gateway that is well has nothing to mend, and what is missing has a remedy', async t => {
  const upstream = await standIn(t)
  const findings = await examine(patient(t, all(upstream.url)))
  t.same(
    findings.filter(({ level }) => level === 'error'),
    [],
  )
  t.match(told(findings, 'tool echo'), [['ok']])
  t.match(told(findings, 'tool locked'), [['warning', 'LOCKED_KEY is not set']])
  t.match(told(findings, 'upstream ARXIV_URL'), [['ok']])
  t.match(told(findings, 'clock'), [['ok']])
  t.match(told(findings, 'files'), [['ok']])
  t.ok(findings.every(({ level, remedy }) => level === 'ok' || remedy))
})

t.test('a configuration that cannot be read is a finding, line by line', async t => {
  const findings = await examine(patient(t, {}, { prot: 1, hots: 2 }))
  t.match(findings, [
    { check: 'config', level: 'error', message: /unknown configuration key "prot"/ },
    { check: 'config', level: 'error', message: /unknown configuration key "hots"/ },
  ])
})

t.test('a gateway that would not start for want of a key is told so', async t => {
  const upstream = await standIn(t)
  const folder = t.testdir({ broken: 'no JSON' })
  const told = async (env: Record<string, string>) =>
    (
      await examine(
        patient(
          { testdir: () => folder },
          { ...all(upstream.url), TOOLGATE_KEYS: join(folder, 'none'), ...env },
        ),
      )
    ).flatMap(({ level, message }) => (level === 'error' ? message : []))
  const open = { HOST: '0.0.0.0' }
  t.match(await told(open), [/^HOST=0.0.0.0 is reachable/])
  t.match(await told({ TOOLGATE_KEYS: join(folder, 'broken') }), [/is not JSON/])
  const made = join(folder, 'made')
  await createKeyFile(made).save([keyRecord('ann', 'of ann')])
  for (const env of [
    { TOOLGATE_KEYS: made },
    { TOOLGATE_KEY: 'a key that is long enough' },
    { TOOLGATE_ANONYMOUS: '1' },
  ])
    t.same(await told({ ...open, ...env }), [])
})

t.test('signatures that no other process takes are told where there may be one', async t => {
  const upstream = await standIn(t)
  const told = async (env: Record<string, string>) =>
    (await examine(patient(t, { ...all(upstream.url), ...env }))).some(
      ({ message, remedy }) =>
        /signs the URLs/.test(message) && /TOOLGATE_SECRET/.test(remedy ?? ''),
    )
  const shared = { PUBLIC_URL: upstream.url }
  t.notOk(await told({}), 'one process, on this machine')
  t.ok(await told(shared))
  t.notOk(await told({ ...shared, TOOLGATE_SECRET: 'a secret' }))
  t.notOk(await told({ ...shared, TOOLGATE_KEY: 'a key that replicas share' }))
  t.notOk(await told({ ...shared, TOOLGATE_ANONYMOUS: '1' }), 'nothing is signed')
})

t.test('what cannot be reached is named with its reason', async t => {
  const findings = await examine(
    patient(t, {
      ...all('http://127.0.0.1:9'),
      REDIS_URL: 'redis://:a-redis-password@127.0.0.1:9',
      LMDEPLOY_URL: 'http://127.0.0.1:9',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9',
      PUBLIC_URL: 'http://127.0.0.1:9',
      TOOLGATE_FILES: join(process.execPath, 'files'),
    }),
  )
  for (const check of ['upstream ARXIV_URL', 'redis', 'llm http://127.0.0.1:9', 'traces', 'files'])
    t.match(told(findings, check), [['error']], check)
  t.match(told(findings, 'public url'), [
    ['warning', 'is not https'],
    ['warning', 'is a private address'],
    ['error', /dify\.json cannot be fetched/],
    ['error', /gpt\.json cannot be fetched/],
  ])
  t.match(told(findings, 'redis'), [['error', /ECONNREFUSED/]], 'and why')
  t.notMatch(JSON.stringify(findings), /a-redis-password/)
})

t.test('a clock that is wrong is told by the dates of others', async t => {
  const date = new Date(Date.now() - 3_600_000).toUTCString()
  const late: Reply = () => ({ body: {}, headers: { date } })
  const upstream = await standIn(t, late)
  const findings = await examine(patient(t, all(upstream.url)))
  t.match(told(findings, 'clock'), [['error', /^3[56]\d\d s ahead of the upstreams’/]])
})

t.test('the public address is seen as Dify and GPT see it', async t => {
  const upstream = await standIn(t)
  const documentOf = (servers: unknown) => ({ body: { openapi: '3.1.0', servers } })
  const seen = async (dify: Parameters<typeof at>[1], gpt: Parameters<typeof at>[1]) => {
    const pretend: typeof ask = async (url, options) => {
      if (!url.startsWith('https://tools.example')) return ask(url, options)
      const proxy = await standIn(t, at('/openapi/dify.json', dify), at('/openapi/gpt.json', gpt))
      return ask(url.replace('https://tools.example', proxy.url), options)
    }
    const env = { ...all(upstream.url), PUBLIC_URL: 'https://tools.example' }
    return told(await examine(patient(t, env), pretend), 'public url')
  }
  const good = documentOf([{ url: 'https://tools.example' }])
  t.match(await seen(good, good), [['ok'], ['ok']])
  t.match(await seen(documentOf([{ url: 'http://localhost:8642' }]), { status: 502 }), [
    ['error', '/openapi/dify.json names http://localhost:8642'],
    ['error', '/openapi/gpt.json answers 502'],
  ])
  t.match(await seen({ type: 'text/html', body: '<p>hi</p>' }, good), [
    ['error', /is no document/],
    ['ok'],
  ])
})

t.test('a node tells its models, and whether it takes tools', async t => {
  const llm = await startDevLlm({ port: 0 })
  t.teardown(() => llm.close())
  const bare = await standIn(
    t,
    at('/v1/models', { body: { data: [{ id: 'm', max_model_len: 32_768 }] } }),
    at('/v1/chat/completions', {
      status: 400,
      body: {
        message: 'Please launch the api_server with --tool-call-parser if you want to use tools.',
      },
    }),
  )
  const upstream = await standIn(t)
  const env = { ...all(upstream.url), LMDEPLOY_URL: `${llm.url},${bare.url}` }
  const findings = await examine(patient(t, env))
  t.match(told(findings, `llm ${new URL(llm.url).origin}`), [
    ['ok', llm.model],
    ['ok', /takes tools/],
  ])
  t.match(told(findings, `llm ${bare.url}`), [
    ['ok', /32768 tokens/],
    ['warning', /without a parser of tool calls/],
  ])
})

t.test('Redis is looked at', { skip: skipWithoutRedis }, async t => {
  const redis = await startRedisServer(t)
  const upstream = await standIn(t)
  const findings = await examine(patient(t, { ...all(upstream.url), REDIS_URL: redis.url }))
  t.match(told(findings, 'redis'), [[/ok|warning/], ['warning', 'has no bound on its memory']])
})
