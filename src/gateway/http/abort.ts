import type { FastifyReply } from 'fastify'
import { fail } from '../../registry/errors.ts'

/** A signal that aborts when the client goes away before it has the whole answer. */
export function followClient(reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  if (reply.raw.destroyed) controller.abort(fail('TG_CLIENT_CLOSED'))
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort(fail('TG_CLIENT_CLOSED'))
  })
  return controller.signal
}
