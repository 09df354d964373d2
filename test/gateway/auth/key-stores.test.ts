import { chmod, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import t from 'tap'
import { createKeyDesk } from '../../../src/gateway/auth/key-desk.ts'
import { createKeyFile, type KeyStore } from '../../../src/gateway/auth/key-file.ts'
import { createKeyRedis } from '../../../src/gateway/auth/key-redis.ts'
import { createKeySync } from '../../../src/gateway/auth/key-sync.ts'
import { createKeyRing } from '../../../src/gateway/auth/keys.ts'
import { isToolError } from '../../../src/registry/errors.ts'
import { keyRecord } from '../../fixtures/key-record.ts'
import { portTo, startRedis } from '../../fixtures/redis-server.ts'

const redis = await startRedis(t)
const log = pino({ level: 'silent' })
const idsOf = (records: readonly { id: string }[] | undefined) =>
  records?.map(({ id }) => id).sort()
type Tap = { testdir: () => string }

/** Two processes' ways to one and the same place. */
const places: Record<string, (t: Tap) => Promise<[KeyStore, KeyStore]>> = {
  async 'a file'(t) {
    const path = join(t.testdir(), 'deep', 'keys.json')
    return [createKeyFile(path), createKeyFile(path)]
  },
}
if (redis)
  places['Redis'] = async () => {
    await redis.flushall()
    return [createKeyRedis(portTo(redis)), createKeyRedis(portTo(redis))]
  }

for (const [what, open] of Object.entries(places)) {
  t.test(`${what} keeps keys for others, and says when something has changed`, async t => {
    const [one, other] = await open(t)
    t.same(await one.read(), [])
    t.equal(await one.read(), undefined, 'nothing has changed since')
    const ann = keyRecord('ann', 'of ann', { name: '安', limits: { rate: '5/s' } })
    await other.save([ann])
    t.same(await one.read(), [ann])
    t.equal(await one.read(), undefined)
    await other.save([ann])
    const revoked = { ...ann, changedAt: 2_000, revokedAt: 2_000 }
    await one.save([revoked, keyRecord('bob', 'of bob')])
    await other.save([ann])
    const all = await other.read()
    t.same(idsOf(all), ['ann', 'bob'])
    t.equal(all?.find(({ id }) => id === 'ann')?.revokedAt, 2_000, 'the later change holds')
  })

  t.test(`${what} loses no key to writers at once, and holds ten thousand`, async t => {
    const [one, other] = await open(t)
    const numbers = Array.from({ length: 20 }, (_, index) => index)
    await Promise.all(numbers.map(n => (n % 2 ? one : other).save([keyRecord(`k${n}`, `of ${n}`)])))
    t.equal((await one.read())?.length, 20)
    const many = Array.from({ length: 10_000 }, (_, n) => keyRecord(`m${n}`, `of m${n}`))
    await one.save(many)
    t.equal((await other.read())?.length, 10_020)
  })
}

t.test('the file is for its owner alone, and is never seen half written', async t => {
  const folder = t.testdir()
  const path = join(folder, 'keys.json')
  await writeFile(path, '{"keys": []}')
  await chmod(path, 0o644)
  const store = createKeyFile(path)
  await store.save([keyRecord('ann', 'of ann')])
  t.equal((await stat(path)).mode & 0o777, 0o600)
  t.same(await readdir(folder), ['keys.json'], 'nothing is left beside it')
  for (const text of ['{', '[]', '{"keys": [{"id": "x"}]}', 'null']) {
    await writeFile(path, text)
    await t.rejects(createKeyFile(path).read(), { message: /keys\.json: / }, text)
    await t.rejects(store.save([keyRecord('bob', 'of bob')]), { message: /keys\.json: / })
  }
})

t.test('a ring follows its stores, and each store learns what it missed or lost', async t => {
  const held = new Map<string, ReturnType<typeof keyRecord>>()
  let isDown = false
  let changes = 0
  let seen = -1
  const remote: KeyStore = {
    async read() {
      if (isDown || seen === changes) return undefined
      seen = changes
      return [...held.values()]
    },
    async save(records) {
      if (isDown) throw new Error('down')
      for (const record of records) held.set(record.id, record)
      changes += 1
    },
  }
  const file = createKeyFile(join(t.testdir(), 'keys.json'))
  const ring = createKeyRing([])
  const keys = createKeySync({ ring, stores: [file, remote], log, refreshMs: 3_600_000 })
  t.teardown(() => keys.close())
  await remote.save([keyRecord('ann', 'of ann')])
  await keys.sync()
  t.match(ring.find('of ann'), { id: 'ann' })
  t.same(idsOf(await createKeyFile(join(t.testdirName, 'keys.json')).read()), ['ann'])

  isDown = true
  await keys.keep([keyRecord('bob', 'of bob')])
  t.match(ring.find('of bob'), { id: 'bob' }, 'at once, though one store is away')
  await keys.sync()
  isDown = false
  held.clear()
  changes += 1
  await keys.sync()
  t.same([...held.keys()].sort(), ['ann', 'bob'], 'what it missed, and what it lost')

  isDown = true
  const lone = createKeySync({ ring, stores: [remote], log, refreshMs: 3_600_000 })
  t.teardown(() => lone.close())
  await t.rejects(lone.keep([keyRecord('cid', 'of cid')]), { message: 'down' })
  t.ok(isToolError(ring.find('of cid')), 'what nobody keeps is not given out')
})

t.test('a sync that is closed has written what it writes', async t => {
  const path = join(t.testdir(), 'keys.json')
  const ring = createKeyRing([])
  const remote: KeyStore = { read: async () => [keyRecord('ann', 'of ann')], save: async () => {} }
  const noted: string[] = []
  const keys = createKeySync({
    ring,
    stores: [createKeyFile(path), remote],
    log,
    onRead: async () => {
      await new Promise(setImmediate)
      noted.push('read')
    },
  })
  void keys.sync()
  await keys.close()
  t.same(await readdir(t.testdirName), ['keys.json'], 'no lock and no half file is left')
  t.same(idsOf(await createKeyFile(path).read()), ['ann'])
  t.ok(noted.length >= 3, 'and who was told is waited for')
})

t.test('the desk makes keys, ends them, and refuses what cannot be', async t => {
  let now = 10_000
  const ring = createKeyRing([{ id: 'own', key: 'own' }], { now: () => now })
  const desk = createKeyDesk({
    records: async () => ring.made(),
    save: async records => void ring.merge(records),
    isTaken: ring.isConfigured,
    now: () => now,
  })
  const { key, record } = await desk.create({ id: 'ann', name: 'Ann', expiresAt: 20_000 })
  t.match(record, { id: 'ann', name: 'Ann', state: 'active', createdAt: 10_000 })
  t.match(ring.find(key), { id: 'ann', admin: false })
  const next = await desk.rotate('Ann', 100)
  t.match(ring.find(next.key), { id: 'ann' })
  t.match(ring.find(key), { id: 'ann' }, 'the old key has a grace')
  now += 100
  t.ok(isToolError(ring.find(key)))
  t.match(await desk.revoke('ann'), { state: 'revoked' })
  t.match(ring.find(next.key), { code: 'TG_KEY_EXPIRED' })
  const made = await desk.create({})
  t.match(made.record.id, /^k[0-9a-f]{12}$/)
  t.same((await desk.list()).map(({ state }) => state).sort(), ['active', 'revoked'])
  const refusals: [Promise<unknown>, string][] = [
    [desk.create({ id: 'ann' }), 'TG_REFUSED'],
    [desk.create({ id: 'own' }), 'TG_REFUSED'],
    [desk.create({ expiresAt: now }), 'TG_REFUSED'],
    [desk.rotate('ann'), 'TG_REFUSED'],
    [desk.revoke('own'), 'TG_FORBIDDEN'],
    [desk.revoke('nobody'), 'TG_NOT_FOUND'],
  ]
  for (const [refused, code] of refusals) await t.rejects(refused, { code })
})
