import type { FastifyReply, FastifyRequest } from 'fastify'
import type { CallContext } from '../../registry/call.ts'
import { followClient } from './abort.ts'
import { readCacheControl } from './cache-headers.ts'

/** What a face says of the call that one HTTP request makes. */
export function callContext(
  request: FastifyRequest,
  reply: FastifyReply,
  { face, redisMs }: { face: string; redisMs: number },
): CallContext {
  let signal: AbortSignal | undefined
  return {
    requestId: request.id,
    // Most calls are answered from the store and never look at it.
    get signal() {
      return (signal ??= followClient(reply))
    },
    face,
    ...(request.caller === undefined ? {} : { caller: request.caller }),
    control: readCacheControl(request.headers['cache-control']),
    report: {},
    patience: { redisMs },
  }
}
