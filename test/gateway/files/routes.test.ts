import multipart from '@fastify/multipart'
import fastify, { type InjectOptions } from 'fastify'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { fileRoutes } from '../../../src/gateway/files/routes.ts'
import { createFileStore } from '../../../src/gateway/files/store.ts'
import { shapeErrors } from '../../../src/gateway/http/errors.ts'
import { gif, png } from '../../fixtures/pictures.ts'

const fileBytesMax = 5_000

async function build(t: Test) {
  const app = fastify({ bodyLimit: 100 })
  const now = () => 1_700_000_000_000
  const store = createFileStore({
    directory: t.testdir({}),
    ttlMs: 3_600_000,
    now,
    limits: { fileBytesMax },
  })
  shapeErrors(app)
  await app.register(multipart, { limits: { fileSize: fileBytesMax } })
  await app.register(fileRoutes, {
    store,
    fileBytesMax,
    unreadMs: 60_000,
    now,
    urlFor: (_request: unknown, id: string) => `http://gateway.example/files/${id}`,
  })
  t.teardown(() => app.close())
  const upload = async (payload: Buffer | string, headers: Record<string, string> = {}) =>
    app.inject({ method: 'POST', url: '/files', payload, headers })
  return { app, store, upload }
}

function form(parts: { name: string; filename?: string; type?: string; body: Buffer | string }[]) {
  const pieces = parts.flatMap(({ name, filename, type, body }) => [
    `--frontier\r\ncontent-disposition: form-data; name="${name}"`,
    filename === undefined ? '' : `; filename="${filename}"`,
    type ? `\r\ncontent-type: ${type}` : '',
    '\r\n\r\n',
    body,
    '\r\n',
  ])
  return {
    method: 'POST',
    url: '/files',
    headers: { 'content-type': 'multipart/form-data; boundary=frontier' },
    payload: Buffer.concat(
      [...pieces, '--frontier--\r\n'].map(piece => Buffer.from(piece as string)),
    ),
  } satisfies InjectOptions
}

t.test('a raw body is a file, whatever its type', async t => {
  const { upload } = await build(t)
  const { sha256, ...answer } = (await upload(png(), { 'content-type': 'image/png' })).json()
  t.same(answer, {
    id: `${sha256.slice(0, 32)}.png`,
    url: `http://gateway.example/files/${sha256.slice(0, 32)}.png`,
    name: `${sha256.slice(0, 32)}.png`,
    mediaType: 'image/png',
    bytes: png().length,
    expiresAt: new Date(1_700_003_600_000).toISOString(),
  })
  for (const [body, type, mediaType] of [
    ['{"a":', 'application/json', 'application/json'],
    ['hello', 'text/plain', 'text/plain'],
    [png(1), 'application/x-www-form-urlencoded', 'image/png'],
    [gif, 'x/unknown', 'image/gif'],
  ] as const)
    t.match((await upload(Buffer.from(body as string), { 'content-type': type })).json(), {
      mediaType,
    })
})

t.test('a name comes from the query or the header', async t => {
  const { app, upload } = await build(t)
  const named = { 'content-disposition': "attachment; filename*=UTF-8''%E7%8C%AB.png" }
  t.equal((await upload(png(), named)).json().name, '猫.png')
  const url = '/files?name=a%2Fb.png'
  t.equal((await app.inject({ method: 'POST', url, payload: png() })).json().name, 'b.png')
  t.match((await upload(png(), { 'content-disposition': ';;' })).json().name, /^[0-9a-f]{32}\.png$/)
})

t.test('the file part of a form is stored, fields before it are passed over', async t => {
  const { app } = await build(t)
  const parts = [
    { name: 'note', body: 'hi' },
    { name: 'file', filename: 'c.jpg', type: 'image/jpeg', body: png() },
  ]
  const answer = await app.inject(form(parts))
  t.match(answer.json(), { name: 'c.jpg', mediaType: 'image/png', bytes: png().length })
})

t.test('a form without a file, or cut short, is a 400', async t => {
  const { app } = await build(t)
  const none = await app.inject(form([{ name: 'note', body: 'hi' }]))
  t.match([none.statusCode, none.json()], [400, { error: { code: 'TG_BODY_INVALID' } }])
  const whole = form([{ name: 'file', filename: 'a.png', body: png() }])
  const cut = await app.inject({ ...whole, payload: whole.payload.subarray(0, 120) })
  t.match([cut.statusCode, cut.json()], [400, { error: { code: 'TG_BODY_INVALID' } }])
  const headers = { 'content-type': 'multipart/form-data' }
  const unframed = await app.inject({ ...whole, headers })
  t.match([unframed.statusCode, unframed.json()], [400, { error: { code: 'TG_BODY_INVALID' } }])
})

