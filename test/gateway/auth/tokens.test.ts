import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from 'jose'
import t from 'tap'
import { scopesOf } from '../../../src/gateway/auth/tokens.ts'
import { echo, locked, testApp } from '../../fixtures/app.ts'

const issuer = 'https://issuer.example'
const audience = 'toolgate'
const own = await generateKeyPair('RS256', { extractable: true })
const foreign = await generateKeyPair('RS256')
const now = Date.now()

let asked = 0
const server = createServer((_request, response) => {
  asked += 1
  void exportJWK(own.publicKey).then(jwk =>
    response.end(JSON.stringify({ keys: [{ ...jwk, kid: 'one', alg: 'RS256', use: 'sig' }] })),
  )
})
await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
t.teardown(() => server.close())
const jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`

type Changes = { claims?: object; kid?: string; endsAt?: number; key?: CryptoKey }
/** A token as the issuer makes one, but for what is changed. */
const token = ({ claims = {}, kid = 'one', endsAt = now + 60_000, key }: Changes = {}) =>
  new SignJWT({ iss: issuer, aud: audience, sub: 'ann', ...claims })
    .setProtectedHeader({ alg: 'RS256', kid })
    .setExpirationTime(new Date(endsAt))
    .sign(key ?? own.privateKey)

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const claims = { iss: issuer, aud: audience, sub: 'ann', exp: Math.floor(now / 1_000) + 60 }

async function gateway(t: Parameters<typeof testApp>[0], file: object = {}) {
  const { app } = await testApp(t, {
    tools: [echo, locked, { ...echo, name: 'other', tags: ['x'] }],
    file: { jwt: { issuer, audience, jwksUrl }, ...file },
    now: () => now,
  })
  return (bearer: string, url = '/tools/echo') =>
    app.inject({
      method: 'POST',
      url,
      payload: { text: 'x' },
      headers: { authorization: `Bearer ${bearer}` },
    })
}

t.test('a token of the issuer is as good as a key, and is verified once', async t => {
  const call = await gateway(t)
  const good = await token()
  t.equal((await call(good)).statusCode, 200)
  const before = asked
  t.equal((await call(good)).statusCode, 200)
  t.equal((await call(await token({ claims: { sub: 'bob' } }))).statusCode, 200)
  t.equal(asked, before, 'the issuer is asked for its keys once')
  t.match((await call('no token')).json(), { error: { code: 'TG_KEY_WRONG' } })
})

t.test('what a token says it is for is all that it opens', async t => {
  const call = await gateway(t)
  const narrow = await token({ claims: { scope: 'openid tool:oth* face:rest' } })
  t.equal((await call(narrow, '/tools/other')).statusCode, 200)
  t.equal((await call(narrow, '/tools/echo')).statusCode, 404)
  t.equal((await call(narrow, '/lagent/other')).statusCode, 403)
  t.equal((await call(narrow, '/keys')).statusCode, 403)
  const admin = await token({ claims: { scope: ['admin'] } })
  t.equal((await call(admin, '/keys')).statusCode, 400, 'an admin comes as far as the body')
  t.same(scopesOf('tag:a tag:b model:m* admin', { tools: ['x'] }), {
    tools: ['x'],
    tags: ['a', 'b'],
    models: ['m*'],
    admin: true,
  })
  t.same(scopesOf(undefined, {}), {})
})

t.test('a forged token is refused, whatever the forger tried', async t => {
  const call = await gateway(t)
  const pem = await exportSPKI(own.publicKey)
  const signed = `${encode({ alg: 'HS256', kid: 'one' })}.${encode(claims)}`
  const confused = `${signed}.${createHmac('sha256', pem).update(signed).digest('base64url')}`
  const good = await token()
  const [head = '', , signature = ''] = good.split('.')
  const forged: Record<string, string> = {
    'alg none': `${encode({ alg: 'none' })}.${encode(claims)}.`,
    'alg None': `${encode({ alg: 'None', kid: 'one' })}.${encode(claims)}.x`,
    'the public key as an HMAC secret': confused,
    'another audience': await token({ claims: { aud: 'elsewhere' } }),
    'another issuer': await token({ claims: { iss: 'https://evil.example' } }),
    'a key of its own': await token({ key: foreign.privateKey }),
    'an unknown key': await token({ kid: 'two' }),
    'changed claims': `${head}.${encode({ ...claims, scope: 'admin' })}.${signature}`,
    'no end': await new SignJWT({ iss: issuer, aud: audience, sub: 'ann' })
      .setProtectedHeader({ alg: 'RS256', kid: 'one' })
      .sign(own.privateKey),
    'no subject': await token({ claims: { sub: undefined } }),
    'not yet': await token({ claims: { nbf: Math.floor(now / 1_000) + 3_600 } }),
    'a key in its head': `${encode({ alg: 'RS256', jwk: await exportJWK(foreign.publicKey) })}.${encode(claims)}.x`,
    'no JSON': 'eyJub3Q.eyJub3Q.x',
    'a huge one': `${head}.${'A'.repeat(9_000)}.${signature}`,
  }
  for (const [what, bearer] of Object.entries(forged)) {
    const answer = await call(bearer)
    t.equal(answer.statusCode, 401, what)
    t.match(answer.json(), { error: { code: 'TG_KEY_WRONG' } }, what)
  }
  const before = asked
  for (const n of [1, 2, 3, 4, 5]) await call(await token({ kid: `unknown ${n}` }))
  t.equal(asked, before, 'unknown keys do not send us to the issuer again and again')
  const late = await call(await token({ endsAt: now - 60_000 }))
  t.match(late.json(), { error: { code: 'TG_KEY_EXPIRED' } })
  t.equal((await call(await token({ endsAt: now - 10_000 }))).statusCode, 200, 'within the leeway')
})

t.test('an issuer that is away is no fault of the caller', async t => {
  const call = await gateway(t, { jwt: { issuer, audience, jwksUrl: 'http://127.0.0.1:1/keys' } })
  t.match((await call(await token())).json(), { error: { code: 'TG_UPSTREAM_UNREACHABLE' } })
  t.equal((await call('')).statusCode, 401)
})

t.test('nor does it count as a wrong key', async t => {
  const jwt = { issuer, audience, jwksUrl: 'http://127.0.0.1:1/keys' }
  const call = await gateway(t, { jwt, allowances: { wrongKeys: '1/day' } })
  for (const _ of [1, 2, 3])
    t.match((await call(await token())).json(), { error: { code: 'TG_UPSTREAM_UNREACHABLE' } })
})

t.test('long subjects that begin alike are two callers', async t => {
  const jwt = { issuer, audience, jwksUrl, limits: { quota: '1/day' } }
  const call = await gateway(t, { jwt })
  for (const end of ['one', 'two']) {
    const bearer = await token({ claims: { sub: `${'of-a-long-name:'.repeat(10)}${end}` } })
    t.equal((await call(bearer)).statusCode, 200, end)
    t.equal((await call(bearer)).statusCode, 429, end)
  }
})
