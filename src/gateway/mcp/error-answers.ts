import type { FastifyInstance } from 'fastify'
import { errorText, type ToolError } from '../../registry/errors.ts'
import { errorHeaders, logError, toHttpError } from '../http/errors.ts'

const rpcCodes: Partial<Record<ToolError['code'], number>> = {
  TG_BODY_INVALID: -32_700,
  TG_REQUEST_INVALID: -32_600,
  TG_TOOL_UNKNOWN: -32_602,
  TG_NOT_FOUND: -32_602,
  TG_INTERNAL: -32_603,
}
/** Every other error, which JSON-RPC leaves to servers; the data says our code. */
const serverError = -32_000

/** Answers what never reached the protocol as the protocol has it: an error without an id. */
export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler((cause, request, reply) => {
    const error = toHttpError(cause)
    logError(request.log, error, request.id)
    errorHeaders(reply, error)
    const { code, hint } = error
    return reply.status(error.status).send({
      jsonrpc: '2.0',
      id: null,
      error: {
        code: rpcCodes[code] ?? serverError,
        message: errorText(error),
        data: { code, ...(hint ? { hint } : {}), requestId: request.id },
      },
    })
  })
}
