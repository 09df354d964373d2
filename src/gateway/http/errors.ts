import type { Socket } from 'node:net'
import type { FastifyBaseLogger, FastifyError, FastifyInstance, FastifyReply } from 'fastify'
import { fail, isToolError, toToolError, type ToolError } from '../../registry/errors.ts'

/** The body of every error but those of `/v1/*`, MCP and the AgentLego face. */
export type ErrorBody = {
  error: {
    code: string
    message: string
    hint?: string
    details?: Record<string, unknown>
    requestId: string
  }
}

/** An error as the gateway writes it down. */
export const errorBody = (error: ToolError, requestId: string): ErrorBody => ({
  error: {
    code: error.code,
    message: error.message,
    ...(error.hint ? { hint: error.hint } : {}),
    ...(error.details ? { details: error.details } : {}),
    requestId,
  },
})

/** Fastify's own errors, as ours; what is neither is our own fault. */
export function toHttpError(error: unknown): ToolError {
  if (isToolError(error)) return error
  const { code, message, statusCode } = error as Partial<FastifyError>
  switch (code) {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return fail('TG_MEDIA_TYPE', 'this content type', 'application/json or multipart/form-data')
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return fail('TG_TOO_LARGE', 'the body', 'the body limit', 'send large media by POST /files')
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return fail('TG_BODY_INVALID', message ?? 'not JSON')
    default:
      return statusCode !== undefined && statusCode >= 400 && statusCode < 500
        ? fail('TG_REQUEST_INVALID', message ?? 'unknown')
        : toToolError(error)
  }
}

/** Sets the headers that go with an error: when to come back, and that it may not be stored. */
export function errorHeaders(reply: FastifyReply, error: ToolError): void {
  reply.header('cache-control', 'no-store')
  if (error.retryAfterMs !== undefined)
    reply.header('retry-after', String(Math.max(1, Math.ceil(error.retryAfterMs / 1000))))
}

/** Logs what is our fault with its cause, and everything else in a line. */
export function logError(log: FastifyBaseLogger, error: ToolError, requestId: string): void {
  if (error.code === 'TG_INTERNAL')
    log.error({ requestId, err: error.cause ?? error }, 'internal error')
  else if (error.status >= 500) log.warn({ requestId, code: error.code, err: error }, 'call failed')
  else log.debug({ requestId, code: error.code, message: error.message }, 'call refused')
}

/** Answers every error of this scope in the gateway's shape. */
export function shapeErrors(app: FastifyInstance): void {
  app.setErrorHandler((error, request, reply) => {
    const shaped = toHttpError(error)
    logError(request.log, shaped, request.id)
    errorHeaders(reply, shaped)
    return reply.status(shaped.status).send(errorBody(shaped, request.id))
  })
}

const frameErrors: Record<string, { status: string; error: ToolError }> = {
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: '408 Request Timeout',
    error: fail('TG_BODY_TIMEOUT', 60_000),
  },
  HPE_HEADER_OVERFLOW: {
    status: '431 Request Header Fields Too Large',
    error: fail('TG_REQUEST_INVALID', 'its headers are too large'),
  },
}
const malformed = {
  status: '400 Bad Request',
  error: fail('TG_REQUEST_INVALID', 'it is not HTTP as it should be'),
}

/** Answers what never became a request: broken frames, headers too large, a body that does not come. */
export function answerBrokenFrame(cause: Error & { code?: string }, socket: Socket): void {
  if (cause.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return
  const { status, error } = frameErrors[cause.code ?? ''] ?? malformed
  const body = JSON.stringify(errorBody(error, ''))
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}
