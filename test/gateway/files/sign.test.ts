import t from 'tap'
import { createSigner } from '../../../src/gateway/files/sign.ts'

const id = `${'0'.repeat(32)}.png`
const clocked = (secret: string, ms = 0) => createSigner({ secret, now: () => ms })
const parse = (query: string) => Object.fromEntries(new URLSearchParams(query))

t.test('a signature opens its file until it expires, on every replica with the secret', async t => {
  const query = parse(clocked('secret').sign(id, 10_000))
  t.ok(clocked('secret', 9_999).verify(id, query))
  t.notOk(clocked('secret', 10_000).verify(id, query))
})

t.test('nothing else opens it', async t => {
  const signer = clocked('secret')
  const query = parse(signer.sign(id, 10_000))
  t.notOk(signer.verify(`${'1'.repeat(32)}.png`, query), 'another file')
  t.notOk(clocked('another').verify(id, query), 'another secret')
  t.notOk(signer.verify(id, { ...query, exp: '99' }), 'a later end')
  for (const broken of [
    {},
    { exp: query['exp'] },
    { ...query, sig: '' },
    { ...query, sig: 'ab' },
    { ...query, sig: [query['sig']] },
    { ...query, exp: '1e9' },
    { ...query, exp: `${query['exp']} ` },
  ])
    t.notOk(signer.verify(id, broken), JSON.stringify(broken))
})
