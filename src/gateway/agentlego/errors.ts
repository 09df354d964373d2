import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type ErrorCode, errorText, type ToolError } from '../../registry/errors.ts'
import { badPath, errorHeaders, logError, toHttpError } from '../http/errors.ts'

/** The names that FastAPI has for what is wrong with an argument. */
const argumentTypes: Partial<Record<ErrorCode, string>> = {
  TG_ARGUMENT_MISSING: 'missing',
  TG_ARGUMENT_UNKNOWN: 'extra_forbidden',
  TG_ARGUMENT_INVALID: 'value_error',
}
/** What is about the request rather than the call, and keeps its own status. */
const ownStatus = new Set<ErrorCode>([
  'TG_KEY_MISSING',
  'TG_KEY_WRONG',
  'TG_KEY_EXPIRED',
  'TG_STARTING',
  'TG_STOPPING',
  'TG_FORBIDDEN',
  'TG_TOOL_UNKNOWN',
  'TG_ROUTE_UNKNOWN',
  'TG_METHOD',
  'TG_CLIENT_CLOSED',
])

/** The body of an error as `agentlego-server` writes it. */
export type Detail = { detail: string | { type: string; loc: [string, string]; msg: string }[] }

/** An error as `agentlego-server` answers it: 422 for an argument, 400 for any other failed call. */
export function toDetail(error: ToolError): { status: number; body: Detail } {
  const type = argumentTypes[error.code]
  const text = errorText(error)
  if (type === undefined)
    return { status: ownStatus.has(error.code) ? error.status : 400, body: { detail: text } }
  const named = error.details?.['argument']
  const argument = typeof named === 'string' ? named : ''
  return {
    status: 422,
    body: { detail: [{ type, loc: ['body', argument], msg: text }] },
  }
}

/** Answers every error of the app in that form. */
export function answerDetails(app: FastifyInstance): void {
  app.setErrorHandler((cause, request, reply) => sendDetail(toHttpError(cause), request, reply))
}

/** Answers what Fastify refuses before any route has it. */
export const answerBadPath =
  (onRefused?: (code: string) => void) =>
  (cause: FastifyError, request: FastifyRequest, reply: FastifyReply): void => {
    const error = badPath(cause)
    onRefused?.(error.code)
    void sendDetail(error, request, reply)
  }

function sendDetail(error: ToolError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  logError(request.log, error, request.id)
  errorHeaders(reply, error)
  const { status, body } = toDetail(error)
  return reply.status(status).send(body)
}