t.test('an empty file is a 422, one that is too large a 413', async t => {
  const { app, upload } = await build(t)
  const empty = await upload('', { 'content-type': 'image/png' })
  t.match([empty.statusCode, empty.json()], [422, { error: { code: 'TG_FILE_BROKEN' } }])
  const emptyPart = await app.inject(form([{ name: 'file', filename: 'a.png', body: '' }]))
  t.equal(emptyPart.statusCode, 422)
  const large = Buffer.alloc(fileBytesMax + 1, 65)
  for (const answer of [
    await upload(large),
    await app.inject(form([{ name: 'file', filename: 'a.txt', body: large }])),
  ]) {
    t.match([answer.statusCode, answer.json()], [413, { error: { code: 'TG_TOO_LARGE' } }])
  }
  t.equal((await upload(large.subarray(1))).statusCode, 200, 'the limit itself fits')
})

t.test('an endless body is refused as soon as it is too long, and the connection ends', async t => {
  const { app } = await build(t)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write('POST /files HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n')
  const chunk = `3e8\r\n${'x'.repeat(1_000)}\r\n`
  const send = setInterval(() => socket.writable && socket.write(chunk), 1)
  const answer = await new Promise<string>(resolve => {
    let text = ''
    socket.on('data', data => (text += data.toString()))
    socket.on('close', () => resolve(text))
  })
  clearInterval(send)
  t.match(answer, /^HTTP\/1.1 413 .*connection: close/is)
})

t.test('a file is served with its type, its name and what a cache needs', async t => {
  const { app, upload } = await build(t)
  const { id, sha256 } = (
    await upload(png(), { 'content-disposition': "attachment; filename*=UTF-8''%E7%8C%AB.png" })
  ).json()
  const answer = await app.inject(`/files/${id}`)
  t.same(answer.rawPayload, png())
  t.match(answer.headers, {
    'content-type': 'image/png',
    'content-length': String(png().length),
    'content-disposition': `inline; filename="?.png"; filename*=UTF-8''%E7%8C%AB.png`,
    'accept-ranges': 'bytes',
    etag: `"${sha256}"`,
    'cache-control': 'private, max-age=3600, immutable',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
  })
  const head = await app.inject({ method: 'HEAD', url: `/files/${id}` })
  t.equal(head.headers['content-length'], String(png().length))
  t.equal(head.body, '')
})

t.test('parts, conditions and their failures are answered as HTTP says', async t => {
  const { app, upload } = await build(t)
  const { id, sha256 } = (await upload(png())).json()
  const get = (headers: Record<string, string>) => app.inject({ url: `/files/${id}`, headers })
  const part = await get({ range: 'bytes=1-3' })
  t.equal(part.statusCode, 206)
  t.equal(part.body, 'PNG')
  t.match(part.headers, {
    'content-range': `bytes 1-3/${png().length}`,
    'content-length': '3',
  })
  const outside = await get({ range: 'bytes=99999-' })
  t.equal(outside.statusCode, 416)
  t.equal(outside.headers['content-range'], `bytes */${png().length}`)
  t.equal((await get({ range: 'bytes=0-1', 'if-range': '"other"' })).statusCode, 200)
  t.equal((await get({ range: 'bytes=0-1', 'if-range': `"${sha256}"` })).statusCode, 206)
  for (const tag of [`"${sha256}"`, `W/"${sha256}"`, `"a", "${sha256}"`, '*']) {
    const same = await get({ 'if-none-match': tag })
    t.equal(same.statusCode, 304, tag)
    t.equal(same.body, '')
    t.equal(same.headers.etag, `"${sha256}"`)
  }
  t.equal((await get({ 'if-none-match': '"other"' })).statusCode, 200)
})

t.test('what a browser could run is served as a download of text', async t => {
  const { app, upload } = await build(t)
  for (const body of [
    '<!doctype html><script>alert(1)</script>',
    '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    '<?xml version="1.0"?><a/>',
  ]) {
    const { id } = (await upload(body, { 'content-type': 'image/png' })).json()
    const { headers } = await app.inject(`/files/${id}`)
    t.equal(headers['content-type'], 'text/plain; charset=utf-8')
    t.match(headers['content-disposition'], /^attachment/)
  }
})

t.test('a file that is not there is a 404 in our shape', async t => {
  const { app } = await build(t)
  for (const id of [`${'0'.repeat(32)}.png`, 'nonsense', '..%2f..%2fetc%2fpasswd']) {
    const answer = await app.inject(`/files/${id}`)
    t.match([answer.statusCode, answer.json()], [404, { error: { code: 'TG_NOT_FOUND' } }], id)
  }
})
