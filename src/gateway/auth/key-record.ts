import { randomBytes } from 'node:crypto'
import Type, { type Static } from 'typebox'
import { Compile } from 'typebox/schema'
import { allowanceSchema, keyIdSchema, scopesSchema } from '../../config.ts'

/** Bounds of what is kept of keys. */
export const keyLimits = {
  keysMax: 100_000,
  /** A longer text is no key, and is not hashed to find out. */
  keyCharactersMax: 8_192,
  /** A running gateway knows of a new or revoked key after so long at the latest, milliseconds. */
  refreshMs: 2_000,
  /** A key that has expired is remembered so long, to say why it is refused, milliseconds. */
  rememberedMs: 30 * 86_400_000,
  /** After a rotation the old key may go on for so long at most, milliseconds. */
  graceMsMax: 30 * 86_400_000,
} as const

const hash = Type.String({ pattern: '^[0-9a-f]{64}$' })
const instant = Type.Integer({ minimum: 0 })

/** A key as it is kept: never the key itself. Times are milliseconds since the epoch. */
const Record = Type.Object({
  id: keyIdSchema,
  /** SHA-256 of the key, hex. */
  hash,
  /** What the key was before it was rotated, and until when that is still taken. */
  previous: Type.Optional(Type.Object({ hash, until: instant })),
  name: Type.Optional(Type.String({ maxLength: 200 })),
  scopes: scopesSchema,
  limits: Type.Optional(allowanceSchema),
  expiresAt: Type.Optional(instant),
  createdAt: instant,
  /** Of two records of one key the one that was changed later holds. */
  changedAt: instant,
  revokedAt: Type.Optional(instant),
})
/** A key as it is kept: never the key itself. */
export type KeyRecord = Static<typeof Record>

const check = Compile(Record)

/** A record from outside, or undefined when it is none. */
export const readRecord = (value: unknown): KeyRecord | undefined =>
  check.Check(value) ? (value as KeyRecord) : undefined

/** A new key: 256 random bits, and a prefix by which scanners of leaked secrets know it. */
export const newKey = (): string => `tg_${randomBytes(32).toString('base64url')}`

/** A new id, for those who state none. */
export const newKeyId = (): string => `k${randomBytes(6).toString('hex')}`

/** A record as an operator sees it. */
export type KeyView = Omit<KeyRecord, 'hash' | 'previous' | 'changedAt'> & {
  state: 'active' | 'expired' | 'revoked'
}

/** When a record ended or will end; infinite when it will not. */
export const endOf = ({ expiresAt, revokedAt }: KeyRecord): number =>
  Math.min(expiresAt ?? Infinity, revokedAt ?? Infinity)

/** Shows a record without what the key could be guessed by. */
export function viewOf(record: KeyRecord, now: number): KeyView {
  const { hash: _hash, previous: _previous, changedAt: _changedAt, ...shown } = record
  const { expiresAt = Infinity, revokedAt } = record
  return {
    ...shown,
    state: revokedAt !== undefined ? 'revoked' : expiresAt <= now ? 'expired' : 'active',
  }
}

/** The newer of two records of one key; where both are as old, the one that says that it ended. */
export const newerOf = (a: KeyRecord | undefined, b: KeyRecord): KeyRecord =>
  a && (a.changedAt > b.changedAt || (a.changedAt === b.changedAt && endOf(a) <= endOf(b))) ? a : b
