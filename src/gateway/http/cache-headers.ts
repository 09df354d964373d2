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
export function cacheStatus({ hit, forward, stored, collapsed, ttlMs }: CacheReport): string {
  const did = hit ? '; hit' : forward ? `; fwd=${forward}` : ''
  const also = `${stored ? '; stored' : ''}${collapsed ? '; collapsed' : ''}`
  const ttl = ttlMs === undefined ? '' : `; ttl=${secondsOf(ttlMs)}`
  return `toolgate${did}${also}${ttl}${hit ? `; detail=${hit}` : ''}`
}

/** Says on the answer what the cache did, and how old the answer is. */
export function writeCacheHeaders(reply: FastifyReply, report: CacheReport): void {
  reply.header('cache-status', cacheStatus(report))
  if (report.ageMs !== undefined) reply.header('age', String(Math.floor(report.ageMs / 1000)))
}
