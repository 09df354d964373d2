import t from 'tap'
import Type from 'typebox'
import { defineTool } from '../../../src/registry/tool.ts'
import { sourceGateway } from '../../fixtures/sources/gateway.ts'
import { otherServer } from '../../fixtures/sources/server.ts'

const document = { openapi: '3.1.0', paths: { '/now': { get: { operationId: 'now' } } } }
const local = { headers: { host: 'localhost' } }

t.test('sources are listed, shown, replaced and removed', async t => {
  const server = await otherServer(t, () => ({ body: document }))
  const { app, add, registry } = await sourceGateway(t)
  const stated = { name: 'Clock Tower', kind: 'openapi', url: `${server.url}/openapi.json?key=abc` }
  t.match(await add(stated), {
    status: 201,
    body: { id: 'clock_tower', tools: ['clock_tower_now'] },
  })
  t.match(await add({ ...stated, exclude: ['now'] }), { status: 200, body: { tools: [] } })
  t.same(registry.list(), [])
  t.match(await add(stated), { status: 200, body: { tools: ['clock_tower_now'] } })
  const list = await app.inject({ url: '/registry/sources', ...local })
  t.match(list.json(), {
    sources: [{ id: 'clock_tower', state: 'ready', tools: 1, url: `${server.url}/openapi.json` }],
  })
  const one = await app.inject({ url: '/registry/sources/clock_tower', ...local })
  t.match(one.json(), { tools: ['clock_tower_now'], quarantined: [], configured: false })
  const removed = await app.inject({
    method: 'DELETE',
    url: '/registry/sources/clock_tower',
    ...local,
  })
  t.match(removed.json(), { id: 'clock_tower', state: 'removed' })
  t.same(registry.list(), [])
  for (const method of ['GET', 'DELETE'] as const) {
    const answer = await app.inject({ method, url: '/registry/sources/clock_tower', ...local })
    t.match(answer.json(), { error: { code: 'TG_NOT_FOUND' } })
  }
})

t.test('a statement that is wrong is refused with what is wrong', async t => {
  const { add } = await sourceGateway(t)
  const url = 'https://a.example/'
  const refusals: [string, unknown, RegExp][] = [
    ['no kind', { name: 'a', url }, /kind must be one of openapi/],
    ['no url', { name: 'a', kind: 'openapi' }, /url/],
    ['a misspelt member', { name: 'a', kind: 'openapi', url, header: {} }, /no "header"/],
    ['a process', { name: 'a', kind: 'mcp', command: 'sh' }, /only be stated in the configuration/],
    ['a relative address', { name: 'a', kind: 'mcp', url: '/x' }, /absolute URL/],
    ['a name of ours', { name: 'builtin', kind: 'mcp', url }, /is taken/],
    ['no object', [], /kind/],
  ]
  for (const [name, body, message] of refusals)
    t.match(
      await add(body),
      { status: 400, body: { error: { code: 'TG_REQUEST_INVALID', message } } },
      name,
    )
  for (const address of ['http://169.254.169.254/latest', 'http://metadata.google.internal/'])
    t.match(
      await add({ name: 'a', kind: 'openapi', url: address }),
      { status: 400, body: { error: { code: 'TG_URL_REFUSED' } } },
      address,
    )
})

t.test('only JSON from an admin is taken', async t => {
  const { app } = await sourceGateway(t)
  const send = (headers: Record<string, string>) =>
    app.inject({ method: 'POST', url: '/registry/sources', payload: '{}', headers })
  t.match((await send({ host: 'localhost', 'content-type': 'text/plain' })).statusCode, 415)
  t.match(
    (await send({ host: 'evil.example', 'content-type': 'application/json' })).statusCode,
    403,
  )
  t.match(
    (
      await send({
        host: 'localhost',
        origin: 'https://evil.example',
        'content-type': 'application/json',
      })
    ).statusCode,
    403,
  )
  const keyed = await sourceGateway(t, { keys: [{ id: 'a', key: 'key-of-admin' }] })
  const refused = await keyed.app.inject({ url: '/registry/sources', ...local })
  t.equal(refused.statusCode, 401)
  const { statusCode } = await keyed.app.inject({
    url: '/registry/sources',
    headers: { 'x-api-key': 'key-of-admin' },
  })
  t.equal(statusCode, 200)
})

t.test('a source that fails is listed with its reason, and is tried again', async t => {
  let body: unknown = '<html>Soon</html>'
  const server = await otherServer(t, () => ({ type: 'text/html', body }))
  const { add, pass, sources, logged } = await sourceGateway(t)
  const added = await add({ name: 'late', kind: 'openapi', url: server.url })
  t.match(added, {
    status: 201,
    body: { state: 'failed', tools: [], error: { code: 'TG_UPSTREAM_INVALID', message: /markup/ } },
  })
  t.match(logged, [{ level: 'warn', message: 'source' }])
  body = JSON.stringify(document)
  await pass(10_000)
  t.match(sources.get('late'), { state: 'ready', tools: ['late_now'] })
})

t.test('tools of equal names do not meet', async t => {
  const server = await otherServer(t, () => ({
    body: {
      ...document,
      paths: {
        '/fresh': { get: { operationId: 'fresh' } },
        '/now': { get: { operationId: 'now' } },
        '/Now': { get: { operationId: 'Now' } },
        '/long': { get: { operationId: 'x'.repeat(100) } },
      },
    },
  }))
  const taken = defineTool({
    name: 'clock_fresh',
    title: 'Fresh',
    description: 'Somebody else had the name first.',
    input: Type.Object({}),
    output: Type.Object({}),
    run: async () => ({}),
  })
  const { add } = await sourceGateway(t, { tools: [taken] })
  const { body } = await add({ name: 'clock', kind: 'openapi', url: server.url })
  const tools = body['tools'] as string[]
  t.match(tools, [
    /^clock_fresh_[0-9a-f]{6}$/,
    'clock_now',
    /^clock_now_[0-9a-f]{6}$/,
    /^clock_x+_[0-9a-f]{6}$/,
  ])
  t.equal(tools[3]?.length, 60)
})
