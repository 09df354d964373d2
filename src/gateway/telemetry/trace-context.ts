/** What a caller says of the trace that its request belongs to. */
export type TraceParent = { traceId: string; spanId: string; traceFlags: number }

/** W3C's bounds of what a header may hold. */
export const traceContextLimits = {
  tracestateCharactersMax: 512,
  tracestateMembersMax: 32,
} as const

const form = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(-.*)?$/
const noTrace = '0'.repeat(32)
const noSpan = '0'.repeat(16)

/** Reads a `traceparent`; undefined where W3C says that it is to be ignored. */
export function parseTraceparent(header: unknown): TraceParent | undefined {
  if (typeof header !== 'string') return undefined
  const [, version, traceId = '', spanId = '', flags = '', rest] = form.exec(header.trim()) ?? []
  if (version === undefined || version === 'ff') return undefined
  // Later versions may say more behind a dash; the first one says no more.
  if (version === '00' && rest !== undefined) return undefined
  if (traceId === noTrace || spanId === noSpan) return undefined
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1 }
}

/** Writes one. */
export const writeTraceparent = ({ traceId, spanId, traceFlags }: TraceParent): string =>
  `00-${traceId}-${spanId}-0${traceFlags & 1}`

/** A `tracestate` within its bounds, as it came; undefined where it is to be ignored. */
export function parseTracestate(header: unknown): string | undefined {
  if (typeof header !== 'string' || header.length > traceContextLimits.tracestateCharactersMax)
    return undefined
  const members = header
    .split(',')
    .map(member => member.trim())
    .filter(Boolean)
  if (members.length === 0 || members.length > traceContextLimits.tracestateMembersMax)
    return undefined
  const isMember = (member: string): boolean =>
    /^[a-z\d][a-z\d_\-*/@]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/.test(
      member,
    )
  return members.every(isMember) ? members.join(',') : undefined
}
