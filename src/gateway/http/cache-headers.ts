import type { FastifyReply } from 'fastify'
import type { CacheControl, CacheReport } from '../../registry/call.ts'

/** Reads a request's `Cache-Control`; what is not known is ignored, as HTTP has it. */
export function readCacheControl(header: string | undefined): CacheControl {
  if (!header) return {}
  const control: CacheControl = {}
  for (const directive of header.toLowerCase().split(',')) {
    const [name, value] = directive.trim().split('=')
    if (name === 'no-cache') control.noCache = true
    else if (name === 'no-store') control.noStore = true
    else if (name === 'only-if-cached') control.onlyIfCached = true
    else if (name === 'max-age' && /^\d+$/.test(value ?? ''))
      control.maxAgeMs = Number(value) * 1000
  }
  if (control.maxAgeMs === 0) return { ...control, noCache: true }
  return control
}

const secondsOf = (ms: number): number => Math.round(ms / 1000)

/** The value of RFC 9211's `Cache-Status` for what the cache did. */
export function cacheStatus(report: CacheReport): string {
  const parts = ['toolgate']
  if (report.hit) parts.push('hit')
  else if (report.forward) parts.push(`fwd=${report.forward}`)
  if (report.stored) parts.push('stored')
  if (report.collapsed) parts.push('collapsed')
  if (report.ttlMs !== undefined) parts.push(`ttl=${secondsOf(report.ttlMs)}`)
  if (report.hit) parts.push(`detail=${report.hit}`)
  return parts.join('; ')
}

/** Says on the answer what the cache did, and how old the answer is. */
export function writeCacheHeaders(reply: FastifyReply, report: CacheReport): void {
  reply.header('cache-status', cacheStatus(report))
  if (report.ageMs !== undefined) reply.header('age', String(Math.floor(report.ageMs / 1000)))
}
