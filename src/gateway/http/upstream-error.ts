import { failFrom, isToolError, type ToolError } from '../../registry/errors.ts'

const timeouts = new Set([
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ETIMEDOUT',
])
const dropped = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'ECONNABORTED'])

/** Why a request failed without an answer, as the error a caller may see. */
export function transportError(
  cause: unknown,
  request: { host: string; signal: AbortSignal; elapsedMs: number },
): ToolError {
  const { host, signal, elapsedMs } = request
  if (signal.aborted) return abortError(signal.reason, host, elapsedMs)
  if (isToolError(cause)) return cause
  const code = codeOf(cause)
  if (code && timeouts.has(code)) return failFrom(cause, 'TG_DEADLINE', host, elapsedMs)
  return failFrom(cause, 'TG_UPSTREAM_UNREACHABLE', host, code ?? 'the connection failed')
}

/** True when the connection broke under a request, so that a second try may do better. */
export const isDropped = (error: unknown): boolean =>
  error instanceof Error && dropped.has(codeOf(error.cause) ?? '')

function abortError(reason: unknown, host: string, elapsedMs: number): ToolError {
  if (isToolError(reason) && reason.code !== 'TG_DEADLINE') return reason
  if (isToolError(reason) || nameOf(reason) === 'TimeoutError')
    return failFrom(reason, 'TG_DEADLINE', host, elapsedMs)
  return failFrom(reason, 'TG_CLIENT_CLOSED')
}

const nameOf = (error: unknown): string | undefined =>
  error instanceof Error ? error.name : undefined

/** The first code among an error, its parts and its causes; a few levels are enough. */
function codeOf(error: unknown, depth = 0): string | undefined {
  if (!(error instanceof Error) || depth > 3) return undefined
  const own = (error as NodeJS.ErrnoException).code
  const parts = error instanceof AggregateError ? error.errors : []
  const inner = [...parts, error.cause]
    .map(part => codeOf(part, depth + 1))
    .find(code => code !== undefined)
  return typeof own === 'string' && own !== 'UND_ERR_SOCKET' ? own : (inner ?? own)
}
