import t from 'tap'
import { otherServer } from '../../fixtures/sources/server.ts'
import { sourceGateway } from '../../fixtures/sources/gateway.ts'

const pet = {
  type: 'object',
  required: ['name'],
  properties: { id: { type: 'integer', readOnly: true }, name: { type: 'string' } },
}
const content = { 'application/json': { schema: { $ref: '#/components/schemas/Pet' } } }
const document = {
  openapi: '3.0.3',
  info: { title: 'Pets', version: '2.1.0' },
  servers: [{ url: 'http://localhost:1/v1' }],
  security: [{ key: [] }],
  paths: {
    '/pets/{id}': {
      get: {
        operationId: 'getPet',
        parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'integer' } }],
        responses: { 200: { content } },
      },
    },
    '/pets': {
      post: { operationId: 'makePet', requestBody: { content }, responses: { 201: { content } } },
    },
    '/photo': {
      get: { operationId: 'photo', responses: { 200: { content: { 'image/png': {} } } } },
    },
    '/bad': { get: 7 },
  },
  components: {
    schemas: { Pet: pet },
    securitySchemes: { key: { type: 'apiKey', in: 'header', name: 'X-Key' } },
  },
}

/** A server of pets, which also answers as it should not. */
const pets = (t: Parameters<typeof otherServer>[0]) =>
  otherServer(t, ({ method, url, body }) => {
    if (url === '/openapi.json') return { body: document }
    if (url === '/v1/pets' && method === 'POST')
      return { status: 201, body: { id: 9, ...JSON.parse(String(body)) } }
    if (url === '/v1/photo') return { type: 'image/png', body: Buffer.from('PNG') }
    switch (url) {
      case '/v1/pets/1':
        return { body: { id: 1, name: 'Tom' } }
      case '/v1/pets/2':
        return { status: 404, body: { message: 'no such pet' } }
      case '/v1/pets/3':
        return { type: 'text/html', body: '<html>Hi</html>' }
      case '/v1/pets/4':
        return {
          status: 422,
          body: { detail: [{ loc: ['path', 'id'], msg: 'is odd', type: 'x' }] },
        }
      case '/v1/pets/5':
        return { status: 500, body: { message: 'key k-secret-1 is wrong' } }
      case '/v1/pets/6':
        return { status: 429, headers: { 'retry-after': '7' }, body: {} }
      case '/v1/pets/7':
        return { status: 401, body: { message: 'who?' } }
      case '/v1/pets/8':
        return 'hang'
      default:
        return { status: 404, body: {} }
    }
  })

t.test('one request brings a server in, and its tools are called', async t => {
  const server = await pets(t)
  const gateway = await sourceGateway(t)
  const { status, body } = await gateway.add({
    name: 'pets',
    kind: 'openapi',
    url: server.url,
    headers: { 'X-Key': 'k-secret-1' },
  })
  t.equal(status, 201)
  t.match(body, {
    id: 'pets',
    state: 'ready',
    tools: ['pets_get_pet', 'pets_make_pet', 'pets_photo'],
    quarantined: [{ name: 'GET /bad', reason: /no operation object/ }],
    losses: [{ tool: 'pets_get_pet', what: [/localhost:1 may not be reached/] }],
  })
  t.notMatch(JSON.stringify(body), /k-secret-1/)
  t.same(await gateway.call('pets_get_pet', { id: '1' }), { id: 1, name: 'Tom' })
  t.same(await gateway.call('pets_make_pet', { name: 'Kit' }), { id: 9, name: 'Kit' })
  const { image } = await gateway.call('pets_photo')
  t.equal(String(gateway.context.saved.get(String(image))?.bytes), 'PNG')
  const called = server.got.filter(({ url }) => url.startsWith('/v1/'))
  t.ok(called.every(({ headers }) => headers['x-key'] === 'k-secret-1'))
  t.match(gateway.registry.get('pets_get_pet'), { source: 'pets', version: /^2\.1\.0\+/ })
})

t.test('what a server answers wrongly is an error that says whose it is', async t => {
  const server = await pets(t)
  const gateway = await sourceGateway(t)
  await gateway.add({
    name: 'pets',
    kind: 'openapi',
    url: server.url,
    headers: { 'X-Key': 'k-secret-1' },
  })
  const errors: [number, { code: string; message?: RegExp; retryAfterMs?: number }][] = [
    [2, { code: 'TG_NOT_FOUND', message: /no such pet/ }],
    [3, { code: 'TG_UPSTREAM_INVALID', message: /markup instead of JSON/ }],
    [4, { code: 'TG_ARGUMENT_INVALID', message: /is odd/ }],
    [5, { code: 'TG_UPSTREAM_FAILED', message: /key \*\*\* is wrong/ }],
    [6, { code: 'TG_UPSTREAM_BUSY', retryAfterMs: 7_000 }],
    [7, { code: 'TG_UPSTREAM_FAILED', message: /headers of the source/ }],
  ]
  for (const [id, error] of errors)
    await t.rejects(gateway.call('pets_get_pet', { id }), error, `pet ${id}`)
  const leaving = new AbortController()
  const hanging = gateway.call('pets_get_pet', { id: 8 }, {}, leaving.signal)
  setImmediate(() => leaving.abort(new DOMException('gone', 'AbortError')))
  await t.rejects(hanging, { code: 'TG_CLIENT_CLOSED' })
})

