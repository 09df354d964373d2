import t from 'tap'
import { newKey, readRecord, viewOf } from '../../../src/gateway/auth/key-record.ts'
import { createKeyRing, digestOf } from '../../../src/gateway/auth/keys.ts'
import { isToolError } from '../../../src/registry/errors.ts'
import { keyRecord } from '../../fixtures/key-record.ts'

/** What a ring says of a key, in a word. */
function said(ring: ReturnType<typeof createKeyRing>, key: string | undefined): string {
  const found = ring.find(key)
  if (!found) return 'none'
  return isToolError(found) ? `${found.code}: ${found.message}` : found.id
}

t.test('a key is known while it lives, and says how it ended', async t => {
  let now = 1_000_000
  const ring = createKeyRing([], { now: () => now })
  t.equal(ring.any, false)
  ring.merge([
    keyRecord('ann', 'of ann', { expiresAt: now + 500 }),
    keyRecord('bob', 'of bob'),
    keyRecord('eve', 'of eve', { revokedAt: now - 1 }),
  ])
  t.equal(ring.any, true)
  t.equal(said(ring, 'of ann'), 'ann')
  t.equal(said(ring, 'of bob'), 'bob')
  t.equal(said(ring, 'of eve'), 'TG_KEY_EXPIRED: the key was revoked')
  t.equal(said(ring, 'of nobody'), 'TG_KEY_WRONG: the key is not known')
  t.equal(said(ring, undefined), 'none')
  now += 500
  t.equal(said(ring, 'of ann'), 'TG_KEY_EXPIRED: the key has expired')
})

t.test('a connection is known by what it brought, while that is a key', async t => {
  let now = 1_000_000
  const ring = createKeyRing([], { now: () => now })
  const made = keyRecord('ann', 'of ann', { expiresAt: now + 500 })
  ring.merge([made, keyRecord('bob', 'of bob')])
  const [one, other] = [{}, {}]
  const codes = (...keys: string[]) =>
    keys.map(key => {
      const found = ring.find(key, one)
      return isToolError(found) ? found.code : found?.id
    })
  t.same(codes('of ann', 'of ann', 'of bob', 'of bob', 'of ann'), [
    'ann',
    'ann',
    'bob',
    'bob',
    'ann',
  ])
  t.same(codes('of anN', 'of an', 'of ann '), ['TG_KEY_WRONG', 'TG_KEY_WRONG', 'TG_KEY_WRONG'])
  t.same(codes('of ann'), ['ann'], 'a wrong one between changes nothing')
  t.match(ring.find('of anN', other), { code: 'TG_KEY_WRONG' })
  now += 500
  t.same(codes('of ann'), ['TG_KEY_EXPIRED'], 'it ends on an open connection too')
  now -= 500
  t.same(codes('of ann', 'of bob'), ['ann', 'bob'])
  ring.merge([{ ...keyRecord('bob', 'of bob'), changedAt: now, revokedAt: now }])
  t.same(codes('of bob'), ['TG_KEY_EXPIRED'], 'and so does one that is revoked')
  ring.configure([{ id: 'bob', key: 'another' }])
  t.same(codes('of bob', 'another'), ['TG_KEY_WRONG', 'bob'])
})

t.test('a text that is too long to be a key is refused unread', async t => {
  const ring = createKeyRing([{ id: 'a', key: 'k' }])
  t.match(said(ring, 'k'.repeat(100_000)), 'TG_KEY_WRONG')
  t.match(said(ring, ''), 'TG_KEY_WRONG')
  t.match(said(ring, '\u0000\ud800'), 'TG_KEY_WRONG')
})

t.test(
  'the later change of a key holds, and what is as old and says less changes nothing',
  async t => {
    const ring = createKeyRing([])
    const old = keyRecord('ann', 'of ann')
    t.equal(ring.merge([old]), true)
    t.equal(ring.merge([old]), false)
    const revoked = { ...old, changedAt: old.changedAt + 1, revokedAt: old.changedAt + 1 }
    t.equal(ring.merge([revoked, old]), true)
    t.match(said(ring, 'of ann'), 'TG_KEY_EXPIRED')
    t.equal(ring.merge([old]), false)
    t.equal(ring.any, true, 'and a gateway that had a key goes on to want one')
  },
)

t.test('a rotated key goes on for its grace alone', async t => {
  let now = 5_000_000
  const ring = createKeyRing([], { now: () => now })
  const previous = { hash: digestOf('old'), until: now + 100 }
  ring.merge([keyRecord('ann', 'new', { previous })])
  t.equal(said(ring, 'new'), 'ann')
  t.equal(said(ring, 'old'), 'ann')
  now += 100
  t.match(said(ring, 'old'), 'TG_KEY_EXPIRED')
  t.equal(said(ring, 'new'), 'ann')
})

t.test(
  'the configuration may state a hash, scopes and an end, and beats what was made',
  async t => {
    const ring = createKeyRing([
      { id: 'ann', hash: digestOf('of ann'), scopes: { tools: ['a_*'] }, limits: { rate: '5/s' } },
      { id: 'bob', key: 'of bob', expiresAt: '2001-01-01' },
    ])
    t.match(ring.find('of ann'), { id: 'ann', admin: false, limits: { rate: { count: 5 } } })
    t.match(said(ring, 'of bob'), 'TG_KEY_EXPIRED')
    ring.merge([keyRecord('ann', 'another')])
    t.match(said(ring, 'another'), 'TG_KEY_WRONG')
    ring.configure([{ id: 'cid', key: 'of cid' }])
    t.match(said(ring, 'of ann'), 'TG_KEY_WRONG')
    t.equal(said(ring, 'another'), 'ann')
    t.match(ring.find('of cid'), { admin: true }, 'one that states nothing may do everything')
  },
)

t.test('what is kept of a key is no key, and is read with care', async t => {
  const key = newKey()
  t.match(key, /^tg_[\w-]{43}$/)
  t.not(key, newKey())
  const record = keyRecord('ann', key, { name: 'Ann' })
  t.notMatch(JSON.stringify(record), key)
  t.same(Object.keys(viewOf(record, 0)).sort(), ['createdAt', 'id', 'name', 'scopes', 'state'])
  t.ok(readRecord(record))
  const odd = [
    null,
    {},
    { ...record, id: '../x' },
    { ...record, hash: 'ABC' },
    { ...record, limits: { rate: 'often' } },
    { ...record, scopes: { tools: 'all' } },
    { ...record, expiresAt: '2030' },
  ]
  for (const value of odd) t.equal(readRecord(value), undefined, JSON.stringify(value))
})
