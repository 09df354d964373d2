/** What a check found; whatever is not `ok` says how to mend it. */
export type Finding = {
  check: string
  level: 'ok' | 'warning' | 'error'
  message: string
  remedy?: string
}

/** Bounds of one examination. */
export const doctorLimits = { checkMs: 5_000, answerBytesMax: 10 * 1_048_576 } as const

/** What is well. */
export const ok = (check: string, message: string): Finding => ({ check, level: 'ok', message })
/** What works, and could be better. */
export const warning = (check: string, message: string, remedy: string): Finding => ({
  check,
  level: 'warning',
  message,
  remedy,
})
/** What does not work. */
export const error = (check: string, message: string, remedy: string): Finding => ({
  check,
  level: 'error',
  message,
  remedy,
})

/** A failure in few words: its code where it has one, never the address, which may hold a password. */
export function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return 'unknown'
  const inner = cause.cause instanceof Error ? cause.cause : cause
  if (cause.name === 'TimeoutError' || inner.name === 'TimeoutError')
    return `no answer within ${doctorLimits.checkMs / 1000} s`
  return 'code' in inner && typeof inner.code === 'string' ? inner.code : inner.message
}
