import { fetch } from 'undici'
import { LRUCache } from 'lru-cache'
import type { Config, Scopes } from '../../config.ts'
import { failFrom, type ToolError } from '../../registry/errors.ts'
import { createGuard } from '../http/guard.ts'
import { parseAllowance } from '../limits/amount.ts'
import { digestOf, type Holder, holderOf } from './keys.ts'

/** Bounds of what tokens cost. */
export const tokenLimits = {
  /** Tokens that were found good are remembered, so that each is verified once. */
  rememberedMax: 10_000,
  rememberedMs: 60_000,
  /** The issuer's keys are asked for again after so long, and for an unknown one no more often than that. */
  keysMs: 600_000,
  keysRestMs: 30_000,
  fetchMs: 5_000,
  keysBytesMax: 1_048_576,
  /** A longer subject is shortened where it names a caller. */
  subjectCharactersMax: 120,
} as const

/** Tokens of an issuer, in place of keys. */
export type Tokens = {
  /** True for what looks like a token; it is then no key. */
  looksLike(presented: string): boolean
  /** Whose token that is, or why it is refused. Never throws. */
  holder(presented: string): Promise<Holder | ToolError>
}

type Issuer = NonNullable<Config['jwt']>
type Remembered = { holder: Holder; endsAt: number }

/** Makes it for one issuer, whose keys come by its JWKS; jose does all that is cryptography. */
export function createTokens(issuer: Issuer, options: { now?: () => number } = {}): Tokens {
  const { now = Date.now } = options
  const known = new LRUCache<string, Remembered>({ max: tokenLimits.rememberedMax })
  const limits = issuer.limits && parseAllowance(issuer.limits, 'jwt.limits')
  const url = new URL(issuer.jwksUrl)
  const guard = createGuard({ allowedHosts: [], allowedOrigins: [url.origin] })
  const loaded = import('jose').then(jose => ({
    jose,
    keys: jose.createRemoteJWKSet(url, {
      cacheMaxAge: tokenLimits.keysMs,
      cooldownDuration: tokenLimits.keysRestMs,
      timeoutDuration: tokenLimits.fetchMs,
      [jose.customFetch]: (target, { signal }) => fetchKeys(target, signal),
    }),
  }))

  async function fetchKeys(target: string, signal: AbortSignal): Promise<Response> {
    const answer = await fetch(target, { dispatcher: guard.dispatcher, signal, redirect: 'error' })
    let text = ''
    for await (const chunk of answer.body ?? []) {
      text += Buffer.from(chunk as Uint8Array).toString()
      if (text.length > tokenLimits.keysBytesMax) throw new Error('the keys have no end')
    }
    return new Response(text, { status: answer.status })
  }

  async function verify(presented: string): Promise<Remembered> {
    const { jose, keys } = await loaded
    const { payload } = await jose.jwtVerify(presented, keys, {
      issuer: issuer.issuer,
      audience: issuer.audience,
      algorithms: [...issuer.algorithms],
      clockTolerance: issuer.leewayMs / 1_000,
      currentDate: new Date(now()),
      requiredClaims: ['exp', 'sub'],
    })
    const scopes = scopesOf(payload[issuer.scopeClaim], issuer.scopes ?? {})
    const endsAt = Number(payload.exp) * 1_000 + issuer.leewayMs
    return { holder: holderOf(idOf(String(payload.sub)), scopes, limits), endsAt }
  }

  return {
    looksLike: presented => /^eyJ[\w-]+\.[\w-]*\.[\w-]*$/.test(presented),
    async holder(presented) {
      const digest = digestOf(presented)
      const before = known.get(digest)
      if (before && before.endsAt > now()) return before.holder
      try {
        const found = await verify(presented)
        const ttl = Math.min(found.endsAt - now(), tokenLimits.rememberedMs)
        if (ttl > 0) known.set(digest, found, { ttl })
        return found.holder
      } catch (error) {
        return refusalOf(error, url.host)
      }
    },
  }
}

/** Names a subject; long ones that begin alike are told apart by what they hash to. */
const idOf = (subject: string): string =>
  subject.length <= tokenLimits.subjectCharactersMax
    ? `jwt:${subject}`
    : `jwt:${subject.slice(0, tokenLimits.subjectCharactersMax / 2)}…${digestOf(subject)}`

/** `scope` of a token, words or a list: `tool:weather_*`, `tag:maps`, `model:…`, `face:mcp`, `admin`. */
export function scopesOf(claim: unknown, base: Scopes): Scopes {
  const words = typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : []
  const named = (kind: string): string[] =>
    words.flatMap((word: unknown) =>
      typeof word === 'string' && word.startsWith(`${kind}:`) ? [word.slice(kind.length + 1)] : [],
    )
  const found = (
    [
      ['tools', 'tool'],
      ['tags', 'tag'],
      ['models', 'model'],
      ['faces', 'face'],
    ] as const
  ).map(([member, kind]) => [member, named(kind)] as const)
  return {
    ...base,
    ...Object.fromEntries(found.filter(([, patterns]) => patterns.length > 0)),
    ...(words.includes('admin') ? { admin: true } : {}),
  }
}

const reasons: Record<string, string> = {
  ERR_JOSE_ALG_NOT_ALLOWED: 'its algorithm is not allowed',
  ERR_JOSE_NOT_SUPPORTED: 'its algorithm is not allowed',
  ERR_JWKS_NO_MATCHING_KEY: 'its key is not one of the issuer',
  ERR_JWKS_MULTIPLE_MATCHING_KEYS: 'it does not say which key signed it',
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'its signature does not fit',
}

function refusalOf(error: unknown, host: string): ToolError {
  const { code = '', claim } = error as { code?: string; claim?: unknown }
  if (code === 'ERR_JWT_EXPIRED') return failFrom(error, 'TG_KEY_EXPIRED', 'expired')
  if (code === 'ERR_JWT_CLAIM_VALIDATION_FAILED')
    return failFrom(error, 'TG_KEY_WRONG', `its claim ${String(claim)} does not fit`)
  if (/^ERR_JW[ST]_|^ERR_JOSE_(ALG|NOT)|_MATCHING_KEYS?$/.test(code))
    return failFrom(error, 'TG_KEY_WRONG', reasons[code] ?? 'it is malformed')
  return failFrom(error, 'TG_UPSTREAM_UNREACHABLE', host, 'the issuer gives no keys')
}
