import type { Dispatcher } from 'undici'
import { fail } from '../../registry/errors.ts'
import type { LlmLimits } from './limits.ts'
import type { PoolNode } from './node.ts'

/** What goes to a node. */
export type NodeRequest = {
  method: 'POST' | 'GET'
  path: string
  headers?: Record<string, string>
  body?: string | Buffer
  /** The client asked for server-sent events. */
  stream: boolean
}

/** A node's response headers, names in lower case. */
export type AnswerHeaders = Record<string, string | string[] | undefined>

/** Takes a stream's bytes as they come. */
export type StreamSink = {
  /** The node's headers are here and say 200; may come again when a request moves on. */
  head(status: number, headers: AnswerHeaders): void
  /** Returns false when no more is wanted until `resume`. */
  data(bytes: Buffer): boolean
  /** Called once: what lets the node go on after `data` said false. */
  onPaused(resume: () => void): void
  /** True once the answer is complete: the node's end is not waited for. */
  isDone?(): boolean
}

/** How an attempt ended. Only after `streamed` did bytes reach the sink. */
export type Ended =
  | { kind: 'answer'; status: number; headers: AnswerHeaders; body: Buffer }
  | { kind: 'streamed'; error?: Error }
  | { kind: 'failed'; error: Error; connected: boolean }

/** What one attempt works with; without a `sink` the answer is wanted whole. */
export type AttemptOptions = {
  dispatcher: Dispatcher
  limits: LlmLimits
  signal: AbortSignal
  sink: StreamSink | undefined
}

const jsonType = /^application\/(?:[\w.+-]*\+)?json/i
const firstError = /^\s*data: ?\{"error"/
const openBrace = 0x7b

/** A whole body; of an error that came as the only event of a stream, its data. */
function plainBody(parts: Buffer[]): Buffer {
  const body = parts.length === 1 ? parts[0]! : Buffer.concat(parts)
  if (body[0] === openBrace || !firstError.test(body.toString('latin1', 0, 64))) return body
  const [line = ''] = body.toString().trimStart().split('\n')
  return Buffer.from(line.replace(/^data: ?/, ''))
}

const emptyStream = ({ url }: PoolNode): Error =>
  fail('TG_UPSTREAM_FAILED', url, 'its stream was empty')

/** One request to one node. Never throws: how it ended is the answer. */
export function attempt(
  node: PoolNode,
  request: NodeRequest,
  options: AttemptOptions,
): Promise<Ended> {
  const { limits, signal, sink } = options
  const { promise, resolve } = Promise.withResolvers<Ended>()
  const parts: Buffer[] = []
  let bytes = 0
  let status = 0
  let headers: AnswerHeaders = {}
  let streaming = false
  let begun = false
  let connected = false
  let controller: Dispatcher.DispatchController | undefined
  let aborted: Error | undefined
  let lingering: NodeJS.Timeout | undefined

  const abort = (reason: Error): void => {
    aborted = reason
    if (controller) controller.abort(reason)
    else settle({ kind: 'failed', error: reason, connected })
  }
  const onAbort = (): void => abort(signal.reason as Error)
  const settle = (ended: Ended): void => {
    node.waiting.delete(abort)
    signal.removeEventListener('abort', onAbort)
    resolve(ended)
  }
  /** Some servers answer a stream with plain JSON, or with an error as their first event. */
  const isPlain = (chunk: Buffer): boolean =>
    chunk[0] === openBrace || firstError.test(chunk.toString('latin1', 0, 64))

  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(started) {
      controller = started
      connected = true
      if (aborted) started.abort(aborted)
    },
    onResponseStart(_controller, code, head) {
      if (code < 200) return
      status = code
      headers = head
      streaming = sink !== undefined && code === 200 && !jsonType.test(String(head['content-type']))
      if (streaming) sink?.head(code, head)
    },
    onResponseData(started, chunk) {
      if (streaming && !begun && isPlain(chunk)) streaming = false
      if (streaming && sink) {
        if (!begun) node.waiting.delete(abort)
        begun = true
        if (lingering) return
        const flows = sink.data(chunk)
        if (sink.isDone?.()) {
          settle({ kind: 'streamed' })
          lingering = setTimeout(() => started.abort(new Error('it said all')), limits.lingerMs)
          lingering.unref()
        } else if (!flows) {
          started.pause()
          sink.onPaused(() => started.resume())
        }
        return
      }
      bytes += chunk.length
      if (bytes > limits.answerBytesMax) {
        started.abort(fail('TG_UPSTREAM_INVALID', node.url, 'its answer has no end'))
      } else parts.push(chunk)
    },
    onResponseEnd() {
      clearTimeout(lingering)
      if (!streaming) settle({ kind: 'answer', status, headers, body: plainBody(parts) })
      else if (begun) settle({ kind: 'streamed' })
      else settle({ kind: 'failed', error: emptyStream(node), connected })
    },
    onResponseError(_controller, error) {
      clearTimeout(lingering)
      settle(begun ? { kind: 'streamed', error } : { kind: 'failed', error, connected })
    },
  }

  node.waiting.add(abort)
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    options.dispatcher.dispatch(
      {
        origin: node.origin,
        path: node.prefix + request.path,
        method: request.method,
        headers: { ...request.headers, ...node.headers },
        body: request.body ?? null,
        headersTimeout: request.stream ? limits.headersMs : limits.answerMs,
        bodyTimeout: limits.idleMs,
      },
      handler,
    )
  } catch (error) {
    settle({ kind: 'failed', error: error as Error, connected })
  }
  return promise
}
