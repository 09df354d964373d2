import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/** How long a refused client may go on sending before its connection is cut. */
export const lingerLimits = { lingerMs: 2_000 } as const

/** True while the body of a request has not wholly come. */
export const isStillSending = ({ raw }: FastifyRequest): boolean => raw.complete === false

/** Refusals of every face linger, from now on. */
export function lingerOnErrors(app: FastifyInstance): void {
  app.addHook('onError', (request, reply, _error, done) => {
    if (isStillSending(request)) closeLingering(request, reply)
    done()
  })
}

/** Reads and drops what is left of a body: unread, it would stand before the connection's next request. */
export function dropRest({ raw }: FastifyRequest): void {
  raw.unpipe()
  raw.resume()
}

/**
 * Answers before the body has come, and closes after it. What still comes is read and dropped for a
 * while: a socket that is closed over unread bytes is reset, and the reset overtakes the answer.
 */
export function closeLingering(request: FastifyRequest, reply: FastifyReply): void {
  const { raw } = request
  const { socket } = raw
  const destroySoon = socket.destroySoon.bind(socket)
  void reply.header('connection', 'close')
  dropRest(request)
  // Node calls this once the answer is written.
  socket.destroySoon = () => {
    if (raw.complete) return destroySoon()
    socket.end()
    const timer = setTimeout(() => socket.destroy(), lingerLimits.lingerMs).unref()
    raw.once('end', () => socket.destroy())
    socket.once('close', () => clearTimeout(timer))
  }
}
