import t from 'tap'
import { testApp } from '../../fixtures/app.ts'

t.test('the listing has every tool, also those that cannot work, with the reason', async t => {
  const { app } = await testApp(t)
  const listing = (await app.inject('/registry')).json()
  t.equal(listing.total, 3)
  t.same(
    listing.tools.map(({ name, available }: { name: string; available: boolean }) => [
      name,
      available,
    ]),
    [
      ['echo', true],
      ['locked', false],
      ['mirror', true],
    ],
  )
  t.match(listing.tools[1], { reason: 'LOCKED_KEY is not set', remedy: 'set LOCKED_KEY' })
})

t.test('filters and pages', async t => {
  const { app } = await testApp(t)
  const names = async (query: string) =>
    (await app.inject(`/registry?${query}`)).json().tools.map(({ name }: { name: string }) => name)
  t.same(await names('tag=words'), ['echo', 'locked'])
  t.same(await names('category=vision'), ['mirror'])
  t.same(await names('available=true'), ['echo', 'mirror'])
  t.same(await names('available=false'), ['locked'])
  t.same(await names('source=builtin&tag=pictures'), ['mirror'])
  t.same(await names('q=回声'), ['echo'])
  const page = (await app.inject('/registry?limit=2')).json()
  t.equal(page.tools.length, 2)
  const rest = (await app.inject(`/registry?limit=2&cursor=${page.nextCursor}`)).json()
  t.same(
    rest.tools.map(({ name }: { name: string }) => name),
    ['mirror'],
  )
  t.notOk('nextCursor' in rest)
})

t.test('an unknown filter is refused, not ignored', async t => {
  const { app } = await testApp(t)
  for (const url of [
    '/registry?tags=words',
    '/registry?limit=0',
    '/registry?cursor=!!',
    '/registry?available=maybe',
    '/registry/search',
    '/registry/openai?tool=echo',
    '/registry/openai?tools=ecko',
    '/registry/openai?tags=nothing',
    '/registry/openai?form=internlm2',
    '/registry/lagent?form=other',
    '/openapi.json?strict=1',
    '/openapi.json?tools=no*',
  ]) {
    const answer = await app.inject(url)
    t.equal(answer.statusCode, 400, url)
    t.equal(answer.json().error.code, 'TG_QUERY', url)
  }
})

t.test('search scores its hits, best first', async t => {
  const { app } = await testApp(t)
  const { tools } = (await app.inject('/registry/search?q=pictures')).json()
  t.equal(tools[0].name, 'mirror')
  t.type(tools[0].score, 'number')
})

t.test('a card says how to call the tool; a misspelt name is told the nearest', async t => {
  const { app } = await testApp(t)
  const card = (await app.inject('/registry/tools/echo')).json()
  t.match(card, { name: 'echo', version: '1.0.0', available: true, examples: [{}], calls: {} })
  const missing = await app.inject('/registry/tools/ecco')
  t.equal(missing.statusCode, 404)
  t.equal(missing.json().error.details.nearest, 'echo')
})

t.test('documents and dialects have tags by which a client asks whether they changed', async t => {
  const { app } = await testApp(t)
  for (const url of [
    '/openapi.json',
    '/openapi/full.json',
    '/registry/openai',
    '/registry',
    '/utcp',
  ]) {
    const { statusCode, headers } = await app.inject(url)
    t.equal(statusCode, 200, url)
    const again = await app.inject({ url, headers: { 'if-none-match': String(headers['etag']) } })
    t.equal(again.statusCode, 304, url)
  }
})

t.test('slices: tools or tags within, both between, globs', async t => {
  const { app } = await testApp(t)
  const names = async (query: string) =>
    (await app.inject(`/registry/anthropic?${query}`))
      .json()
      .map(({ name }: { name: string }) => name)
  t.same(await names(''), ['echo', 'mirror'])
  t.same(await names('tools=echo,mirror&tags=pictures'), ['mirror'])
  t.same(await names('tools=e*'), ['echo'])
  t.same(await names('available=all'), ['echo', 'locked', 'mirror'])
})

t.test('an address in a document is the one the request came by, or PUBLIC_URL', async t => {
  const { app } = await testApp(t)
  const servers = async (host: string) =>
    (await app.inject({ url: '/openapi.json', headers: { host } })).json().servers
  t.same(await servers('tools.example:8642'), [{ url: 'http://tools.example:8642' }])
  t.same(await servers('evil"host'), [{ url: 'http://127.0.0.1:8642' }])
  const env = { PUBLIC_URL: 'https://tools.example.org' }
  const { app: published } = await testApp(t, { env })
  t.same((await published.inject('/openapi.json')).json().servers, [{ url: env.PUBLIC_URL }])
})

t.test('a tool that comes and goes is in every document at once', async t => {
  const { app, registry } = await testApp(t)
  const named = async (): Promise<boolean> =>
    (await app.inject('/openapi.json')).body.includes('/tools/echo"')
  t.equal(await named(), true)
  registry.remove('builtin')
  t.equal(await named(), false)
})
