import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import t from 'tap'
import { watchConfig } from '../../src/cli/watch-config.ts'
import { type Config, configSchema, parseConfig } from '../../src/config.ts'
import { testApp } from '../fixtures/app.ts'
import { modernRequest } from '../fixtures/mcp-client.ts'
import { runningGateway } from '../fixtures/running-gateway.ts'
import { startStandIn } from '../fixtures/llm/stand-in.ts'
import { sessionServer } from '../fixtures/sources/mcp-servers.ts'
import { otherServer } from '../fixtures/sources/server.ts'
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

t.test('a source that changes or goes finishes the calls under way', async t => {
  const waiting: (() => void)[] = []
  const http = await otherServer(
    t,
    () => new Promise(resolve => waiting.push(() => resolve({ body: { said: 'late' } }))),
  )
  const tool = { name: 'slow', description: 'Slow.', inputSchema: { type: 'object' } }
  const mcp = await sessionServer(
    t,
    [tool],
    () =>
      new Promise(resolve =>
        waiting.push(() => resolve({ content: [{ type: 'text', text: 'late' }] })),
      ),
  )
  const sourcesOf = (more: object) => [
    { name: 'far', kind: 'mcp', url: mcp.url, ...more },
    {
      name: 'near',
      kind: 'http',
      url: http.url,
      tools: [{ name: 'slow', description: 'Slow.', path: '/slow' }],
      ...more,
    },
  ]
  const { app, registry, config } = await testApp(t, { file: { sources: sourcesOf({}) } })
  await app.ready()
  await until('both are there', () => registry.list().length === 5)
  const begin = async () => {
    const calls = ['far_slow', 'near_slow'].map(name =>
      app.inject({ method: 'POST', url: `/tools/${name}`, payload: {} }),
    )
    for (const call of calls) call.catch(() => undefined)
    await until('both run', () => waiting.length === 2)
    return calls
  }
  for (const sources of [sourcesOf({ timeoutMs: 60_000 }), []]) {
    const calls = await begin()
    await app.reload({ ...config, sources } as Config)
    for (const finish of waiting.splice(0)) finish()
    for (const call of calls) t.match((await call).body, 'late')
  }
  t.equal(registry.list().length, 3, 'and is gone')
})

t.test('what a refused configuration added comes with the next that is well', async t => {
  const { app } = await testApp(t)
  const llm = { nodes: [{ url: 'http://127.0.0.1:9' }] }
  const twice = { name: 'same', kind: 'openapi', url: 'http://127.0.0.1:9' }
  const wrong = parseConfig({}, { llm, sources: [twice, twice] })
  await t.rejects(app.reload(wrong), { message: /stated twice/ })
  await app.reload(parseConfig({}, { llm }))
  t.match((await app.inject('/llm/nodes')).json(), llm)
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

t.test(
  'SIGHUP reloads a gateway, and ends neither one that serves nor one that drains',
  async t => {
    const folder = t.testdir()
    const path = join(folder, 'toolgate.config.json')
    const write = (id: string) =>
      writeFile(path, JSON.stringify({ keys: [{ id, key: id }], limits: { drainMs: 600_000 } }))
    await write('ann')
    const { url, child } = await runningGateway(
      { testdir: () => folder, teardown: end => t.teardown(end) },
      { TOOLGATE_CONFIG: path },
    )
    const status = async (key: string, path: string): Promise<number> => {
      const answer = await fetch(`${url}${path}`, { headers: { 'x-api-key': key } })
      await answer.body?.cancel()
      return answer.status
    }
    for (const id of ['bob', 'eve']) {
      await write(id)
      child.kill('SIGHUP')
      await until(`${id} may come in`, async () => (await status(id, '/metrics')) === 200)
    }
    child.kill('SIGTERM')
    await until('it drains', async () => (await status('eve', '/health/ready')) === 503)
    child.kill('SIGHUP')
    t.equal(await status('eve', '/metrics'), 200)
    t.equal(child.signalCode, null)
  },
)

type Schema = { properties?: Record<string, Schema> }
/** The parts whose members are told one by one: those that are always there. */
const described: Record<string, object> = configSchema.properties
const pathsOf = (config: Config): string[] =>
  Object.entries(described).flatMap(([name, schema]) => {
    const { properties } = schema as Schema
    return properties && name in config && name !== 'allowances'
      ? Object.keys(properties).map(member => `${name}.${member}`)
      : [name]
  })

/** What is taken over at once, each in a form that is another one. */
const followed: Record<string, unknown> = {
  keys: [{ id: 'ann', key: 'of ann' }],
  allowances: { tools: {}, models: {}, wrongKeys: '7/min' },
  corsOrigins: ['https://pages.example'],
  logLevel: 'fatal',
  sources: [],
  mcpServers: {},
  'llm.nodes': [],
  'llm.registrars': ['192.0.2.1'],
  'llm.logPrompts': true,
}

/** Another value of the same kind; reload takes what a parser has let through. */
function other(value: unknown): unknown {
  if (typeof value === 'number') return value + 1
  if (typeof value === 'boolean') return !value
  if (Array.isArray(value)) return [...value, 'more']
  return typeof value === 'object' && value !== null ? { ...value, more: 'more' } : 'other'
}

t.test('every field of the configuration is taken over, or named as one that is not', async t => {
  const { app, config } = await testApp(t)
  await app.ready()
  const paths = pathsOf(config)
  t.ok(paths.length > 50, `${paths.length} fields`)
  for (const path of Object.keys(followed)) t.ok(paths.includes(path), `${path} is one`)
  for (const path of paths) {
    const [part = '', member] = path.split('.')
    const before = config[part as keyof Config] as unknown
    const changed = (value: unknown): unknown => (path in followed ? followed[path] : other(value))
    const next =
      member === undefined
        ? changed(before)
        : { ...(before as object), [member]: changed((before as Loose)[member]) }
    await app.reload(config)
    const named = await app.reload({ ...config, [part]: next } as Config)
    t.same(named, path in followed ? [] : [path], path)
  }
})
type Loose = Record<string, unknown>

t.test('who may register, which pages reach MCP, and the hints of its lists follow', async t => {
  const { app, config } = await testApp(t)
  await app.ready()
  const post = (url: string, payload: object, headers: Record<string, string> = {}) =>
    app.inject({ method: 'POST', url, payload, headers })
  const { headers, payload } = modernRequest('tools/list')
  const list = (more: Record<string, string> = {}) => post('/mcp', payload, { ...headers, ...more })
  const page = { origin: 'https://pages.example' }
  const nodes = { url: 'http://127.0.0.1:9' }

  t.equal((await post('/nodes/add', nodes)).statusCode, 404)
  t.equal((await list(page)).statusCode, 403)
  t.match((await list()).json(), { result: { cacheScope: 'public' } })
  const llm = { ...config.llm, registrars: ['127.0.0.1'] }
  await app.reload({ ...config, llm, corsOrigins: [page.origin] })
  t.not((await post('/nodes/add', nodes)).statusCode, 404)
  t.equal((await list(page)).statusCode, 200)
  await app.reload({ ...config, keys: [{ id: 'ann', key: 'of ann' }] })
  t.equal((await post('/nodes/add', nodes)).statusCode, 404)
  const keyed = { 'x-api-key': 'of ann' }
  t.match((await list({ ...page, ...keyed })).json(), { result: { cacheScope: 'private' } })
  t.equal(
    (await list(page)).statusCode,
    401,
    'a foreign page is asked for a key, where there is one',
  )
})
