import multipart from '@fastify/multipart'
import fastify from 'fastify'
import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import { guardAccess } from '../../../src/gateway/auth/access.ts'
import { createFiles } from '../../../src/gateway/files/files.ts'
import { readAll } from '../../../src/gateway/http/body.ts'
import { createGuard } from '../../../src/gateway/http/guard.ts'
import { shapeErrors } from '../../../src/gateway/http/errors.ts'
import { parseConfig } from '../../../src/config.ts'
import { png } from '../../fixtures/pictures.ts'

const quiet = { debug() {}, info() {}, warn() {}, error() {} }

async function build(t: Test, env: Record<string, string> = {}) {
  const config = parseConfig({ TOOLGATE_FILES: t.testdir({}), ...env })
  const clock = { ms: Date.now() }
  const guard = createGuard()
  const files = createFiles({
    config,
    guard,
    originOf: () => 'http://gateway.example',
    now: () => clock.ms,
    log: quiet,
  })
  const app = fastify()
  shapeErrors(app)
  guardAccess(app, { ...config, isSigned: files.isSigned })
  await app.register(multipart)
  await app.register(files.routes)
  t.teardown(() => Promise.all([app.close(), files.close(), guard.close()]))
  return { app, clock, files }
}
const pathOf = (url: string) => url.replace('http://gateway.example', '')
const key = 'a-key-of-length'

t.test('without keys a file is anybody’s, and its URL is bare', async t => {
  const { app } = await build(t)
  const { id, url } = (await app.inject({ method: 'POST', url: '/files', payload: png() })).json()
  t.equal(url, `http://gateway.example/files/${id}`)
  t.equal((await app.inject(pathOf(url))).statusCode, 200)
})

t.test('with keys a file wants one, or the signature in its URL', async t => {
  const { app, clock } = await build(t, { TOOLGATE_KEY: key, TOOLGATE_SECRET: 'a-secret-word' })
  const post = { method: 'POST', url: '/files', payload: png() } as const
  t.equal((await app.inject(post)).statusCode, 401)
  const headers = { authorization: `Bearer ${key}` }
  const { id, url } = (await app.inject({ ...post, headers })).json()
  t.match(url, new RegExp(`/files/${id}\\?exp=\\d+&sig=`))
  t.equal((await app.inject(pathOf(url))).statusCode, 200)
  t.equal((await app.inject({ url: `/files/${id}`, headers })).statusCode, 200)
  t.equal((await app.inject(`/files/${id}`)).statusCode, 401)
  t.equal((await app.inject(`${pathOf(url)}x`)).statusCode, 401)
  clock.ms += 26 * 3_600_000
  t.equal((await app.inject(pathOf(url))).statusCode, 401)
})

t.test('signatures hold over replicas with the same keys, secret or not', async t => {
  const [one, two] = [await build(t, { TOOLGATE_KEY: key }), await build(t, { TOOLGATE_KEY: key })]
  const id = await one.files.save({ bytes: png(), name: 'a.png', mediaType: 'image/png' })
  await two.files.save({ bytes: png(), name: 'a.png', mediaType: 'image/png' })
  const url = one.files.urlFor({} as never, id)
  t.equal((await two.app.inject(pathOf(url))).statusCode, 200)
})

t.test('a tool saves, reads and keeps; a face opens', async t => {
  const { files, clock } = await build(t)
  const id = await files.save({ bytes: png(), name: 'a.png', mediaType: 'image/png' })
  const { stream, mediaType } = await files.open(id)
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  t.same(Buffer.concat(chunks), png())
  t.equal(mediaType, 'image/png')
  const signal = new AbortController().signal
  const context = { requestId: 'r', signal, face: 'rest', report: {}, patience: { redisMs: 50 } }
  const value = `http://127.0.0.1:8642/files/${id}`
  const file = await files.resolve(
    { tool: 'ocr', argument: 'image', kind: 'image', value },
    context,
  )
  t.same(Buffer.from(await files.read(file)), png())
  t.ok(await files.keep(id, clock.ms + 48 * 3_600_000))
  clock.ms += 30 * 3_600_000
  const kept = await files.open(id)
  t.same(await readAll(kept.stream as Readable, 10_000), png())
})

t.test(
  'an upload of a tool’s form is stored; one that the form reader cut off is refused',
  async t => {
    const { files } = await build(t)
    const stream = () => Readable.from([png()])
    const upload = { name: 'a.png', mediaType: 'image/png' }
    t.match(await files.storeUpload({ ...upload, stream: stream() }), { mediaType: 'image/png' })
    const cut = Object.assign(stream(), { truncated: true })
    await t.rejects(files.storeUpload({ ...upload, stream: cut }), { code: 'TG_TOO_LARGE' })
    const broken = (error: Error) =>
      Readable.from(
        (async function* () {
          yield png()
          throw error
        })(),
      )
    const reset = Object.assign(new Error('aborted'), { code: 'ECONNRESET' })
    await t.rejects(files.storeUpload({ ...upload, stream: broken(reset) }), {
      code: 'TG_CLIENT_CLOSED',
    })
    const short = new Error('Unexpected end of multipart data')
    await t.rejects(files.storeUpload({ ...upload, stream: broken(short) }), {
      code: 'TG_BODY_INVALID',
    })
  },
)
