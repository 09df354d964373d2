import type { FastifyReply } from 'fastify'
import type { Allowed } from './amount.ts'
import type { Standing } from './gcra.ts'

const seconds = (ms: number): number => Math.ceil(ms / 1000)

/** `RateLimit-Policy` of an allowance, as the IETF's draft has it; empty where no amount is limited. */
export const policyField = (allowed: Allowed): string =>
  (['rate', 'quota'] as const)
    .flatMap(policy => {
      const amount = allowed[policy]
      return amount ? `"${policy}";q=${amount.count};w=${seconds(amount.perMs)}` : []
    })
    .join(', ')

/**
 * Says on an answer how the caller's limits stand: `RateLimit-Policy` and `RateLimit` as the draft has
 * them, and the three older fields, of the limit that will be reached first.
 */
export function writeLimits(
  reply: FastifyReply,
  policies: string,
  standings: readonly Standing[],
): void {
  let tightest: Standing | undefined
  let fields = ''
  // This runs with every call: one pass, and no lists.
  for (const standing of standings) {
    const { policy, limit, remaining, resetMs } = standing
    if (policy === 'concurrency') continue
    const comma = fields === '' ? '' : ', '
    fields += `${comma}"${policy}";r=${remaining};t=${seconds(resetMs)}`
    if (!tightest || remaining * tightest.limit < tightest.remaining * limit) tightest = standing
  }
  if (!tightest) return
  reply.header('ratelimit-policy', policies)
  reply.header('ratelimit', fields)
  reply.header('ratelimit-limit', String(tightest.limit))
  reply.header('ratelimit-remaining', String(tightest.remaining))
  reply.header('ratelimit-reset', String(seconds(tightest.resetMs)))
}
