import type { FastifyReply } from 'fastify'
import type { Standing } from './gcra.ts'

const seconds = (ms: number): number => Math.ceil(ms / 1000)

/**
 * Says on an answer how the caller's limits stand: `RateLimit-Policy` and `RateLimit` as the IETF's
 * draft has them, and the three older fields, of the limit that will be reached first.
 */
export function writeLimits(reply: FastifyReply, standings: readonly Standing[]): void {
  const counted = standings.filter(({ policy }) => policy !== 'concurrency')
  const tightest = counted.toSorted((a, b) => a.remaining / a.limit - b.remaining / b.limit)[0]
  if (!tightest) return
  reply.header(
    'ratelimit-policy',
    counted
      .map(({ policy, limit, perMs }) => `"${policy}";q=${limit};w=${seconds(perMs)}`)
      .join(', '),
  )
  reply.header(
    'ratelimit',
    counted
      .map(({ policy, remaining, resetMs }) => `"${policy}";r=${remaining};t=${seconds(resetMs)}`)
      .join(', '),
  )
  reply.header('ratelimit-limit', String(tightest.limit))
  reply.header('ratelimit-remaining', String(tightest.remaining))
  reply.header('ratelimit-reset', String(seconds(tightest.resetMs)))
}
