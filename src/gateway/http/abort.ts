import type { FastifyReply } from 'fastify'
import { fail } from '../../registry/errors.ts'
import '../life.ts'

/** A signal that aborts when the client goes away before it has the whole answer, or the gateway ends. */
export function followClient(reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  if (reply.raw.destroyed) controller.abort(fail('TG_CLIENT_CLOSED'))
  const leave = reply.server.life?.follow(reason => controller.abort(reason))
  reply.raw.once('close', () => {
    leave?.()
    if (!reply.raw.writableFinished) controller.abort(fail('TG_CLIENT_CLOSED'))
  })
  return controller.signal
}
