import { hash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { ConfiguredKey, Scopes } from '../../config.ts'
import { fail, type ToolError } from '../../registry/errors.ts'
import { type ToolScope, toolScope } from '../../registry/narrow.ts'
import { globOf } from '../../registry/select.ts'
import { type Allowed, parseAllowance } from '../limits/amount.ts'
import { endOf, keyLimits, type KeyRecord, newerOf } from './key-record.ts'

/** Who a key was given to, and what it opens. */
export type Holder = {
  id: string
  admin: boolean
  /** The tools it sees; absent = all. */
  scope?: ToolScope
  /** True for a model that it may use; absent = all. */
  models?: (model: string) => boolean
  /** The faces that it may use, by name or pattern; absent = all. */
  faces?: { has(face: string): boolean; names: readonly string[] }
  limits?: Allowed
}

/** The keys of a gateway, in memory: those of the configuration, and those that were made since. */
export type KeyRing = {
  /** True where there is a key, so that one is wanted. Once so, it stays so. */
  readonly any: boolean
  /** True while no key is known and there may be some, in a store that was never read: nobody comes in. */
  readonly isAwaited: boolean
  /** Says that what may hold keys was read. */
  settle(): void
  /**
   * Whose key that is; the error says why it is refused. Undefined when none came. A `connection` that
   * brings again what it brought before is known by it.
   */
  find(presented: string | undefined, connection?: object): Holder | ToolError | undefined
  /** Puts the configured keys in the place of those before. */
  configure(keys: readonly ConfiguredKey[]): void
  /** Takes over what is newer than what is known; true when something was. */
  merge(records: readonly KeyRecord[]): boolean
  /** The keys that were made, with those that have ended. */
  made(): readonly KeyRecord[]
  isConfigured: (id: string) => boolean
}

type Entry = { digest: Buffer; holder: Holder; endsAt: number; revoked: boolean }
/** A key that a connection brought, and what it was found to be. */
type Brought = { bytes: Uint8Array; entry: Entry }

/** SHA-256 in hex, by which a key is kept and found. */
export const digestOf = (key: string | Uint8Array): string => hash('sha256', key)

/** What a key with such scopes may do. */
export function holderOf(id: string, scopes: Scopes, limits?: Allowed): Holder {
  const { tools, tags, models, faces, admin = false } = scopes
  const scope = toolScope({ ...(tools ? { tools } : {}), ...(tags ? { tags } : {}) })
  return {
    id,
    admin,
    ...(scope ? { scope } : {}),
    ...(models ? { models: anyOf(models) } : {}),
    ...(faces ? { faces: { has: anyOf(faces), names: faces } } : {}),
    ...(limits ? { limits } : {}),
  }
}

function anyOf(patterns: readonly string[]): (text: string) => boolean {
  const globs = patterns.map(globOf)
  return text => globs.some(fits => fits(text))
}

/**
 * Makes the ring. A key is found by its digest, so that ten thousand are as quick as one, and its
 * digest is compared in constant time. Throws an Error that names a configured key that is none.
 */
export function createKeyRing(
  configured: readonly ConfiguredKey[],
  options: { now?: () => number; isAlwaysKeyed?: boolean; isAwaited?: boolean } = {},
): KeyRing {
  const { now = Date.now } = options
  const made = new Map<string, KeyRecord>()
  let own = new Map<string, ConfiguredKey>()
  let entries = new Map<string, Entry>()
  /** What each connection brought last: nearly always it brings that again, and hashing costs more. */
  let brought = new WeakMap<object, Brought>()
  let any = options.isAlwaysKeyed ?? false
  let isAwaited = options.isAwaited ?? false

  function index(): void {
    const next = new Map<string, Entry>()
    for (const record of made.values()) if (!own.has(record.id)) addRecord(next, record)
    for (const key of own.values()) addConfigured(next, key)
    entries = next
    brought = new WeakMap()
    any ||= entries.size > 0
  }

  function addRecord(into: Map<string, Entry>, record: KeyRecord): void {
    const { id, previous, revokedAt, scopes, limits } = record
    const holder = holderOf(id, scopes, limits && parseAllowance(limits, `the key ${id}`))
    const revoked = revokedAt !== undefined
    const add = (hex: string, endsAt: number): void => {
      into.set(hex, { digest: Buffer.from(hex, 'hex'), holder, endsAt, revoked })
    }
    if (previous) add(previous.hash, Math.min(previous.until, endOf(record)))
    add(record.hash, endOf(record))
  }

  function configure(keys: readonly ConfiguredKey[]): void {
    own = new Map(keys.map(key => [key.id, key]))
    index()
  }
  configure(configured)

  function entryOf(bytes: Uint8Array, connection: object | undefined): Entry | undefined {
    const last = connection && brought.get(connection)
    if (last && isSame(last.bytes, bytes)) return last.entry
    const hex = digestOf(bytes)
    const entry = entries.get(hex)
    if (!entry || !isSame(entry.digest, Buffer.from(hex, 'hex'))) return undefined
    // A copy, for those bytes are part of a larger piece.
    if (connection) brought.set(connection, { bytes: new Uint8Array(bytes), entry })
    return entry
  }

  return {
    get any() {
      return any
    },
    get isAwaited() {
      return isAwaited && !any
    },
    settle() {
      isAwaited = false
    },
    find(presented, connection) {
      if (presented === undefined) return undefined
      if (presented.length > keyLimits.keyCharactersMax) return fail('TG_KEY_WRONG')
      const entry = entryOf(Buffer.from(presented), connection)
      if (!entry) return fail('TG_KEY_WRONG')
      if (entry.endsAt <= now())
        return fail('TG_KEY_EXPIRED', entry.revoked ? 'revoked' : 'expired')
      return entry.holder
    },
    configure,
    merge(records) {
      let changed = false
      for (const record of records) {
        const known = made.get(record.id)
        if (newerOf(known, record) === known) continue
        // One that was revoked is remembered for good: elsewhere it may still be taken for a good one.
        const isGone = (record.expiresAt ?? Infinity) + keyLimits.rememberedMs < now()
        if (!known && (isGone || made.size >= keyLimits.keysMax)) continue
        made.set(record.id, record)
        changed = true
      }
      if (changed) index()
      return changed
    },
    made: () => [...made.values()],
    isConfigured: id => own.has(id),
  }
}

/** Takes as long wherever they differ. */
const isSame = (known: Uint8Array, bytes: Uint8Array): boolean =>
  known.length === bytes.length && timingSafeEqual(known, bytes)

/** A key of the configuration that states no scopes may do everything, as before there were scopes. */
function addConfigured(into: Map<string, Entry>, key: ConfiguredKey): void {
  const { id, expiresAt, scopes = { admin: true }, limits } = key
  const hex = key.hash ?? digestOf(key.key ?? '')
  const endsAt = expiresAt === undefined ? Infinity : Date.parse(expiresAt)
  const holder = holderOf(id, scopes, limits && parseAllowance(limits, `the key ${id}`))
  into.set(hex, { digest: Buffer.from(hex, 'hex'), holder, endsAt, revoked: false })
}

/**
 * The key of a request: `Authorization: Bearer`, `X-API-Key`, Basic with the key as password, or
 * `?key=` where that is switched on.
 */
export function presentedKey(
  request: Pick<FastifyRequest, 'headers' | 'query'>,
  keyInQuery: boolean,
): string | undefined {
  const named = fromAuthorization(request.headers.authorization ?? '')
  if (named) return named
  const header = request.headers['x-api-key']
  if (typeof header === 'string' && header) return header
  const query = (request.query as Record<string, unknown> | undefined)?.['key']
  return keyInQuery && typeof query === 'string' && query ? query : undefined
}

function fromAuthorization(header: string): string | undefined {
  // Nearly all of them.
  if (header.startsWith('Bearer ')) return header.slice(7).trim()
  const [scheme = '', credentials = ''] = header.trim().split(/\s+(.*)/)
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return credentials
    case 'basic':
      return Buffer.from(credentials, 'base64').toString().split(/:(.*)/s)[1]
    default:
      return undefined
  }
}
