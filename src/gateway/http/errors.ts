import type {
  FastifyBaseLogger,
  FastifyError,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
} from 'fastify'
import { fail, failFrom, isToolError, toToolError, type ToolError } from '../../registry/errors.ts'
import { formLimits } from './arguments.ts'
import { closeLingering, isStillSending, lingerOnErrors } from './linger.ts'

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

/**
 * Fastify's own errors, as ours; what is neither is our own fault. `bytesMax` is what the route takes,
 * for the error that says so.
 */
export function toHttpError(error: unknown, bytesMax?: number): ToolError {
  if (isToolError(error)) return error
  const { code, message, statusCode } = error as Partial<FastifyError>
  switch (code ?? '') {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return fail('TG_MEDIA_TYPE', 'this content type', 'application/json or multipart/form-data')
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return fail('TG_TOO_LARGE', 'the body', sizeOf(bytesMax), 'send large media by POST /files')
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return fail('TG_BODY_INVALID', message ?? 'not JSON')
    case 'FST_FILES_LIMIT':
      return fail('TG_TOO_LARGE', 'the form', `${formLimits.filesMax} files`)
    case 'FST_FIELDS_LIMIT':
      return fail('TG_TOO_LARGE', 'the form', `${formLimits.fieldsMax} fields`)
    case 'FST_REQ_FILE_TOO_LARGE':
      return fail('TG_TOO_LARGE', 'the file', sizeOf(undefined))
    default:
      return statusCode !== undefined && statusCode >= 400 && statusCode < 500
        ? fail('TG_REQUEST_INVALID', message ?? 'unknown')
        : toToolError(error)
  }
}

const mebibyte = 1_048_576
const sizeOf = (bytes: number | undefined): string => {
  if (bytes === undefined) return 'this route'
  return bytes % mebibyte === 0 ? `${bytes / mebibyte} MiB` : `${bytes} bytes`
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

/** Answers every error of this scope in the gateway's shape; scopes within it linger as well. */
export function shapeErrors(app: FastifyInstance): void {
  lingerOnErrors(app)
  app.setErrorHandler((error, request, reply) =>
    sendError(toHttpError(error, request.routeOptions.bodyLimit), request, reply),
  )
}

function sendError(error: ToolError, request: FastifyRequest, reply: FastifyReply) {
  logError(request.log, error, request.id)
  errorHeaders(reply, error)
  return reply.status(error.status).send(errorBody(error, request.id))
}

/** Answers what Fastify refuses before any route has it: a path that cannot be decoded, or too long. */
export const answerBadPath =
  (onRefused?: (code: string) => void) =>
  (cause: FastifyError, request: FastifyRequest, reply: FastifyReply): void => {
    const error = badPath(cause)
    onRefused?.(error.code)
    void reply.header('x-request-id', request.id)
    if (isStillSending(request)) closeLingering(request, reply)
    void sendError(error, request, reply)
  }

/** What is wrong with a path that Fastify refuses. */
export const badPath = (cause: FastifyError): ToolError =>
  failFrom(cause, 'TG_REQUEST_INVALID', 'its path cannot be read')
