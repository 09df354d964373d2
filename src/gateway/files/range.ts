import type { ByteRange } from './store.ts'

/**
 * The one range that a `Range` header asks for; `whole` when there is none or one that may be
 * ignored, `unsatisfiable` when it lies outside.
 */
export function rangeOf(
  header: string | undefined,
  size: number,
): ByteRange | 'whole' | 'unsatisfiable' {
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(header?.replace(/\s+/g, '') ?? '') ?? []
  if (from === undefined || to === undefined || (!from && !to)) return 'whole'
  // `-n`: the last n bytes.
  const start = from ? Number(from) : Math.max(0, size - Number(to))
  const end = from && to ? Math.min(Number(to), size - 1) : size - 1
  if (from && to && Number(to) < Number(from)) return 'whole'
  return start >= size || (!from && Number(to) === 0) ? 'unsatisfiable' : { start, end }
}
