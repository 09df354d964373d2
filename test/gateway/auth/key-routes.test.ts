import type { InjectOptions } from 'fastify'
import t from 'tap'
import { testApp } from '../../fixtures/app.ts'

const host = 'localhost:8642'

t.test('an admin makes a key, which works at once and ends at once', async t => {
  const { app } = await testApp(t, { env: { TOOLGATE_KEY: 'of admin' } })
  const ask = (options: InjectOptions, key = 'of admin') =>
    app.inject({ ...options, headers: { host, authorization: `Bearer ${key}` } })
  const call = (key: string) =>
    ask({ method: 'POST', url: '/tools/echo', payload: { text: 'x' } }, key)
  const wish = { id: 'ann', scopes: { tools: ['echo'] }, expiresAt: '2999-01-01T00:00:00Z' }
  const made = await ask({ method: 'POST', url: '/keys', payload: wish })
  t.equal(made.statusCode, 201)
  t.equal(made.headers['cache-control'], 'no-store')
  const { key, ...record } = made.json()
  t.match(record, { id: 'ann', state: 'active', scopes: wish.scopes, expiresAt: Number })
  t.notOk('hash' in record)
  t.equal((await call(key)).statusCode, 200)
  t.same((await ask({ url: '/keys' })).json(), { keys: [record] })
  t.equal((await ask({ url: '/keys' }, key)).statusCode, 403, 'it is no admin')

  const next = await ask({ method: 'POST', url: '/keys/ann/rotate', payload: { graceMs: 60_000 } })
  t.equal((await call(next.json().key)).statusCode, 200)
  t.equal((await call(key)).statusCode, 200)
  t.match((await ask({ method: 'DELETE', url: '/keys/ann' })).json(), { state: 'revoked' })
  t.match((await call(next.json().key)).json(), { error: { code: 'TG_KEY_EXPIRED' } })
  t.match((await call(key)).json(), { error: { code: 'TG_KEY_EXPIRED' } })
})

t.test('a wish that is none is refused with its member', async t => {
  const { app } = await testApp(t)
  const post = async (payload: object, url = '/keys') =>
    (await app.inject({ method: 'POST', url, payload, headers: { host } })).json()
  const odd: [object, RegExp][] = [
    [{ id: '../etc' }, /^the request is malformed: id /],
    [{ scope: {} }, /malformed/],
    [{ scopes: { tools: 'all' } }, /scopes\.tools /],
    [{ limits: { rate: 'often' } }, /limits\.rate /],
    [{ expiresAt: 'soon' }, /expiresAt is no date/],
    [[], /malformed/],
  ]
  for (const [wish, message] of odd)
    t.match(await post(wish), { error: { code: 'TG_REQUEST_INVALID', message } })
  t.match(await post({ graceMs: -1 }, '/keys/x/rotate'), { error: { code: 'TG_REQUEST_INVALID' } })
  t.match(await post({}, '/keys/x/rotate'), { error: { code: 'TG_NOT_FOUND' } })
})

t.test('the first key closes a gateway that was open, and its documents say so', async t => {
  const { app } = await testApp(t)
  const documents = ['/openapi.json', '/registry/tools/echo', '/utcp']
  const read = async () => Promise.all(documents.map(async url => (await app.inject({ url })).body))
  const call = (headers = {}) =>
    app.inject({ method: 'POST', url: '/tools/echo', payload: { text: 'x' }, headers })
  const before = await read()
  t.equal((await call()).statusCode, 200)
  const made = await app.inject({ method: 'POST', url: '/keys', payload: {}, headers: { host } })
  t.match((await call()).json(), { error: { code: 'TG_KEY_MISSING' } })
  t.equal((await call({ 'x-api-key': made.json().key })).statusCode, 200)
  const after = await read()
  t.notMatch(before[0], /"security"/)
  t.match(after[0], /"security"/)
  for (const [index, url] of documents.entries()) t.not(before[index], after[index], url)
})

t.test('no page of another origin makes itself a key', async t => {
  const { app } = await testApp(t)
  const tries: InjectOptions[] = [
    { headers: { host, origin: 'https://evil.example' }, payload: {} },
    { headers: { host, 'content-type': 'text/plain' }, payload: '{}' },
    { headers: { host: 'evil.example:8642' }, payload: {} },
    { headers: { host, 'x-forwarded-for': '1.2.3.4' }, payload: {} },
    { headers: { host }, remoteAddress: '192.168.1.7', payload: {} },
  ]
  for (const options of tries) {
    const { statusCode } = await app.inject({ method: 'POST', url: '/keys', ...options })
    t.ok(statusCode === 403 || statusCode === 415, JSON.stringify(options))
  }
  t.same((await app.inject({ url: '/keys', headers: { host } })).json(), { keys: [] })
})
