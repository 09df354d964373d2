import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import Type from 'typebox'
import { Compile } from 'typebox/schema'
import { fail, failFrom, isToolError } from '../../registry/errors.ts'
import type { FileRef } from '../../registry/tool.ts'
import { sniff, sniffLimits } from './media-type.ts'
import { createSweeper } from './sweep.ts'

const mebibyte = 1_048_576

/** What the store is bounded by. */
export const storeLimits = {
  fileBytesMax: 32 * mebibyte,
  totalBytesMax: 2_048 * mebibyte,
  nameCharactersMax: 200,
  sweepMs: 300_000,
} as const

/** A file in the store, and when it goes. */
export type StoredFile = FileRef & { readonly expiresAt: number }
/** A file to be stored: its bytes at once or as they come; its type is told by them. */
export type FileSource = { name: string; mediaType?: string } & (
  { bytes: Uint8Array } | { stream: AsyncIterable<Uint8Array> }
)
/** Bytes from `start` to `end`, both included. */
export type ByteRange = { start: number; end: number }

/** Files by the hash of their bytes, in a folder that replicas may share. */
export type FileStore = {
  /** Stores, or finds what is stored already. Throws TG_TOO_LARGE, and TG_FILE_BROKEN when empty. */
  put: (source: FileSource) => Promise<StoredFile>
  /** The file, or undefined when there is none or it has expired. */
  find: (id: string) => Promise<StoredFile | undefined>
  /** As find; throws TG_NOT_FOUND. */
  get: (id: string) => Promise<StoredFile>
  /** All bytes; throws TG_NOT_FOUND. */
  read: (id: string) => Promise<Uint8Array>
  /** The bytes as a stream, which a later deletion does not break. Throws TG_NOT_FOUND. */
  stream: (id: string, range?: ByteRange) => Promise<Readable>
  /** Keeps the file until then, if that is later than planned; false when there is no such file. */
  touch: (id: string, until: number) => Promise<boolean>
  /** Deletes what has expired, and the oldest beyond the bound. */
  sweep: () => Promise<void>
  /** Sweeps from time to time, without keeping the process alive. */
  start: (onError: (error: unknown) => void) => void
  /** Takes no more files; resolves when nothing is done in the folder any more. */
  close: () => Promise<void>
}

const idPattern = /^[0-9a-f]{32}\.[a-z0-9]{1,10}$/
/** True for what may be an id; anything else never reaches the file system. */
export const isFileId = (value: string): boolean => idPattern.test(value)

const Meta = Type.Object({
  name: Type.String(),
  mediaType: Type.String(),
  bytes: Type.Integer(),
  sha256: Type.String(),
})
const meta = Compile(Meta)

/**
 * Makes a store. A file's bytes lie under its id, what is known of it beside them, and its
 * modification time is the time it expires: one system call extends it, for all replicas.
 */
