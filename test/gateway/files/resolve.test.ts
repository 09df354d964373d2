import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { MockAgent } from 'undici'
import { createFileResolver } from '../../../src/gateway/files/resolve.ts'
import { createFileStore } from '../../../src/gateway/files/store.ts'
import { createGuard } from '../../../src/gateway/http/guard.ts'
import type { CallContext } from '../../../src/registry/call.ts'
import type { FileKind } from '../../../src/registry/tool.ts'
import { pdf, png, wav } from '../../fixtures/pictures.ts'

const origin = 'https://files.example.com'
const signal = new AbortController().signal

function setUp(t: Test, options: { ownOrigins?: string[]; ms?: number } = {}) {
  const clock = { ms: Date.now() }
  const agent = new MockAgent()
  agent.disableNetConnect()
  const { check, close } = createGuard()
  t.teardown(() => Promise.all([agent.close(), close()]))
  const now = () => clock.ms
  const store = createFileStore({
    directory: t.testdir({}),
    ttlMs: 60_000,
    now,
    limits: { fileBytesMax: 1_000 },
  })
  const resolver = createFileResolver({
    store,
    guard: { check, dispatcher: agent },
    ttlMs: 60_000,
    now,
    ownOrigins: options.ownOrigins ?? [],
    userAgent: 'toolgate/1',
    limits: { fileBytesMax: 1_000, ...(options.ms ? { ms: options.ms } : {}) },
  })
  const context = { requestId: 'r', signal, face: 'rest', report: {}, patience: { redisMs: 50 } }
  const resolve = (value: string, kind: FileKind = 'image', extra: Partial<CallContext> = {}) =>
    resolver({ tool: 'ocr', argument: 'image', kind, value }, { ...context, ...extra })
  return { clock, store, resolve, pool: agent.get(origin) }
}

t.test('an https URL is fetched, stored and known by its bytes', async t => {
  const { resolve, store, pool } = setUp(t)
  pool.intercept({ path: '/a/cat%20one.jpg?size=2' }).reply(200, png(), {
    headers: { 'content-type': 'text/html' },
  })
  const file = await resolve(` ${origin}/a/cat%20one.jpg?size=2 `)
  t.match(file, { name: 'cat one.jpg', mediaType: 'image/png', bytes: png().length })
  t.notOk('expiresAt' in file)
  t.same(Buffer.from(await store.read(file.id)), png())
})

t.test('a name comes from Content-Disposition first, and never breaks', async t => {
  const { resolve, pool } = setUp(t)
  const fetched = async (path: string, disposition: string, shade: number) => {
    const headers = { 'content-disposition': disposition }
    pool.intercept({ path }).reply(200, png(shade), { headers })
    return (await resolve(`${origin}${path}`)).name
  }
  t.equal(await fetched('/x', "attachment; filename*=UTF-8''%E7%8C%AB.png", 1), '猫.png')
  t.equal(await fetched('/x', ';;;', 2), 'x')
  t.equal(await fetched('/%zz', 'inline', 3), '%zz')
  t.equal(await fetched('/', 'inline', 4), 'files.example.com')
})

t.test('a packed file is unpacked, within the bound', async t => {
  const { resolve, pool } = setUp(t)
  const headers = { 'content-encoding': 'gzip' }
  pool.intercept({ path: '/' }).reply(200, gzipSync(png()), { headers })
  t.equal((await resolve(origin)).mediaType, 'image/png')
  pool.intercept({ path: '/' }).reply(200, gzipSync(Buffer.alloc(5_000_000)), { headers })
  await t.rejects(resolve(origin), { code: 'TG_TOO_LARGE', status: 413 })
  pool.intercept({ path: '/' }).reply(200, 'x', { headers: { 'content-encoding': 'rot13' } })
  await t.rejects(resolve(origin), { code: 'TG_UPSTREAM_INVALID' })
})

t.test('what goes wrong on the way names the host', async t => {
  const { resolve, pool } = setUp(t)
  pool.intercept({ path: '/' }).reply(404, 'gone')
  await t.rejects(resolve(origin), {
    code: 'TG_UPSTREAM_FAILED',
    message: 'files.example.com failed: HTTP 404',
  })
  const reset = Object.assign(new Error('reset'), { code: 'ECONNRESET' })
  pool.intercept({ path: '/' }).replyWithError(reset)
  await t.rejects(resolve(origin), { code: 'TG_UPSTREAM_UNREACHABLE', message: /ECONNRESET/ })
  pool.intercept({ path: '/' }).reply(200, Buffer.alloc(1_001, 65))
  await t.rejects(resolve(origin), { code: 'TG_TOO_LARGE' })
  pool.intercept({ path: '/' }).reply(200, 'short', { headers: { 'content-length': '999999999' } })
  await t.rejects(resolve(origin), { code: 'TG_TOO_LARGE' })
  pool.intercept({ path: '/' }).reply(200, '')
  await t.rejects(resolve(origin), { code: 'TG_FILE_BROKEN', status: 422 })
})

