import type { Allowance, Scopes } from '../../config.ts'
import { fail } from '../../registry/errors.ts'
import type { KeyStore } from './key-file.ts'
import { keyLimits, type KeyRecord, type KeyView, newKey, newKeyId, viewOf } from './key-record.ts'
import { digestOf } from './keys.ts'

/** What a new key is to be. */
export type KeyWish = {
  id?: string
  name?: string
  scopes?: Scopes
  limits?: Allowance
  /** Milliseconds since the epoch. */
  expiresAt?: number
}
/** A key, shown this once, and what is kept of it. */
export type Issued = { key: string; record: KeyView }

/** Where keys are made and ended: behind the command, and behind the admin routes. */
export type KeyDesk = {
  create(wish: KeyWish): Promise<Issued>
  list(): Promise<KeyView[]>
  /** Ends a key now. */
  revoke(id: string): Promise<KeyView>
  /** A new key for the same holder; the old one goes on for `graceMs`. */
  rotate(id: string, graceMs?: number): Promise<Issued>
}

/** Makes the desk. `records` are the keys that there are; `save` keeps and makes known. */
export function createKeyDesk(options: {
  records: () => Promise<readonly KeyRecord[]>
  save: KeyStore['save']
  isTaken?: (id: string) => boolean
  now?: () => number
}): KeyDesk {
  const { save, isTaken = () => false, now = Date.now } = options

  async function change(id: string, edit: (record: KeyRecord) => KeyRecord): Promise<KeyRecord> {
    const records = await options.records()
    const named = records.filter(({ name }) => name === id)
    const record = records.find(one => one.id === id) ?? (named.length === 1 ? named[0] : undefined)
    if (!record && isTaken(id))
      throw fail('TG_FORBIDDEN', `the key "${id}" is stated in the configuration: change it there`)
    if (!record) throw fail('TG_NOT_FOUND', 'key', id, 'GET /keys lists them')
    const changed = { ...edit(record), changedAt: Math.max(now(), record.changedAt + 1) }
    await save([changed])
    return changed
  }

  return {
    async create({ id = newKeyId(), scopes = {}, ...wish }) {
      const records = await options.records()
      if (isTaken(id) || records.some(record => record.id === id))
        throw fail(
          'TG_REFUSED',
          `there is a key "${id}" already`,
          'rotate it, or choose another id',
        )
      if (records.length >= keyLimits.keysMax)
        throw fail('TG_REFUSED', `there are ${keyLimits.keysMax} keys already`)
      if (wish.expiresAt !== undefined && wish.expiresAt <= now())
        throw fail('TG_REFUSED', 'a key cannot expire before it is made')
      const key = newKey()
      const at = now()
      const record = { id, hash: digestOf(key), scopes, ...wish, createdAt: at, changedAt: at }
      await save([record])
      return { key, record: viewOf(record, at) }
    },
    list: async () =>
      (await options.records())
        .map(record => viewOf(record, now()))
        .toSorted((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1)),
    async revoke(id) {
      const at = now()
      const record = await change(id, record => ({ ...record, revokedAt: record.revokedAt ?? at }))
      return viewOf(record, at)
    },
    async rotate(id, graceMs = 0) {
      const key = newKey()
      const until = now() + Math.min(graceMs, keyLimits.graceMsMax)
      const record = await change(id, record => {
        if (record.revokedAt !== undefined)
          throw fail('TG_REFUSED', `the key "${id}" was revoked`, 'create another')
        const { previous: _previous, ...rest } = record
        const hash = digestOf(key)
        return graceMs > 0
          ? { ...rest, hash, previous: { hash: record.hash, until } }
          : { ...rest, hash }
      })
      return { key, record: viewOf(record, now()) }
    },
  }
}