export function createFileStore(options: {
  directory: string
  ttlMs: number
  now?: () => number
  limits?: Partial<Record<keyof typeof storeLimits, number>>
}): FileStore {
  const { directory, ttlMs, now = Date.now } = options
  const limits = { ...storeLimits, ...options.limits }
  const sweeper = createSweeper({ directory, now, isFileId, ...limits })
  const pathOf = (id: string) => join(directory, id)
  const metaPathOf = (id: string) => join(directory, `${id}.meta`)
  /** A call whose caller has left goes on storing. */
  const underWay = new Set<Promise<StoredFile>>()
  let isClosed = false

  async function put(source: FileSource): Promise<StoredFile> {
    if (isClosed) throw fail('TG_STOPPING')
    const stored = keep(source)
    underWay.add(stored)
    return stored.finally(() => underWay.delete(stored))
  }

  async function keep(source: FileSource): Promise<StoredFile> {
    const temporary = join(directory, `tmp-${randomUUID()}`)
    await mkdir(directory, { recursive: true }).catch((cause: unknown) => {
      throw storageError(cause)
    })
    try {
      const { bytes, sha256, head } = await receive(source, temporary, limits.fileBytesMax)
      if (bytes === 0) throw fail('TG_FILE_BROKEN', source.name || 'upload', 'it is empty')
      const { mediaType, extension } = await sniff(temporary, head, source.mediaType)
      const id = `${sha256.slice(0, 32)}.${extension}`
      const name = cleanName(source.name, limits.nameCharactersMax) || id
      const expiresAt = now() + ttlMs
      if (await touch(id, expiresAt)) return { ...(await get(id)), name }
      await sweeper.makeRoom(bytes)
      const known = { name, mediaType, bytes, sha256 }
      await writeMeta(id, known)
      await utimes(temporary, new Date(now()), new Date(expiresAt))
      await rename(temporary, pathOf(id))
      return { id, ...known, expiresAt }
    } catch (cause) {
      throw storageError(cause)
    } finally {
      await rm(temporary, { force: true })
    }
  }

  /** Before the bytes, so that a file that is there is whole. */
  async function writeMeta(id: string, known: object): Promise<void> {
    const temporary = join(directory, `tmp-${randomUUID()}`)
    try {
      await writeFile(temporary, JSON.stringify(known))
      await rename(temporary, metaPathOf(id))
    } finally {
      await rm(temporary, { force: true })
    }
  }

  async function find(id: string): Promise<StoredFile | undefined> {
    if (!isFileId(id)) return undefined
    const [stats, json] = await Promise.all([
      stat(pathOf(id)).catch(unlessMissing),
      readFile(metaPathOf(id), 'utf8').catch(unlessMissing),
    ])
    if (!stats || !json || stats.mtimeMs <= now()) return undefined
    const known: unknown = JSON.parse(json)
    return meta.Check(known) ? { id, ...known, expiresAt: Math.round(stats.mtimeMs) } : undefined
  }

  async function get(id: string): Promise<StoredFile> {
    const file = await find(id)
    if (!file) throw notFound(id)
    return file
  }

  async function stream(id: string, range?: ByteRange): Promise<Readable> {
    await get(id)
    const handle = await open(pathOf(id)).catch(unlessMissing)
    if (!handle) throw notFound(id)
    return handle.createReadStream(range)
  }

  async function touch(id: string, until: number): Promise<boolean> {
    const file = await find(id)
    if (!file) return false
    if (until <= file.expiresAt) return true
    const done = await utimes(pathOf(id), new Date(now()), new Date(until)).then(
      () => true,
      unlessMissing,
    )
    return done === true
  }

  return {
    put,
    find,
    get,
    stream,
    touch,
    read: async id => {
      await get(id)
      const bytes = await readFile(pathOf(id)).catch(unlessMissing)
      if (!bytes) throw notFound(id)
      return bytes
    },
    sweep: sweeper.sweep,
    start: sweeper.start,
    async close() {
      isClosed = true
      await Promise.allSettled([...underWay, sweeper.stop()])
    },
  }
}

const notFound = (id: string) =>
  fail('TG_NOT_FOUND', 'file', id, 'it may have expired: POST it to /files again')

/** Writes what comes to a file, counting and hashing; throws TG_TOO_LARGE as soon as it is known. */
async function receive(source: FileSource, path: string, bytesMax: number) {
  const hash = createHash('sha256')
  const head: Uint8Array[] = []
  let bytes = 0
  const input = 'bytes' in source ? [source.bytes] : source.stream
  // Opened before anything can fail: a stream that opens by itself may make the file after it was removed.
  const file = await open(path, 'wx')
  await pipeline(
    Readable.from(input, { objectMode: false }),
    async function* (chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) {
        if (bytes < sniffLimits.headBytes) head.push(chunk.subarray(0, sniffLimits.headBytes))
        bytes += chunk.length
        if (bytes > bytesMax) throw tooLarge(source.name, bytesMax)
        hash.update(chunk)
        yield chunk
      }
    },
    file.createWriteStream(),
  )
  return {
    bytes,
    sha256: hash.digest('hex'),
    head: Buffer.concat(head).subarray(0, sniffLimits.headBytes),
  }
}

/** The error for a file over the bound. */
export const tooLarge = (name: string, bytesMax: number) =>
  fail(
    'TG_TOO_LARGE',
    `the file ${JSON.stringify((name || 'upload').slice(0, 80))}`,
    bytesMax % mebibyte === 0 ? `${bytesMax / mebibyte} MiB` : `${bytesMax} bytes`,
  )

/** The last part of a name, without what could harm a header or a screen. */
const cleanName = (name: string, charactersMax: number): string =>
  (name.split(/[/\\]/).at(-1) ?? '')
    .replace(/[\p{Cc}\p{Cf}]/gu, '')
    .trim()
    .slice(0, charactersMax)

const unusable = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'EEXIST', 'ENOTDIR'])

function storageError(cause: unknown): unknown {
  const { code } = cause as NodeJS.ErrnoException
  if (isToolError(cause) || !code || !unusable.has(code)) return cause
  return failFrom(cause, 'TG_UNAVAILABLE', 'the file store', code, 'give it room it may write to')
}

/** A file that is not there, or no longer, is an answer; anything else is an error. */
export const unlessMissing = (error: NodeJS.ErrnoException): undefined => {
  if (error.code !== 'ENOENT') throw error
  return undefined
}
