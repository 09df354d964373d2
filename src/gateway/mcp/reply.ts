import type { FastifyReply } from 'fastify'
import type { CallContext } from '../../registry/call.ts'

/** Bounds of a stream. */
export const streamLimits = {
  /** A comment this often keeps proxies from closing a stream that waits, milliseconds. */
  commentMs: 15_000,
} as const

/** Writes the one answer of a request: as JSON, or, once there was progress to tell, as a stream. */
export type Writer = {
  progress: CallContext['progress']
  /** Ends with a message, already JSON. */
  end(json: string): unknown
  /** Ends without one, as a cancelled request does. */
  endSilently(): unknown
}

/** Makes the writer; without a progress token there is nobody to tell of progress. */
export function createWriter(reply: FastifyReply, progressToken: unknown): Writer {
  let stream: { write(json: string): void; end(): void } | undefined
  let last = -Infinity
  return {
    progress:
      progressToken === undefined
        ? undefined
        : (progress, total, message) => {
            // The protocol wants each to be more than the one before.
            if (progress <= last || reply.raw.destroyed) return
            last = progress
            stream ??= openStream(reply)
            const params = { progressToken, progress, total, message }
            stream.write(
              JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params }),
            )
          },
    end(json) {
      if (!stream) return reply.header('content-type', 'application/json').send(json)
      stream.write(json)
      stream.end()
      return reply
    },
    endSilently() {
      if (!stream) return reply.status(202).send()
      stream.end()
      return reply
    },
  }
}

function openStream(reply: FastifyReply) {
  reply.hijack()
  const { raw } = reply
  // Headers set by hooks, CORS among them, are not sent by themselves on a hijacked reply.
  for (const [name, value] of Object.entries(reply.getHeaders()))
    if (value !== undefined) raw.setHeader(name, value)
  raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
  })
  const timer = setInterval(() => raw.write(': still here\n\n'), streamLimits.commentMs)
  raw.once('close', () => clearInterval(timer))
  return {
    write: (json: string) => void raw.write(`event: message\ndata: ${json}\n\n`),
    end: () => void raw.end(),
  }
}
