import type { Readable } from 'node:stream'
import '@fastify/multipart'
import { create as disposition, parse as parseDisposition } from 'content-disposition'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { dropRest } from '../http/linger.ts'
import { fail, failFrom } from '../../registry/errors.ts'
import { servedAs } from './media-type.ts'
import { rangeOf } from './range.ts'
import { type FileStore, type StoredFile, tooLarge } from './store.ts'

/** What the file routes stand on. */
export type FileRoutesOptions = {
  store: FileStore
  fileBytesMax: number
  /** How long a client may read nothing of a file that is sent to it, milliseconds. */
  unreadMs: number
  now: () => number
  /** The URL of a file, as the caller of this request reaches it. */
  urlFor: (request: FastifyRequest, id: string) => string
}

/** A file as it arrives. */
export type Upload = { stream: NodeJS.ReadableStream; name: string; mediaType?: string }

/** Stores what a client sends; throws TG_TOO_LARGE also where the form reader cut it off. */
export async function storeUpload(
  store: FileStore,
  upload: Upload,
  fileBytesMax: number,
): Promise<StoredFile> {
  const { stream, name, mediaType } = upload
  try {
    const file = await store.put({
      stream: lent(stream as Readable),
      name,
      ...(mediaType ? { mediaType } : {}),
    })
    if ('truncated' in stream && stream.truncated) throw tooLarge(name, fileBytesMax)
    return file
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE')
      throw failFrom(cause, 'TG_CLIENT_CLOSED')
    throw /multipart data/.test(message) ? failFrom(cause, 'TG_BODY_INVALID', message) : cause
  }
}

/** A stream that outlives its reader: a client whose file is too large still wants the answer. */
async function* lent(stream: Readable): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) yield chunk as Uint8Array
}

/** `POST /files` and `GET /files/:id`. */
export async function fileRoutes(app: FastifyInstance, options: FileRoutesOptions): Promise<void> {
  const { store, fileBytesMax, unreadMs, now, urlFor } = options
  // Here a body is a file, whatever its type.
  app.removeContentTypeParser([
    'application/json',
    'text/plain',
    'application/x-www-form-urlencoded',
  ])
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))

  app.post<{ Querystring: { name?: string } }>(
    '/files',
    { config: { access: 'key' }, bodyLimit: Number.MAX_SAFE_INTEGER },
    async request => {
      const upload = request.isMultipart()
        ? await filePart(request, fileBytesMax)
        : rawBody(request)
      const file = await storeUpload(store, upload, fileBytesMax)
      dropRest(request)
      const { id, name, mediaType, bytes, sha256, expiresAt } = file
      const url = urlFor(request, id)
      const until = new Date(expiresAt).toISOString()
      return { id, url, name, mediaType, bytes, sha256, expiresAt: until }
    },
  )

  function rawBody(request: FastifyRequest<{ Querystring: { name?: string } }>): Upload {
    const declared = Number(request.headers['content-length'])
    const name = nameOf(request)
    if (declared > fileBytesMax) throw tooLarge(name, fileBytesMax)
    if (!request.body) throw fail('TG_FILE_BROKEN', name, 'it is empty')
    const mediaType = request.headers['content-type']
    return { stream: request.body as Readable, name, ...(mediaType ? { mediaType } : {}) }
  }

  app.route<{ Params: { id: string } }>({
    method: ['GET', 'HEAD'],
    url: '/files/:id',
    config: { access: 'file' },
    handler: async (request, reply) => {
      const file = await store.get(request.params.id)
      describe(reply, file, now())
      if (matches(request.headers['if-none-match'], file)) return reply.status(304).send()
      const ifRange = request.headers['if-range']
      const asked = ifRange && ifRange !== etagOf(file) ? undefined : request.headers.range
      const range = rangeOf(asked, file.bytes)
      if (range === 'unsatisfiable')
        return reply.status(416).header('content-range', `bytes */${file.bytes}`).send()
      const { start, end } = range === 'whole' ? { start: 0, end: file.bytes - 1 } : range
      if (range !== 'whole')
        reply.status(206).header('content-range', `bytes ${start}-${end}/${file.bytes}`)
      reply.header('content-length', end - start + 1)
      if (request.method === 'HEAD') return reply.send()
      // A client that does not read would keep the file and its socket open for ever.
      reply.raw.setTimeout(unreadMs, () => reply.raw.destroy())
      return reply.send(await store.stream(file.id, { start, end }))
    },
  })
}

/** So much is read of a field that stands before the file. */
const fieldBytesMax = 4_096

/** The first file of a form, whatever the part is called. */
async function filePart(request: FastifyRequest, fileBytesMax: number): Promise<Upload> {
  // One byte more than the store takes: it is the store that refuses. What stands before the file is
  // kept until it comes, though nobody reads it.
  const part = await request
    .file({ limits: { fileSize: fileBytesMax + 1, fieldSize: fieldBytesMax } })
    .catch((cause: Error) => {
      throw failFrom(cause, 'TG_BODY_INVALID', cause.message)
    })
  if (!part) throw fail('TG_BODY_INVALID', 'the form has no part "file" that is a file')
  return { stream: part.file, name: part.filename, mediaType: part.mimetype }
}

function nameOf(request: FastifyRequest<{ Querystring: { name?: string } }>): string {
  const { name } = request.query
  if (typeof name === 'string') return name
  const header = request.headers['content-disposition']
  return (header && parseDisposition(header).parameters['filename']) || ''
}

const etagOf = ({ sha256 }: StoredFile): string => `"${sha256}"`

const matches = (header: string | undefined, file: StoredFile): boolean =>
  header !== undefined &&
  (header.trim() === '*' ||
    header.split(',').some(tag => tag.trim().replace(/^W\//, '') === etagOf(file)))

/** What a browser may do with a stranger's file: show a picture, play a recording, nothing else. */
function describe(reply: FastifyReply, file: StoredFile, nowMs: number): void {
  const { type, disposition: kind } = servedAs(file.mediaType)
  const seconds = Math.max(0, Math.floor((file.expiresAt - nowMs) / 1_000))
  reply.headers({
    'content-type': type,
    'content-disposition': disposition(file.name, { type: kind }),
    'accept-ranges': 'bytes',
    etag: etagOf(file),
    'cache-control': `private, max-age=${seconds}, immutable`,
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
    'cross-origin-resource-policy': 'cross-origin',
  })
}
