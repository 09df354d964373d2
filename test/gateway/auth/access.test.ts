import fastify, { type InjectOptions } from 'fastify'
import t from 'tap'
import {
  type Access,
  type AccessOptions,
  guardAccess,
  isOpenBesideKeys,
  isSecured,
} from '../../../src/gateway/auth/access.ts'
import { shapeErrors } from '../../../src/gateway/http/errors.ts'

const accesses = [
  'open',
  'document',
  'file',
  'key',
  'operator',
  'admin',
] as const satisfies Access[]
const key = { id: 'ann', key: 'correct horse' }

/** A gateway with one route of each access, which says who calls. */
async function gateway(changes: Partial<AccessOptions> = {}) {
  const app = fastify()
  shapeErrors(app)
  guardAccess(app, {
    keys: [],
    anonymous: false,
    keyInQuery: false,
    documents: 'public',
    ...changes,
  })
  for (const access of accesses)
    app.route({
      method: ['GET', 'POST', 'OPTIONS'],
      url: `/${access}`,
      config: { access },
      handler: async request => ({ caller: request.caller ?? null }),
    })
  app.get('/unstated', async () => ({}))
  return (url: string, options: InjectOptions = {}) =>
    app.inject({
      url,
      headers: { host: 'localhost:8642', ...options.headers },
      ...withoutHeaders(options),
    })
}
const withoutHeaders = ({ headers: _headers, ...rest }: InjectOptions): InjectOptions => rest
const bearer = (text: string) => ({ headers: { authorization: `Bearer ${text}` } })

t.test('who may use which route', async t => {
  const configs: [string, Partial<AccessOptions>, Record<'none' | 'wrong' | 'right', number[]>][] =
    [
      // open, document, file, key, operator, admin
      [
        'without keys',
        {},
        {
          none: [200, 200, 200, 200, 200, 200],
          wrong: [200, 200, 200, 200, 200, 200],
          right: [200, 200, 200, 200, 200, 200],
        },
      ],
      [
        'with keys',
        { keys: [key] },
        {
          none: [200, 200, 401, 401, 401, 401],
          wrong: [200, 200, 401, 401, 401, 401],
          right: [200, 200, 200, 200, 200, 200],
        },
      ],
      [
        'with keys, documents closed',
        { keys: [key], documents: 'key' },
        {
          none: [200, 401, 401, 401, 401, 401],
          wrong: [200, 401, 401, 401, 401, 401],
          right: [200, 200, 200, 200, 200, 200],
        },
      ],
      [
        'with keys, tools for all',
        { keys: [key], anonymous: true, documents: 'key' },
        {
          none: [200, 200, 200, 200, 401, 401],
          wrong: [200, 200, 200, 200, 401, 401],
          right: [200, 200, 200, 200, 200, 200],
        },
      ],
      [
        'with keys, and a signed URL',
        { keys: [key], isSigned: () => true },
        {
          none: [200, 200, 200, 401, 401, 401],
          wrong: [200, 200, 200, 401, 401, 401],
          right: [200, 200, 200, 200, 200, 200],
        },
      ],
    ]
  for (const [what, changes, expected] of configs) {
    const call = await gateway(changes)
    const credentials = { none: {}, wrong: bearer('battery staple'), right: bearer(key.key) }
    for (const [name, statuses] of Object.entries(expected)) {
      const answers = await Promise.all(
        accesses.map(access => call(`/${access}`, credentials[name as 'none'])),
      )
      t.same(
        answers.map(({ statusCode }) => statusCode),
        statuses,
        `${what}: ${name}`,
      )
    }
  }
})

t.test('a route that states nothing wants a key', async t => {
  const call = await gateway({ keys: [key] })
  t.equal((await call('/unstated')).statusCode, 401)
  t.equal((await call('/unstated', bearer(key.key))).statusCode, 200)
})

t.test('a key may come in any of the usual ways', async t => {
  const call = await gateway({ keys: [{ id: 'bob', key: 'other' }, key] })
  const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
  const forms: [string, InjectOptions, number][] = [
    ['Bearer', bearer(key.key), 200],
    ['bearer', { headers: { authorization: `bearer  ${key.key} ` } }, 200],
    ['X-API-Key', { headers: { 'x-api-key': key.key } }, 200],
    ['Basic, as password', { headers: { authorization: basic(`anybody:${key.key}`) } }, 200],
    ['Basic, no user', { headers: { authorization: basic(`:${key.key}`) } }, 200],
    ['Basic, as user', { headers: { authorization: basic(`${key.key}:`) } }, 401],
    ['Basic, no colon', { headers: { authorization: basic(key.key) } }, 401],
    ['no scheme', { headers: { authorization: key.key } }, 401],
    ['another scheme', { headers: { authorization: `Digest ${key.key}` } }, 401],
    [
      'another scheme beside a key',
      { headers: { authorization: 'Digest x', 'x-api-key': key.key } },
      200,
    ],
    ['?key= where it is off', { query: { key: key.key } }, 401],
    ['a prefix', bearer(key.key.slice(0, -1)), 401],
    ['nothing', bearer(''), 401],
  ]
  for (const [what, options, status] of forms)
    t.equal((await call('/key', options)).statusCode, status, what)
  const open = await gateway({ keys: [key], keyInQuery: true })
  t.equal((await open('/key', { query: { key: key.key } })).statusCode, 200, '?key= where it is on')
  t.equal((await open('/key?key=x&key=y')).statusCode, 401)
})

