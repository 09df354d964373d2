import t from 'tap'
import { testApp } from '../../fixtures/app.ts'

t.test('the reference is served from here alone, and whole, with a key too', async t => {
  const { app } = await testApp(t, { env: { TOOLGATE_KEY: 'a-good-long-key' } })
  t.equal((await app.inject('/')).headers['location'], '/docs')
  const page = await app.inject('/docs')
  t.match(page.headers['content-type'], 'text/html')
  const assets = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path ?? '')
  t.ok(assets.length >= 3)
  for (const path of assets) {
    t.match(path, /^\/docs\//, 'no address of another host')
    t.equal((await app.inject(path)).statusCode, 200, path)
  }
  for (const path of ['package.json', '..%2fpackage.json', 'none.js', 'absolute-path.js%00.css'])
    t.equal((await app.inject(`/docs/assets/${path}`)).statusCode, 404, path)
})

t.test('health is open, metrics count calls', async t => {
  const { app } = await testApp(t)
  t.match((await app.inject('/health/live')).json(), { status: 'live' })
  t.match((await app.inject('/health/ready')).json(), {
    status: 'ready',
    tools: { listed: 3, available: 2 },
    redis: { state: 'none' },
  })
  await app.inject({ method: 'POST', url: '/tools/echo', payload: { text: 'a' } })
  await app.inject({ method: 'POST', url: '/tools/echo', payload: {} })
  const { body } = await app.inject('/metrics')
  t.match(body, 'toolgate_calls_total{tool="echo",face="rest",outcome="ok"} 1')
  t.match(body, 'toolgate_calls_total{tool="echo",face="rest",outcome="TG_ARGUMENT_MISSING"} 1')
  t.match(body, 'toolgate_redis_up -1')
})

t.test('with a key: tools want it, documents and health do not, metrics do', async t => {
  const { app } = await testApp(t, { env: { TOOLGATE_KEY: 'a-good-long-key' } })
  const status = async (url: string, headers: Record<string, string> = {}): Promise<number> =>
    (await app.inject({ url, headers })).statusCode
  for (const url of ['/openapi.json', '/registry', '/docs', '/health/live', '/utcp'])
    t.equal(await status(url), 200, url)
  t.equal(await status('/metrics'), 401)
  t.equal(await status('/metrics', { 'x-api-key': 'a-good-long-key' }), 200)
  const call = { method: 'POST' as const, url: '/tools/echo', payload: { text: 'a' } }
  const refused = await app.inject(call)
  t.equal(refused.statusCode, 401)
  t.equal(refused.json().error.code, 'TG_KEY_MISSING')
  t.match(refused.headers['www-authenticate'], 'Bearer')
  const headers = { authorization: 'Bearer a-good-long-key' }
  t.equal((await app.inject({ ...call, headers })).statusCode, 200)
  t.same(Object.keys((await app.inject('/openapi.json')).json().components.securitySchemes), [
    'bearerAuth',
  ])
})

t.test('a browser may call tools from another page; a preflight needs no key', async t => {
  const { app } = await testApp(t, { env: { TOOLGATE_KEY: 'a-good-long-key' } })
  const preflight = await app.inject({
    method: 'OPTIONS',
    url: '/tools/echo',
    headers: {
      origin: 'https://chat.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
    },
  })
  t.equal(preflight.statusCode, 204)
  t.equal(preflight.headers['access-control-allow-origin'], '*')
  t.match(preflight.headers['access-control-allow-headers'], 'authorization')
})

t.test('the full document says which routes want the key, and nothing where none do', async t => {
  const keys = { TOOLGATE_KEY: 'a-good-long-key' }
  const headers = { 'x-api-key': 'a-good-long-key' }
  const securityIn = async (env: Record<string, string>) => {
    const { app } = await testApp(t, { env })
    const { paths } = (await app.inject({ url: '/openapi/full.json', headers })).json<{
      paths: Record<string, Record<string, { security?: object[] }>>
    }>()
    return (method: string, path: string) => paths[path]?.[method]?.security
  }
  const keyed = await securityIn(keys)
  for (const path of ['/health/live', '/registry', '/openapi.json', '/utcp'])
    t.same(keyed('get', path), [], path)
  t.same(keyed('get', '/metrics'), [{ bearerAuth: [] }])
  t.same(keyed('post', '/tools/echo'), [{ bearerAuth: [] }])
  const closed = await securityIn({ ...keys, TOOLGATE_DOCUMENTS: 'key' })
  t.same(closed('get', '/registry'), [{ bearerAuth: [] }])
  t.same(closed('get', '/health/live'), [])
  for (const env of [{}, { ...keys, TOOLGATE_ANONYMOUS: '1' }]) {
    const open = await securityIn(env)
    t.same([open('get', '/registry'), open('post', '/tools/echo')], [undefined, undefined])
  }
})
