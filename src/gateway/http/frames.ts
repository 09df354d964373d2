import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { fail, type ToolError } from '../../registry/errors.ts'
import { errorBody } from './errors.ts'

type Broken = { status: string; error: ToolError }
const malformed: Broken = {
  status: '400 Bad Request',
  error: fail('TG_REQUEST_INVALID', 'it is not HTTP as it should be'),
}

/**
 * How Node reads frames. Unless the headers have no longer than the whole request (`requestTimeout`), it
 * takes the two times for each other; and it looks at its clock in this interval alone.
 */
export const frameOptions = ({ requestMs }: { requestMs: number }) => ({
  headersTimeout: requestMs,
  connectionsCheckingInterval: Math.min(requestMs / 4, 5_000),
  // A second key or Host is seen, not dropped: who reads the other one must not read another request.
  joinDuplicateHeaders: true,
  // Refused below, in the shape of every error.
  requireHostHeader: false,
})

/** Answers what never became a request: broken frames, headers too large, a body that does not come. */
export function answerBrokenFrame(
  { requestMs }: { requestMs: number },
  onRefused?: (code: string) => void,
) {
  const known: Record<string, Broken> = {
    ERR_HTTP_REQUEST_TIMEOUT: {
      status: '408 Request Timeout',
      error: fail('TG_BODY_TIMEOUT', requestMs),
    },
    HPE_HEADER_OVERFLOW: {
      status: '431 Request Header Fields Too Large',
      error: fail('TG_REQUEST_INVALID', 'its headers are too large'),
    },
  }
  return ({ code = '' }: Error & { code?: string }, socket: Duplex): void => {
    if (code === 'ECONNRESET' || socket.destroyed || !socket.writable) return
    const { status, error } = known[code] ?? malformed
    onRefused?.(error.code)
    end(socket, { status, error })
  }
}

function end(socket: Duplex, { status, error, headers = '' }: Broken & { headers?: string }): void {
  const body = JSON.stringify(errorBody(error, randomUUID()))
  socket.end(
    `HTTP/1.1 ${status}\r\n${headers}content-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    // A client that goes on sending would else keep it open.
    () => socket.destroy(),
  )
}

/**
 * Refuses requests that Node takes, or ends without a word, though two servers could read them
 * differently: no Host or two, chunks in HTTP/1.0, another version; and tunnels and expectations,
 * which nobody here can meet. `onRefused` is told what never comes to a hook.
 */
export function refuseOddFrames(app: FastifyInstance, onRefused?: (code: string) => void): void {
  app.addHook('onRequest', (request, _reply, done) => done(oddness(request.raw)))
  app.server.on('connect', (_request, socket) => {
    const error = fail('TG_METHOD', 'CONNECT', ['GET', 'POST'])
    onRefused?.(error.code)
    end(socket, { status: '405 Method Not Allowed', error, headers: 'allow: GET, POST\r\n' })
  })
  app.server.on('checkExpectation', (_request, response) => {
    const error = fail('TG_REQUEST_INVALID', 'it expects what is not done here')
    onRefused?.(error.code)
    const type = 'application/json; charset=utf-8'
    response.writeHead(417, { 'content-type': type, connection: 'close' })
    response.end(JSON.stringify(errorBody(error, randomUUID())))
  })
}

function oddness({ httpVersion, headers }: IncomingMessage): ToolError | undefined {
  const { host } = headers
  if (httpVersion === '1.1') {
    if (host === undefined) return fail('TG_REQUEST_INVALID', 'it names no Host')
    return host.includes(',')
      ? fail('TG_REQUEST_INVALID', 'it names more than one Host')
      : undefined
  }
  if (httpVersion !== '1.0') return fail('TG_REQUEST_INVALID', 'it is neither HTTP/1.1 nor 1.0')
  return headers['transfer-encoding'] === undefined
    ? undefined
    : fail('TG_REQUEST_INVALID', 'HTTP/1.0 has no chunks')
}