t.test('a key with a colon, or in Chinese, is a key', async t => {
  const odd = { id: 'odd', key: '密:钥' }
  const call = await gateway({ keys: [odd] })
  const authorization = `Basic ${Buffer.from(`u:${odd.key}`).toString('base64')}`
  t.same((await call('/key', { headers: { authorization } })).json(), { caller: 'odd' })
})

t.test('who has no key is told which to send, who has a wrong one is told so', async t => {
  const call = await gateway({ keys: [key] })
  const none = await call('/key')
  t.match(none.json(), { error: { code: 'TG_KEY_MISSING', hint: /Authorization: Bearer/ } })
  t.match(none.headers['www-authenticate'], /Bearer .*Basic /)
  t.match((await call('/key', bearer('x'))).json(), { error: { code: 'TG_KEY_WRONG' } })
  t.equal((await call('/key', { method: 'OPTIONS' })).statusCode, 200, 'a preflight has none')
})

t.test('whose key it is, is known where it may matter', async t => {
  const call = await gateway({ keys: [{ id: 'bob', key: 'other' }, key], anonymous: true })
  t.same((await call('/key', bearer(key.key))).json(), { caller: 'ann' })
  t.same((await call('/key', bearer('other'))).json(), { caller: 'bob' })
  t.same((await call('/key', bearer('x'))).json(), { caller: null })
})

t.test('without keys, admin is for this machine alone', async t => {
  const call = await gateway()
  const requests: [string, InjectOptions, number][] = [
    ['this machine', {}, 200],
    ['by IPv6', { remoteAddress: '::1', headers: { host: '[::1]:8642' } }, 200],
    ['by mapped IPv4', { remoteAddress: '::ffff:127.0.0.1' }, 200],
    ['by 127.0.0.1', { headers: { host: '127.0.0.1' } }, 200],
    ['a neighbour', { remoteAddress: '192.168.1.7' }, 403],
    ['a neighbour that looks like it', { remoteAddress: '::ffff:10.127.0.0.1' }, 403],
    ['a rebound name', { headers: { host: 'evil.example:8642' } }, 403],
    ['a name like it', { headers: { host: 'localhost.evil.example' } }, 403],
    ['a foreign page', { headers: { origin: 'https://evil.example' } }, 403],
    ['a page of no origin', { headers: { origin: 'null' } }, 403],
    ['a page of another port', { headers: { origin: 'http://localhost:3000' } }, 403],
    ['our own page', { headers: { origin: 'http://localhost:8642' } }, 200],
    ['through a proxy', { headers: { 'x-forwarded-for': '1.2.3.4' } }, 403],
    ['through another proxy', { headers: { forwarded: 'for=1.2.3.4' } }, 403],
  ]
  for (const [what, options, status] of requests)
    t.equal((await call('/admin', options)).statusCode, status, what)
  t.match((await call('/admin', { remoteAddress: '10.0.0.1' })).json(), {
    error: { code: 'TG_FORBIDDEN', message: /set TOOLGATE_KEY/ },
  })
})

t.test('without keys, metrics are for whoever reaches us, but for no foreign page', async t => {
  const call = await gateway()
  t.equal((await call('/operator', { remoteAddress: '192.168.1.7' })).statusCode, 200)
  const own = { origin: 'http://localhost:8642' }
  t.equal((await call('/operator', { headers: own })).statusCode, 200)
  const foreign = { origin: 'https://evil.example' }
  t.match((await call('/operator', { headers: foreign })).json(), {
    error: { code: 'TG_FORBIDDEN' },
  })
})

t.test('with a key, admin is for whoever has it, but for no foreign page', async t => {
  const call = await gateway({ keys: [key] })
  const requests: [string, InjectOptions, number][] = [
    ['from afar', { remoteAddress: '203.0.113.7', headers: { host: 'tools.example' } }, 200],
    ['a foreign page', { headers: { origin: 'https://evil.example' } }, 403],
    [
      'our page behind TLS',
      { headers: { host: 'tools.example', origin: 'https://tools.example' } },
      200,
    ],
  ]
  for (const [what, { headers, ...options }, status] of requests) {
    const authorized = { ...options, headers: { ...headers, ...bearer(key.key).headers } }
    t.equal((await call('/admin', authorized)).statusCode, status, what)
    t.equal(
      (await call('/admin', { ...options, headers: { ...headers } })).statusCode,
      401,
      `${what}, no key`,
    )
  }
})

t.test('admin takes JSON only, which no page sends unasked', async t => {
  const call = await gateway()
  const post = (type: string) =>
    call('/admin', { method: 'POST', headers: { 'content-type': type }, payload: '{}' })
  t.equal((await post('application/json')).statusCode, 200)
  t.equal((await post('application/json; charset=utf-8')).statusCode, 200)
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonp',
  ])
    t.match((await post(type)).json(), { error: { code: 'TG_MEDIA_TYPE' } }, type)
})

t.test('documents say that a key is wanted only where it is', async t => {
  t.equal(isSecured({ keys: [], anonymous: false }), false)
  t.equal(isSecured({ keys: [key], anonymous: true }), false)
  t.equal(isSecured({ keys: [key], anonymous: false }), true)
  const options = { keys: [key], anonymous: false, documents: 'public' as const }
  t.equal(isOpenBesideKeys('document', options), true)
  t.equal(isOpenBesideKeys('document', { ...options, documents: 'key' }), false)
  t.equal(isOpenBesideKeys('open', { ...options, documents: 'key' }), true)
  t.equal(isOpenBesideKeys('key', options), false)
  t.equal(isOpenBesideKeys('open', { ...options, keys: [] }), false)
})
