import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'

/** A key as the gateway keeps it: its hash alone. */
export type StoredKey = { id: string; hash: Buffer }
/** Says whose key a request carries. */
export type Keys = {
  readonly any: boolean
  /** `undefined` when no key came, `'unknown'` when one came that is not ours, else its holder. */
  holder(presented: string | undefined): { id: string } | 'unknown' | undefined
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Keeps keys hashed and compares in constant time: every stored key is looked at, whichever fits. */
export function createKeys(keys: readonly { id: string; key: string }[]): Keys {
  const stored = keys.map(({ id, key }): StoredKey => ({ id, hash: sha256(key) }))
  return {
    any: stored.length > 0,
    holder(presented) {
      if (presented === undefined) return undefined
      const hash = sha256(presented)
      let found: { id: string } | undefined
      for (const key of stored) if (timingSafeEqual(key.hash, hash)) found = { id: key.id }
      return found ?? 'unknown'
    },
  }
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