t.test('credentials go to the origin that they were stated for, and no other', async t => {
  const other = await otherServer(t, () => ({ body: { name: 'x' } }))
  const home = await otherServer(t, ({ url }) =>
    url === '/openapi.json'
      ? { body: { ...document, servers: [{ url: other.url }] } }
      : { status: 404 },
  )
  const gateway = await sourceGateway(t)
  const stated = {
    kind: 'openapi',
    url: `${home.url}/openapi.json`,
    headers: { 'X-Key': 'k-secret-1' },
  }
  await gateway.add({ ...stated, name: 'a' })
  await t.rejects(gateway.call('a_get_pet', { id: 1 }), { code: 'TG_NOT_FOUND' })
  t.equal(other.got.length, 0, 'a private server that only a document names is not called')
  await gateway.add({ ...stated, name: 'b', server: other.url })
  t.same(await gateway.call('b_get_pet', { id: 1 }), { name: 'x' })
  t.match(other.got[0]?.headers, { 'x-key': 'k-secret-1' })
  t.notOk(home.got.at(-1)?.headers['x-key'], 'the document is fetched without')
})

t.test('a redirect away takes no credentials along', async t => {
  const gateway = await sourceGateway(t)
  const away = await otherServer(t, () => ({ body: document }))
  const home = await otherServer(t, () => ({
    status: 302,
    headers: { location: `${away.url}/openapi.json` },
  }))
  const { body } = await gateway.add({
    name: 'a',
    kind: 'openapi',
    url: home.url,
    headers: { 'X-Key': 'k-secret-1' },
  })
  t.match(
    body,
    { error: { code: 'TG_URL_REFUSED' } },
    'another private address is no redirect to follow',
  )
  t.equal(away.got.length, 0)
})

t.test('a dead server marks its tools unavailable, and they come back with it', async t => {
  const server = await pets(t)
  const gateway = await sourceGateway(t)
  await gateway.add({ name: 'pets', kind: 'openapi', url: server.url })
  await server.stop()
  await t.rejects(gateway.call('pets_get_pet', { id: 1 }), { code: 'TG_UPSTREAM_UNREACHABLE' })
  await gateway.pass(1_000)
  t.match(gateway.registry.unavailable('pets_get_pet'), {
    reason: /cannot be reached/,
    remedy: /start/,
  })
  t.match(gateway.sources.get('pets'), { state: 'unreachable' })
  await otherServer(t, () => ({ body: document }), server.port)
  await gateway.pass(60_000)
  t.equal(gateway.registry.unavailable('pets_get_pet'), undefined)
  t.match(gateway.sources.get('pets'), { state: 'ready' })
})

t.test('a changed document changes the tools that changed, and no others', async t => {
  let now: object = document
  const server = await otherServer(t, ({ url }) =>
    url === '/openapi.json'
      ? { body: now, headers: { etag: JSON.stringify(now).length.toString() } }
      : { body: {} },
  )
  const gateway = await sourceGateway(t)
  await gateway.add({ name: 'pets', kind: 'openapi', url: server.url })
  const before = gateway.registry.get('pets_photo')
  const { '/pets': _gone, ...rest } = document.paths
  now = { ...document, paths: { ...rest, '/new': { get: { operationId: 'fresh' } } } }
  await gateway.pass(300_000)
  t.same(gateway.sources.get('pets')?.tools, ['pets_get_pet', 'pets_photo', 'pets_fresh'])
  t.equal(gateway.registry.get('pets_photo'), before)
  t.equal(gateway.registry.get('pets_make_pet'), undefined)
  now = { broken: true }
  await gateway.pass(300_000)
  t.match(gateway.sources.get('pets'), { state: 'stale', error: { code: 'TG_UPSTREAM_INVALID' } })
  t.equal(gateway.registry.unavailable('pets_photo'), undefined, 'the server itself is well')
})

t.test('a call that a server no longer knows makes it looked at again', async t => {
  let now: object = document
  const server = await otherServer(t, ({ url }) =>
    url === '/openapi.json' ? { body: now } : { status: 405, body: {} },
  )
  const gateway = await sourceGateway(t)
  await gateway.add({ name: 'pets', kind: 'openapi', url: server.url })
  now = { ...document, paths: {} }
  await t.rejects(gateway.call('pets_make_pet', { name: 'x' }), { code: 'TG_UPSTREAM_FAILED' })
  await gateway.pass(15_000)
  t.same(gateway.sources.get('pets')?.tools, [])
})
