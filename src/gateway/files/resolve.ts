import { fail } from '../../registry/errors.ts'
import type { ResolveFile } from '../../registry/call.ts'
import type { FileKind } from '../../registry/tool.ts'
import { download, downloadLimits } from '../http/download.ts'
import type { Guard } from '../http/guard.ts'
import { decodeBase64, parseDataUrl } from './data-url.ts'
import { fitsKind, kindWords, signatureOfBytes } from './media-type.ts'
import { type FileStore, isFileId, type StoredFile, tooLarge } from './store.ts'

/** Bounds of what a string may stand for. */
export const resolveLimits = {
  ...downloadLimits,
  fileBytesMax: 32 * 1_048_576,
  /** Shorter strings of base64 letters are words. */
  base64CharactersMin: 64,
} as const

type File = Parameters<ResolveFile>[0]

/**
 * Makes the function that turns a string of a caller into a stored file: an https URL (through the
 * guard), a `data:` URL, the id of a stored file, a `/files/…` URL, or bare base64 of a file whose
 * type its bytes tell. Throws TG_URL_REFUSED, TG_NOT_FOUND, TG_MEDIA_TYPE, TG_TOO_LARGE,
 * TG_FILE_BROKEN, TG_ARGUMENT_INVALID, TG_UPSTREAM_* and TG_DEADLINE.
 */
export function createFileResolver(options: {
  store: FileStore
  /** Of the callers' flavour. */
  guard: Pick<Guard, 'check' | 'dispatcher'>
  ttlMs: number
  now?: () => number
  /** Under which we serve files ourselves. */
  ownOrigins?: readonly string[]
  userAgent?: string
  limits?: Partial<Record<keyof typeof resolveLimits, number>>
}): ResolveFile {
  const { store, guard, ttlMs, now = Date.now, ownOrigins = [], userAgent } = options
  const limits = { ...resolveLimits, ...options.limits }

  async function fetched(value: string, signal: AbortSignal): Promise<StoredFile> {
    const how = { guard, signal, limits, ...(userAgent ? { userAgent } : {}) }
    return download(value, how, ({ stream, name, mediaType, bytes = 0 }) => {
      if (bytes > limits.fileBytesMax) throw tooLarge(name, limits.fileBytesMax)
      return store.put({ stream, name, ...(mediaType ? { mediaType } : {}) })
    })
  }

  /** A stored file by its id, which lives on while it is used. */
  async function stored(id: string): Promise<StoredFile | undefined> {
    const file = await store.find(id)
    if (file) await store.touch(id, now() + ttlMs)
    return file
  }

  async function inData(file: File): Promise<StoredFile> {
    const data = parseDataUrl(file.value)
    if (typeof data === 'string') throw invalid(file, data)
    return store.put({ name: '', ...data })
  }

  async function inBase64(file: File): Promise<StoredFile> {
    const bytes =
      file.value.length >= limits.base64CharactersMin ? decodeBase64(file.value) : undefined
    if (!bytes || !(await signatureOfBytes(bytes)))
      throw invalid(file, 'is neither a URL, a data: URL nor the id of a stored file')
    return store.put({ bytes, name: '' })
  }

  async function find(file: File, signal: AbortSignal): Promise<StoredFile> {
    const { value } = file
    if (isFileId(value)) return (await stored(value)) ?? store.get(value)
    if (/^data:/i.test(value)) return inData(file)
    const own = ownFile(value, ownOrigins)
    // Ids are hashes: whichever gateway's address stands before one, the bytes are the same.
    const known = own && (await stored(own.id))
    if (known) return known
    if (own?.isOurs) return store.get(own.id)
    if (/^[a-z][a-z0-9+.-]*:/i.test(value)) return fetched(value, signal)
    return inBase64(file)
  }

  return async (file, { signal }) => {
    const found = await find({ ...file, value: file.value.trim() }, signal)
    if (!fitsKind(file.kind, found.mediaType)) throw wrongKind(file.kind, found)
    const { id, name, mediaType, bytes, sha256 } = found
    return { id, name, mediaType, bytes, sha256 }
  }
}

const invalid = ({ tool, argument }: File, problem: string) =>
  fail('TG_ARGUMENT_INVALID', tool, argument, problem)

const wrongKind = (kind: FileKind, { mediaType }: StoredFile) =>
  fail('TG_MEDIA_TYPE', mediaType, kindWords[kind])

/** The id in a `/files/…` URL or path. */
function ownFile(value: string, ownOrigins: readonly string[]) {
  const isPath = value.startsWith('/')
  const url = URL.parse(value, 'http://own.invalid')
  const id = url && /^\/files\/([^/]+)$/.exec(url.pathname)?.[1]
  if (!id || !isFileId(id)) return undefined
  return { id, isOurs: isPath || ownOrigins.includes(url.origin) }
}
