import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import t from 'tap'
import { watchConfig } from '../../src/cli/watch-config.ts'
import { parseConfig } from '../../src/config.ts'
import { testApp } from '../fixtures/app.ts'
import { startStandIn } from '../fixtures/llm/stand-in.ts'
import { until } from '../fixtures/until.ts'

const call = { method: 'POST' as const, url: '/tools/echo', payload: { text: 'x' } }

t.test('what may change changes without dropping a call, the rest is named', async t => {
  const log = pino({ level: 'silent' })
  const node = await startStandIn()
  t.teardown(() => node.stop())
  const keys = [{ id: 'ann', key: 'of ann' }]
  const { app } = await testApp(t, { file: { keys, port: 1111 }, log })
  const status = async (key: string) =>
    (await app.inject({ ...call, headers: { 'x-api-key': key } })).statusCode
  t.equal(await status('of ann'), 200)

  const next = {
    keys: [{ id: 'bob', key: 'of bob', limits: { rate: '1/day' } }],
    port: 2222,
    settings: { ARXIV_URL: 'http://127.0.0.1:9' },
    corsOrigins: ['https://pages.example'],
    logLevel: 'fatal',
    llm: { nodes: [{ url: node.url }] },
    allowances: { wrongKeys: '1/day' },
  }
  const changed = parseConfig({ TOOLGATE_FILES: t.testdirName }, next)
  t.same(await app.reload(changed), ['port', 'settings'])
  t.equal(await status('of ann'), 401)
  t.equal(await status('of ann'), 429, 'the limit of wrong keys, too')
  t.equal(log.level, 'fatal')
  const headers = { 'x-api-key': 'of bob', origin: 'https://pages.example' }
  const answer = await app.inject({ ...call, headers, remoteAddress: '192.0.2.1' })
  t.equal(answer.headers['access-control-allow-origin'], 'https://pages.example')
  const again = await app.inject({ ...call, headers, remoteAddress: '192.0.2.1' })
  t.equal(again.statusCode, 429)
  t.match(
    (
      await app.inject({
        url: '/llm/nodes',
        headers: { 'x-api-key': 'of bob' },
        remoteAddress: '192.0.2.1',
      })
    ).json(),
    {
      nodes: [{ url: node.url }],
    },
  )
  t.same(await app.reload(changed), [], 'the same again changes nothing')
})

t.test('sources come, change and go with the configuration', async t => {
  const source = (path: string) => ({
    name: 'own',
    kind: 'http',
    url: 'http://127.0.0.1:9',
    tools: [{ name: 'say', description: 'Says something.', path }],
  })
  const { app, registry, config } = await testApp(t, { file: { sources: [source('/a')] } })
  const names = () => registry.list().map(({ name }) => name)
  await app.ready()
  await until('the source is there', () => names().some(name => name.startsWith('own')))
  const revision = registry.revision
  await app.reload(config)
  t.equal(registry.revision, revision, 'one that has not changed is left alone')
  await app.reload({ ...config, sources: [source('/b')] })
  await until('the changed one is there', () => registry.revision > revision)
  await app.reload({ ...config, sources: [] })
  t.notOk(names().some(name => name.startsWith('own')))
})

t.test('a configuration that is wrong leaves the one before in force', async t => {
  const path = join(t.testdir(), 'toolgate.config.json')
  await writeFile(path, '{"keys": [{"id": "ann", "key": "of ann"}]}')
  const lines: [string, object][] = []
  const tell = (fields: object, line: string) => void lines.push([line, fields])
  const log = { debug: tell, info: tell, warn: tell, error: tell }
  const taken: string[][] = []
  const watched = watchConfig({
    env: { TOOLGATE_CONFIG: path },
    log,
    reload: async ({ keys }) => {
      taken.push(keys.map(({ id }) => id))
      return ['port']
    },
  })
  t.teardown(() => watched.close())
  await watched.reload()
  t.same(taken, [['ann']])
  t.match(lines.at(-1), ['configuration reloaded', { needsRestart: ['port'] }])
  for (const text of ['{', '{"prot": 1}', '{"keys": [{"id": "a", "key": "${NOT_SET}"}]}']) {
    await writeFile(path, text)
    await watched.reload()
    t.match(lines.at(-1), [/^configuration not reloaded/, { problem: /./ }], text)
  }
  t.equal(taken.length, 1)
  await writeFile(path, '{"keys": [{"id": "bob", "key": "of bob"}]}')
  process.emit('SIGHUP')
  await until('it is read on SIGHUP', () => taken.length > 1)
  t.same(taken.at(-1), ['bob'])
})
