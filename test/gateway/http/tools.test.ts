import type { InjectOptions } from 'fastify'
import t from 'tap'
import { onePixel, testApp } from '../../fixtures/app.ts'

const post = (url: string, payload: object, headers: Record<string, string> = {}) => ({
  method: 'POST' as const,
  url,
  payload,
  headers,
})

t.test('a call answers the bare output, and says what the cache did', async t => {
  const { app } = await testApp(t)
  const first = await app.inject(post('/tools/echo', { text: '你好', times: '2' }))
  t.equal(first.statusCode, 200)
  t.same(first.json(), { said: '你好你好', share: 0.00001 })
  t.equal(first.headers['cache-status'], 'toolgate; fwd=miss; stored; ttl=60')
  t.match(first.headers['x-request-id'], /^[0-9a-f-]{36}$/)
  const second = await app.inject(post('/tools/echo', { times: 2, text: '你好' }))
  t.equal(second.headers['cache-status'], 'toolgate; hit; ttl=60; detail=l1')
  t.equal(second.headers['age'], '0')
  t.equal(second.body, first.body)
})

t.test('Accept: text/plain gives what a model reads', async t => {
  const { app } = await testApp(t)
  const answer = await app.inject(post('/tools/echo', { text: 'hi' }, { accept: 'text/plain' }))
  t.equal(answer.body, 'It said: hi')
  t.match(answer.headers['content-type'], 'text/plain')
  const browser = { accept: 'application/json, text/plain, */*' }
  t.same((await app.inject(post('/tools/echo', { text: 'hi' }, browser))).json().said, 'hi')
})

t.test('every refusal has a status, a code and a way to mend it', async t => {
  const { app } = await testApp(t)
  const refusals: [string, InjectOptions, number, string][] = [
    ['an unknown tool', post('/tools/ecko', {}), 404, 'TG_TOOL_UNKNOWN'],
    ['a misspelt argument', post('/tools/echo', { txt: 'hi' }), 400, 'TG_ARGUMENT_UNKNOWN'],
    ['a missing argument', post('/tools/echo', {}), 400, 'TG_ARGUMENT_MISSING'],
    [
      'a wrong type',
      post('/tools/echo', { text: 'hi', times: 'many' }),
      400,
      'TG_ARGUMENT_INVALID',
    ],
    ['a tool without its key', post('/tools/locked', {}), 503, 'TG_UNAVAILABLE'],
    ['a GET', { method: 'GET', url: '/tools/echo' }, 405, 'TG_METHOD'],
    ['an unknown path', { method: 'GET', url: '/nothing' }, 404, 'TG_ROUTE_UNKNOWN'],
    [
      'JSON that is none',
      {
        method: 'POST',
        url: '/tools/echo',
        payload: '{',
        headers: { 'content-type': 'application/json' },
      },
      400,
      'TG_BODY_INVALID',
    ],
    [
      'a prototype',
      {
        method: 'POST',
        url: '/tools/echo',
        payload: '{"text":"a","__proto__":{"x":1}}',
        headers: { 'content-type': 'application/json' },
      },
      400,
      'TG_BODY_INVALID',
    ],
    [
      'another content type',
      {
        method: 'POST',
        url: '/tools/echo',
        payload: '<a/>',
        headers: { 'content-type': 'text/xml' },
      },
      415,
      'TG_MEDIA_TYPE',
    ],
  ]
  for (const [what, request, status, code] of refusals) {
    const answer = await app.inject(request)
    t.equal(answer.statusCode, status, `${what} is ${status}`)
    t.match(answer.json(), { error: { code, message: String, requestId: String } }, what)
  }
  t.equal((await app.inject({ method: 'GET', url: '/tools/echo' })).headers['allow'], 'POST')
})

t.test('forms are read as JSON is', async t => {
  const { app } = await testApp(t)
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const answer = await app.inject({
    ...post('/tools/echo', {}),
    payload: 'text=a+b&times=2',
    headers: form,
  })
  t.equal(answer.json().said, 'a ba b')
  const noBoundary = { 'content-type': 'multipart/form-data' }
  const sloppy = await app.inject({
    ...post('/tools/echo', {}),
    payload: 'text=x',
    headers: noBoundary,
  })
  t.equal(sloppy.json().said, 'x')
})

