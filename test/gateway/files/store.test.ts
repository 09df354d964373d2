import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import { createFileStore, isFileId } from '../../../src/gateway/files/store.ts'
import { png } from '../../fixtures/pictures.ts'

const hour = 3_600_000

function open(t: Test, limits: Parameters<typeof createFileStore>[0]['limits'] = {}) {
  const clock = { ms: 1_700_000_000_000 }
  const directory = join(t.testdir({}), 'deep', 'files')
  const again = () => createFileStore({ directory, ttlMs: hour, now: () => clock.ms, limits })
  return { clock, directory, again, store: again() }
}
const sized = (bytes: number, fill: number) => ({ bytes: Buffer.alloc(bytes, fill), name: 'a.bin' })

t.test('a file is stored by the hash of its bytes, under its true type', async t => {
  const { store, clock } = open(t)
  const file = await store.put({
    bytes: png(),
    name: 'C:\\fotos\\..\\猫.jpg',
    mediaType: 'image/jpeg',
  })
  t.equal(file.id, `${file.sha256.slice(0, 32)}.png`)
  t.match(file, { name: '猫.jpg', mediaType: 'image/png', bytes: png().length })
  t.equal(file.expiresAt, clock.ms + hour)
  t.same(await store.get(file.id), file)
  t.same(Buffer.from(await store.read(file.id)), png())
  t.same(
    Buffer.concat(await (await store.stream(file.id, { start: 1, end: 3 })).toArray()),
    Buffer.from('PNG'),
  )
})

t.test('the same bytes are one file, which lives on', async t => {
  const { store, clock, directory } = open(t)
  const first = await store.put({ stream: Readable.from([png()]), name: 'a.png' })
  clock.ms += 1_000
  const second = await store.put({ bytes: png(), name: 'b.png' })
  t.equal(second.id, first.id)
  t.equal(second.name, 'b.png')
  t.equal(second.expiresAt, first.expiresAt + 1_000)
  t.same((await readdir(directory)).toSorted(), [first.id, `${first.id}.meta`])
})

t.test('files outlive a restart, and other replicas see them', async t => {
  const { store, again } = open(t)
  const { id } = await store.put({ bytes: png(), name: '' })
  t.match(await again().get(id), { name: id, mediaType: 'image/png' })
})

t.test('a file expires, unless it is touched', async t => {
  const { store, clock, directory } = open(t)
  const kept = await store.put({ bytes: png(1), name: 'a.png' })
  const lost = await store.put({ bytes: png(2), name: 'b.png' })
  t.ok(await store.touch(kept.id, clock.ms + 2 * hour))
  t.ok(await store.touch(kept.id, clock.ms), 'an earlier end changes nothing')
  clock.ms += hour
  t.ok(await store.find(kept.id))
  t.equal(await store.find(lost.id), undefined)
  t.notOk(await store.touch(lost.id, clock.ms + hour))
  for (const use of [store.get, store.read, store.stream])
    await t.rejects(async () => void (await use(lost.id)), { code: 'TG_NOT_FOUND', status: 404 })
  await store.sweep()
  t.same((await readdir(directory)).toSorted(), [kept.id, `${kept.id}.meta`])
})

t.test('a file over its limit is refused while it comes, and leaves nothing', async t => {
  const { store, directory } = open(t, { fileBytesMax: 1_000 })
  let sent = 0
  const endless = async function* () {
    for (;;) {
      sent += 100
      yield Buffer.alloc(100)
    }
  }
  await t.rejects(store.put({ stream: endless(), name: 'endless' }), {
    code: 'TG_TOO_LARGE',
    status: 413,
    message: 'the file "endless" is over the limit of 1000 bytes',
  })
  t.ok(sent < 1_000_000, 'it was not read on')
  await t.rejects(store.put(sized(1_001, 1)), { code: 'TG_TOO_LARGE' })
  t.ok(await store.put(sized(1_000, 1)))
  t.equal((await readdir(directory)).length, 2)
})

t.test('an empty file is a broken one', async t => {
  const { store } = open(t)
  await t.rejects(store.put({ bytes: new Uint8Array(), name: 'a.png' }), {
    code: 'TG_FILE_BROKEN',
    status: 422,
  })
  await t.rejects(store.put({ stream: Readable.from([]), name: 'a.png' }), {
    code: 'TG_FILE_BROKEN',
  })
})

t.test('a stream that breaks leaves nothing behind', async t => {
  const { store, directory } = open(t)
  const broken = async function* () {
    yield png()
    throw new Error('the wire broke')
  }
  await t.rejects(store.put({ stream: broken(), name: 'a' }), { message: 'the wire broke' })
  t.same(await readdir(directory), [])
})

t.test('the oldest go when there is no room', async t => {
  const { store, clock } = open(t, { totalBytesMax: 1_000 })
  const ids: string[] = []
  for (const fill of [1, 2, 3, 4]) {
    clock.ms += 1_000
    ids.push((await store.put(sized(300, fill))).id)
  }
  const left = await Promise.all(ids.map(async id => (await store.find(id)) !== undefined))
  t.same(left, [false, true, true, true])
})

