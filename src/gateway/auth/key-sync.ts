import type { ToolLog } from '../../registry/tool.ts'
import type { KeyStore } from './key-file.ts'
import { keyLimits, type KeyRecord, newerOf } from './key-record.ts'
import type { KeyRing } from './keys.ts'

/** Keeps the ring and its stores of one mind. */
export type KeySync = {
  /** Looks into each store now, and tells each what it does not know. Never throws. */
  sync(): Promise<void>
  /** Takes over new records here and now, and tells the stores; throws where none can keep them. */
  keep(records: readonly KeyRecord[]): Promise<void>
  /** No more looks; resolves when the one under way has written what it writes. */
  close(): Promise<void>
}

/**
 * Looks into the stores every `refreshMs`. A store that has lost keys, as a Redis that was emptied,
 * is told them again; so with a file beside Redis the keys outlive either.
 */
export function createKeySync(options: {
  ring: KeyRing
  stores: readonly KeyStore[]
  log: ToolLog
  refreshMs?: number
  /** Told each time when a store was read and the ring has what was in it; waited for. */
  onRead?: (store: KeyStore) => Promise<void> | void
}): KeySync {
  const { ring, stores, log, refreshMs = keyLimits.refreshMs } = options
  const failing = new Set<KeyStore>()
  /** Those that missed a change, and are told all when they are back. */
  const behind = new Set<KeyStore>()
  let running: Promise<void> | undefined

  async function look(store: KeyStore): Promise<void> {
    if (behind.has(store)) await store.save(ring.made())
    behind.delete(store)
    const records = await store.read()
    if (!records) return
    if (ring.merge(records)) for (const other of stores) if (other !== store) behind.add(other)
    await options.onRead?.(store)
    const known = new Map(records.map(record => [record.id, record]))
    const missing = ring.made().filter(record => {
      const there = known.get(record.id)
      return there?.changedAt !== record.changedAt && newerOf(there, record) === record
    })
    if (missing.length > 0) await store.save(missing)
  }

  async function lookAtAll(): Promise<void> {
    // The second round tells the first store what the last one knew.
    for (const store of [...stores, ...stores])
      try {
        await look(store)
        failing.delete(store)
      } catch (err) {
        if (!failing.has(store)) log.warn({ err }, 'keys cannot be read or kept')
        failing.add(store)
      }
  }

  async function keep(records: readonly KeyRecord[]): Promise<void> {
    const told = await Promise.allSettled(stores.map(store => store.save(records)))
    const failed = told.flatMap(one => (one.status === 'rejected' ? [one.reason as Error] : []))
    if (failed[0] && failed.length === stores.length) throw failed[0]
    for (const [index, { status }] of told.entries())
      if (status === 'rejected' && stores[index]) behind.add(stores[index])
    ring.merge(records)
  }

  const sync = (): Promise<void> =>
    (running ??= lookAtAll().finally(() => {
      running = undefined
    }))
  const timer = setInterval(() => void sync(), refreshMs).unref()
  async function close(): Promise<void> {
    clearInterval(timer)
    await running
  }
  return { sync, keep, close }
}