t.test('a picture comes in as a part, a data: URL or an id, and goes out as a URL', async t => {
  const { app } = await testApp(t)
  const form = new FormData()
  form.set('image', new Blob([onePixel]), 'image')
  const encoded = new Response(form)
  const part = await app.inject({
    method: 'POST',
    url: '/tools/mirror',
    payload: Buffer.from(await encoded.arrayBuffer()),
    headers: { 'content-type': encoded.headers.get('content-type') ?? '' },
  })
  t.equal(part.statusCode, 200, part.body)
  const { picture, bytes } = part.json<{ picture: string; bytes: number }>()
  t.equal(bytes, onePixel.length)
  t.match(picture, /^http:\/\/localhost(:80)?\/files\/[0-9a-f]{32}\.png$/)
  const file = await app.inject({ method: 'GET', url: new URL(picture).pathname })
  t.equal(file.headers['content-type'], 'image/png')
  t.same(file.rawPayload, onePixel)
  const data = `data:image/png;base64,${onePixel.toString('base64')}`
  t.equal((await app.inject(post('/tools/mirror', { image: data }))).json().picture, picture)
  const id = new URL(picture).pathname.replace('/files/', '')
  t.equal((await app.inject(post('/tools/mirror', { image: id }))).json().picture, picture)
  const shown = await app.inject(post('/tools/mirror', { image: id }, { accept: 'image/png' }))
  t.equal(shown.headers['content-type'], 'image/png')
  t.same(shown.rawPayload, onePixel)
})

t.test("Dify gets JSON spaced as Python's, so that it pays once", async t => {
  const { app } = await testApp(t)
  const answer = await app.inject(post('/dify/tools/echo', { text: '你"好' }))
  t.equal(answer.body, '{"said": "你\\"好", "share": 1e-05}')
  t.match(answer.headers['content-type'], 'application/json')
})

t.test('Dify and GPT get at most 100,000 characters, and a mark where more was', async t => {
  const { app } = await testApp(t)
  for (const face of ['dify', 'gpt']) {
    const answer = await app.inject(post(`/${face}/tools/echo`, { text: '长'.repeat(150_000) }))
    t.equal(answer.statusCode, 200)
    t.ok(answer.body.length <= 100_000, `${face}: ${answer.body.length} characters`)
    const { said } = answer.json<{ said: string }>()
    t.match(said, /cut: the whole answer is \d+ bytes, in file/)
    const [id] = /[0-9a-f]{32}\.json/.exec(said) ?? []
    const whole = await app.inject({ method: 'GET', url: `/files/${id}` })
    t.equal(whole.json<{ said: string }>().said.length, 150_000)
  }
})

t.test('GPT hands files over as links under one name', async t => {
  const { app } = await testApp(t)
  const ref = { name: 'a.png', id: 'file-1', mime_type: 'image/png' }
  const link = `data:image/png;base64,${onePixel.toString('base64')}`
  const payload = { openaiFileIdRefs: [{ ...ref, download_link: link }] }
  const answer = await app.inject(post('/gpt/tools/mirror', payload))
  t.equal(answer.statusCode, 200, answer.body)
  t.match(answer.json().picture, /^http/)
  const none = await app.inject(post('/gpt/tools/mirror', { openaiFileIdRefs: [] }))
  t.equal(none.json().error.code, 'TG_ARGUMENT_MISSING')
})

t.test('Cache-Control is obeyed', async t => {
  const { app } = await testApp(t)
  const call = (control: string) =>
    app.inject(post('/tools/echo', { text: 'c' }, { 'cache-control': control }))
  t.equal((await call('only-if-cached')).json().error.code, 'TG_NOT_CACHED')
  t.equal((await call('no-store')).headers['cache-status'], 'toolgate; fwd=bypass')
  t.equal((await call('only-if-cached')).statusCode, 504)
  t.match((await call('no-cache')).headers['cache-status'], 'toolgate; fwd=bypass; stored')
  t.match((await call('only-if-cached')).headers['cache-status'], 'hit')
  t.match((await call('max-age=0')).headers['cache-status'], 'fwd=bypass')
})