t.test('the bound holds over a restart', async t => {
  const { store, again, clock } = open(t, { totalBytesMax: 1_000 })
  const old = await store.put(sized(900, 1))
  clock.ms += 1_000
  await again().put(sized(900, 2))
  t.equal(await store.find(old.id), undefined)
})

t.test('what a crash left behind goes after a while', async t => {
  const { store, clock, directory } = open(t)
  const { id } = await store.put({ bytes: png(), name: 'a.png' })
  await writeFile(join(directory, 'tmp-1'), 'half')
  await writeFile(join(directory, `${'0'.repeat(32)}.png.meta`), '{}')
  await writeFile(join(directory, 'README'), 'not ours')
  await store.sweep()
  t.equal((await readdir(directory)).length, 5)
  clock.ms = Date.now() + 2 * hour
  await store.touch(id, clock.ms + hour)
  await store.sweep()
  t.same(await readdir(directory), ['README'])
})

t.test('a folder that is not there yet holds nothing', async t => {
  const { store } = open(t)
  await store.sweep()
  t.equal(await store.find(`${'0'.repeat(32)}.png`), undefined)
})

t.test('no id leads out of the folder', async t => {
  const { store } = open(t)
  for (const id of [
    '../../etc/passwd',
    '..%2f..%2fetc%2fpasswd',
    `${'0'.repeat(32)}.png.meta`,
    `${'0'.repeat(32)}/../x.png`,
    `${'0'.repeat(32)}.png\0`,
    `${'0'.repeat(31)}.png`,
    `${'0'.repeat(32)}`,
    `${'A'.repeat(32)}.png`,
    'tmp-1',
    '',
    '.',
  ]) {
    t.notOk(isFileId(id), id)
    await t.rejects(store.read(id), { code: 'TG_NOT_FOUND' })
  }
})

t.test('a spoilt description makes the file unknown, not an error', async t => {
  const { store, directory } = open(t)
  const { id } = await store.put({ bytes: png(), name: 'a.png' })
  await writeFile(join(directory, `${id}.meta`), '{"name":1}')
  t.equal(await store.find(id), undefined)
  const again = await store.put({ bytes: png(), name: 'a.png' })
  t.equal(again.id, id)
  t.match(JSON.parse(await readFile(join(directory, `${id}.meta`), 'utf8')), { name: 'a.png' })
})

t.test('a folder that cannot be written to is a 503 that says so', async t => {
  const blocked = join(t.testdir({ file: 'in the way' }), 'file')
  const store = createFileStore({ directory: blocked, ttlMs: hour })
  await t.rejects(store.put({ bytes: png(), name: 'a.png' }), {
    code: 'TG_UNAVAILABLE',
    status: 503,
    message: /the file store is unavailable/,
  })
})

t.test('sweeping by the clock reports what goes wrong', async t => {
  const blocked = join(t.testdir({ file: 'in the way' }), 'file')
  const store = createFileStore({ directory: blocked, ttlMs: hour, limits: { sweepMs: 1 } })
  const keepAlive = setInterval(() => undefined, 1_000)
  const error = await new Promise(resolve => store.start(resolve))
  clearInterval(keepAlive)
  await store.close()
  t.match(error, { code: 'ENOTDIR' })
})

t.test('it closes when the file under way is written, and takes no other', async t => {
  const { store, directory } = open(t)
  const [begun, rest] = [Promise.withResolvers<void>(), Promise.withResolvers<Uint8Array>()]
  const bytes = async function* () {
    begun.resolve()
    yield await rest.promise
  }
  const put = store.put({ stream: bytes(), name: 'a.png' })
  await begun.promise
  const left = store.close().then(() => readdir(directory))
  await t.rejects(store.put({ bytes: png(2), name: 'b.png' }), { code: 'TG_STOPPING' })
  rest.resolve(png())
  const { id } = await put
  t.same((await left).toSorted(), [id, `${id}.meta`])
})

t.test('it closes when the sweep under way is over, and an upload that broke is gone', async t => {
  const { store, clock, directory, again } = open(t)
  for (const fill of [1, 2, 3]) await store.put(sized(10, fill))
  clock.ms += 2 * hour
  const looked = Promise.withResolvers<void>()
  const sweeping = createFileStore({
    directory,
    ttlMs: hour,
    limits: { sweepMs: 1 },
    now: () => {
      looked.resolve()
      return clock.ms
    },
  })
  const keepAlive = setInterval(() => undefined, 1_000)
  sweeping.start(error => t.fail(String(error)))
  await looked.promise
  await sweeping.close()
  clearInterval(keepAlive)
  t.same(await readdir(directory), [])

  const other = again()
  const broken = other.put({
    name: 'a.png',
    stream: (async function* () {
      yield png()
      throw new Error('the client left')
    })(),
  })
  broken.catch(() => undefined)
  await other.close()
  t.same(await readdir(directory), [])
  await t.rejects(broken, { message: 'the client left' })
})
