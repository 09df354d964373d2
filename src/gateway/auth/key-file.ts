import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type KeyRecord, newerOf, readRecord } from './key-record.ts'

/** Where keys that were made are kept, so that they outlive the process and are known to others. */
export type KeyStore = {
  /** All of them; undefined when nothing has changed since the last look, or nobody answers. */
  read(): Promise<readonly KeyRecord[] | undefined>
  /** Writes what is newer than what is there. Throws where that cannot be done. */
  save: (records: readonly KeyRecord[]) => Promise<void>
}

/** The store that is a file; it also remembers which shared store was seen to hold no keys. */
export type KeyFile = KeyStore & {
  /** True where `note` was called with that place last. */
  isNoted(place: string): Promise<boolean>
  note(place: string): Promise<void>
}

/** How long another writer is waited for, and when its lock is taken for a dead one's. */
const lockLimits = { pollMs: 20, waitMs: 5_000, staleMs: 10_000 } as const

/** Keeps keys in a file that only its owner may read; it is replaced whole, never written in place. */
export function createKeyFile(path: string): KeyFile {
  let seen = ''

  return {
    async read() {
      const mark = await markOf(path)
      if (mark === seen) return undefined
      const { keys } = await readAll(path)
      seen = mark
      return keys
    },
    save: records =>
      withLock(path, async () => {
        const { keys, emptyAt } = await readAll(path)
        const known = new Map(keys.map(record => [record.id, record]))
        for (const record of records) known.set(record.id, newerOf(known.get(record.id), record))
        await replaceFile(path, { keys: [...known.values()], emptyAt })
      }),
    isNoted: async place => (await readAll(path)).emptyAt === place,
    note: place =>
      withLock(path, async () => {
        const { keys, emptyAt } = await readAll(path)
        if (emptyAt !== place) await replaceFile(path, { keys, emptyAt: place })
      }),
  }
}

/** What the file holds. */
type Held = { keys: KeyRecord[]; emptyAt: string | undefined }

/** What a file's change is known by; a file that is replaced has another inode. */
async function markOf(path: string): Promise<string> {
  try {
    const { ino, mtimeMs, size } = await stat(path)
    return `${ino} ${mtimeMs} ${size}`
  } catch (error) {
    if (isMissing(error)) return 'none'
    throw error
  }
}

async function readAll(path: string): Promise<Held> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (isMissing(error)) return { keys: [], emptyAt: undefined }
    throw error
  }
  let held: { keys?: unknown; emptyAt?: unknown } | null
  try {
    held = JSON.parse(text) as typeof held
  } catch (cause) {
    throw new Error(`${path}: is not JSON`, { cause })
  }
  const { keys, emptyAt } = held ?? {}
  if (!Array.isArray(keys)) throw new Error(`${path}: holds no keys`)
  const records = keys.map((key, index) => {
    const record = readRecord(key)
    if (!record) throw new Error(`${path}: keys.${index} is no key`)
    return record
  })
  return { keys: records, emptyAt: typeof emptyAt === 'string' ? emptyAt : undefined }
}

async function replaceFile(path: string, held: Held): Promise<void> {
  const next = `${path}.${randomUUID()}`
  const file = await open(next, 'wx', 0o600)
  try {
    await file.writeFile(`${JSON.stringify({ version: 1, ...held }, null, 1)}\n`)
    await file.sync()
    await file.close()
    await rename(next, path)
  } catch (error) {
    await file.close()
    await rm(next, { force: true })
    throw error
  }
}

/** One writer at a time, over processes; a lock that a dead one left behind is broken. */
async function withLock(path: string, work: () => Promise<void>): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const lock = `${path}.lock`
  const endsAt = performance.now() + lockLimits.waitMs
  for (;;) {
    try {
      await (await open(lock, 'wx', 0o600)).close()
      break
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      if (performance.now() > endsAt) throw new Error(`${lock}: is held by another process`)
      const { mtimeMs } = await stat(lock).catch(() => ({ mtimeMs: Infinity }))
      if (Date.now() - mtimeMs > lockLimits.staleMs) await rm(lock, { force: true })
      else await delay(lockLimits.pollMs)
    }
  }
  try {
    await work()
  } finally {
    await rm(lock, { force: true })
  }
}

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT'