t.test('a slow download ends in time', async t => {
  const { resolve, pool } = setUp(t, { ms: 30 })
  pool.intercept({ path: '/' }).reply(200, png()).delay(10_000)
  const keepAlive = setTimeout(() => undefined, 10_000)
  await t.rejects(resolve(origin), {
    code: 'TG_DEADLINE',
    status: 504,
    message: /files.example.com/,
  })
  clearTimeout(keepAlive)
})

t.test('a caller who leaves ends the download', async t => {
  const { resolve } = setUp(t)
  const gone = { signal: AbortSignal.abort(new Error('gone')) }
  await t.rejects(resolve(origin, 'image', gone), { code: 'TG_CLIENT_CLOSED' })
})

t.test('URLs that may not be fetched are refused', async t => {
  const { resolve } = setUp(t)
  for (const url of [
    'http://files.example.com/a.png',
    'https://127.0.0.1/a.png',
    'file:///etc/passwd',
    'ftp://files.example.com/',
    'C:\\fotos\\cat.png',
    'javascript:alert(1)',
  ])
    await t.rejects(resolve(url), { code: 'TG_URL_REFUSED', status: 400 }, url)
})

t.test('data: URLs and bare base64 of a known type are stored', async t => {
  const { resolve } = setUp(t)
  const base64 = png().toString('base64')
  const ids = new Set<string>()
  for (const value of [
    `data:image/png;base64,${base64}`,
    `DATA:image/jpeg;base64,${base64}`,
    base64,
    base64.replace(/=+$/, ''),
    base64.replace(/(.{20})/g, '$1\n'),
  ])
    ids.add((await resolve(value)).id)
  t.equal(ids.size, 1)
  t.match(await resolve('data:text/csv,a%2Cb', 'document'), { mediaType: 'text/csv', bytes: 3 })
})

t.test('strings that stand for nothing say what would', async t => {
  const { resolve } = setUp(t)
  for (const value of [
    'cat.png',
    'the picture of my cat',
    '',
    'aGVsbG8=',
    Buffer.from('prose that is long enough to be a picture, but is only prose').toString('base64'),
    'x'.repeat(200),
  ])
    await t.rejects(resolve(value), {
      code: 'TG_ARGUMENT_INVALID',
      status: 400,
      message: 'ocr: image is neither a URL, a data: URL nor the id of a stored file',
    })
  await t.rejects(resolve('data:image/png;base64,%%%'), {
    code: 'TG_ARGUMENT_INVALID',
    message: 'ocr: image is a data: URL with broken base64',
  })
  await t.rejects(resolve('data:image/png;base64,'), { code: 'TG_FILE_BROKEN' })
})

t.test('an id, and a /files URL of any gateway, is read from the store and lives on', async t => {
  const { resolve, store, clock } = setUp(t, { ownOrigins: ['http://127.0.0.1:8642'] })
  const { id } = await store.put({ bytes: png(), name: 'a.png' })
  for (const value of [
    id,
    `/files/${id}`,
    `http://127.0.0.1:8642/files/${id}?exp=1&sig=x`,
    `https://other.example.com/files/${id}`,
  ]) {
    clock.ms += 50_000
    t.equal((await resolve(value)).id, id, value)
  }
})

t.test('an id that is not stored is a 404, at another host it is fetched', async t => {
  const { resolve, pool } = setUp(t, { ownOrigins: ['http://127.0.0.1:8642'] })
  const id = `${'0'.repeat(32)}.png`
  for (const value of [id, `/files/${id}`, `http://127.0.0.1:8642/files/${id}`])
    await t.rejects(resolve(value), { code: 'TG_NOT_FOUND', status: 404 }, value)
  pool.intercept({ path: `/files/${id}` }).reply(200, png())
  t.ok(await resolve(`${origin}/files/${id}`))
  await t.rejects(resolve('/etc/passwd'), { code: 'TG_ARGUMENT_INVALID' })
  await t.rejects(resolve('//files.example.com/a.png'), { code: 'TG_ARGUMENT_INVALID' })
})

t.test('a file of another kind is a 415 that says what is wanted', async t => {
  const { resolve } = setUp(t)
  const data = (bytes: Uint8Array | string) =>
    `data:image/png;base64,${Buffer.from(bytes as Uint8Array).toString('base64')}`
  await t.rejects(resolve(data(pdf)), {
    code: 'TG_MEDIA_TYPE',
    status: 415,
    message: 'application/pdf is not taken here',
    hint: /PNG, JPEG/,
  })
  await t.rejects(resolve(data('<svg xmlns="http://www.w3.org/2000/svg"/>')), {
    code: 'TG_MEDIA_TYPE',
  })
  await t.rejects(resolve(data('<!doctype html>')), { code: 'TG_MEDIA_TYPE' })
  await t.rejects(resolve(data(png()), 'audio'), { code: 'TG_MEDIA_TYPE' })
  t.ok(await resolve(data(wav), 'audio'))
  t.ok(await resolve(data(pdf), 'document'))
})
