import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** How the folder is kept small. */
export const sweepLimits = {
  /** Eviction goes on until so much of the bound is in use, so that it is not due at each file. */
  keptShare: 0.9,
  /** What a crash left half written goes after this. */
  leftoverMs: 3_600_000,
} as const

/** Keeps a folder of expiring files within its bound. */
export type Sweeper = {
  sweep: () => Promise<void>
  /** Counts a file that is about to come, and evicts the oldest when there is no room for it. */
  makeRoom: (bytes: number) => Promise<void>
  /** Sweeps from time to time, without keeping the process alive. */
  start: (onError: (error: unknown) => void) => void
  /** No more sweeps; resolves when the one under way is over. */
  stop: () => Promise<void>
}

type Entry = { name: string; bytes: number; expiresAt: number }

/** Makes a sweeper. The modification time of a file is the time it expires. */
export function createSweeper(options: {
  directory: string
  now: () => number
  isFileId: (name: string) => boolean
  totalBytesMax: number
  sweepMs: number
}): Sweeper {
  const { directory, now, isFileId, totalBytesMax, sweepMs } = options
  let total: number | undefined
  let timer: NodeJS.Timeout | undefined
  let sweeping: Promise<void> | undefined

  const remove = async (name: string) => {
    await rm(join(directory, name), { force: true })
    await rm(join(directory, `${name}.meta`), { force: true })
  }

  /** Deletes what has expired, then the oldest until `reserve` more bytes fit; counts the rest. */
  async function clean(reserve: number): Promise<void> {
    const names = await namesIn(directory)
    const entries = await entriesOf(directory, names.filter(isFileId))
    const kept = entries
      .filter(({ expiresAt }) => expiresAt > now())
      .toSorted((a, b) => a.expiresAt - b.expiresAt)
    const expired = entries.filter(({ expiresAt }) => expiresAt <= now())
    let sum = kept.reduce((bytes, entry) => bytes + entry.bytes, 0)
    const goal =
      sum + reserve > totalBytesMax ? totalBytesMax * sweepLimits.keptShare : sum + reserve
    const evicted: Entry[] = []
    for (const entry of kept) {
      if (sum + reserve <= goal) break
      evicted.push(entry)
      sum -= entry.bytes
    }
    for (const { name } of [...expired, ...evicted]) await remove(name)
    await removeLeftovers(names)
    total = sum
  }

  /** Halves of a file that a crash left behind. */
  async function removeLeftovers(names: string[]): Promise<void> {
    const present = new Set(names)
    const odd = names.filter(
      name =>
        name.startsWith('tmp-') ||
        (name.endsWith('.meta') && !present.has(name.slice(0, -'.meta'.length))),
    )
    for (const { name, expiresAt: modifiedAt } of await entriesOf(directory, odd))
      if (now() - modifiedAt > sweepLimits.leftoverMs)
        await rm(join(directory, name), { force: true })
  }

  return {
    sweep: () => clean(0),
    makeRoom: async bytes => {
      if (total === undefined || total + bytes > totalBytesMax) await clean(bytes)
      total = (total ?? 0) + bytes
    },
    start: onError => {
      timer ??= setInterval(() => {
        sweeping ??= clean(0)
          .catch(onError)
          .finally(() => {
            sweeping = undefined
          })
      }, sweepMs).unref()
    },
    async stop() {
      clearInterval(timer)
      await sweeping
    },
  }
}

const namesIn = (directory: string): Promise<string[]> =>
  readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    return []
  })

async function entriesOf(directory: string, names: string[]): Promise<Entry[]> {
  const entries: Entry[] = []
  for (const name of names) {
    const stats = await stat(join(directory, name)).catch((error: NodeJS.ErrnoException) => {
      // Another replica was faster.
      if (error.code !== 'ENOENT') throw error
    })
    if (stats) entries.push({ name, bytes: stats.size, expiresAt: stats.mtimeMs })
  }
  return entries
}
