import type { LlmCall, Llm } from '../call.ts'
import type { NodeRequest } from '../dispatch.ts'
import { editMembers, type Json, type Patch } from '../json.ts'
import type { PoolNode } from '../node.ts'
import type { Exchanged } from '../exchange.ts'
import { nodeProblem, openAiProblem, refusalOf } from '../problem.ts'
import { fail } from '../../../registry/errors.ts'
import { dataEvent, doneEvent } from '../sse.ts'

/** Where a copied request goes, and how a stream of its answer ends. */
export type CopyOptions = {
  path: string
  /** As the pool serves it; undefined where the surface names no model. */
  served: string | undefined
  /** The request in OpenAI's shape, where it came in another: conversations are told apart by it. */
  conversation?: Json
  headers?: Record<string, string>
  /** The error event of a stream that broke; OpenAI's where nothing else is said. */
  brokenEvent?: (problem: ReturnType<typeof fail>) => string
  /** How the last event of a whole stream begins; OpenAI's where nothing else is said. */
  lastEvent?: RegExp
}

/** Kept of what came before, so that an event's beginning is found wherever it was cut. */
const tailLength = 64

/**
 * Passes a request and its answer byte for byte; only what must not reach a node is taken out. What
 * a node would open from its own disk or network is refused here too: that is no mending.
 */
export async function copy(llm: Llm, call: LlmCall, options: CopyOptions): Promise<unknown> {
  const { body, raw, signal, reply } = call
  const asked = body.json['stream'] === true
  await llm.media.guard(body.json)
  if (!asked) {
    const exchanged = await exchange(llm, call, options)
    note(call, exchanged)
    return exchanged.kind === 'answer' ? answer(call, exchanged) : undefined
  }
  const { lastEvent = /\ndata: ?\[DONE\]/ } = options
  const stream = call.openStream({ keepAlive: false })
  let tail = '\n'
  let isLast = false
  try {
    const exchanged = await exchange(llm, call, options, {
      head: () => stream.head(),
      data(bytes) {
        if (!raw) {
          const text = tail + bytes.toString('latin1')
          isLast ||= lastEvent.test(text)
          tail = text.slice(-tailLength)
        }
        return stream.write(bytes)
      },
      onPaused: resume => stream.onDrain(resume),
      isDone: () => isLast && /\n\r?\n$/.test(tail),
    })
    note(call, exchanged)
    if (exchanged.kind === 'answer') {
      if (!stream.started) return await answer(call, exchanged)
      const problem = nodeProblem(exchanged.status, exchanged.body.toString())
      throw problem
        ? refusalOf(problem, exchanged.node.url)
        : fail('TG_UPSTREAM_INVALID', exchanged.node.url, 'it answered a stream with one object')
    }
    if (raw && exchanged.error) return stream.cut()
    if (exchanged.error || (!raw && !isLast)) {
      throw fail(
        'TG_UPSTREAM_FAILED',
        exchanged.node.url,
        'it broke off in the middle of its answer',
      )
    }
    stream.end()
  } catch (error) {
    const shown = call.why(error)
    if (!stream.started) throw shown
    if (signal.aborted && shown.code === 'TG_CLIENT_CLOSED') return undefined
    stream.end(options.brokenEvent?.(shown) ?? `\n\n${dataEvent(openAiProblem(shown))}${doneEvent}`)
  }
  return reply
}

const note = (call: LlmCall, { node, retries, queuedMs }: Exchanged): void =>
  call.note({ node: node.url, retries, queuedMs })

function exchange(
  llm: Llm,
  call: LlmCall,
  options: CopyOptions,
  sink?: Parameters<Llm['pool']['exchange']>[0]['sink'],
) {
  const { pool } = llm
  const exchanged = pool.exchange({
    model: options.served,
    conversation: options.conversation ?? call.body.json,
    signal: call.signal,
    raw: call.raw,
    request: node => nodeRequest(call, options, node),
    ...(sink ? { sink } : {}),
  })
  return exchanged.catch((error: unknown) => {
    throw isRouteMissing(error) ? noRoute(call) : error
  })
}

const isRouteMissing = (error: unknown): boolean =>
  error instanceof Error &&
  'status' in error &&
  error.status === 404 &&
  /^not found$/i.test(error.message)
const noRoute = ({ reply }: LlmCall): Error =>
  fail('TG_ROUTE_UNKNOWN', reply.request.url, 'the nodes of this model do not have this route')

/** The bytes as they came, unless the model has another name there or a session must not go along. */
function nodeRequest(
  call: LlmCall,
  { path, served, headers }: CopyOptions,
  node: PoolNode,
): NodeRequest {
  const { bytes, json } = call.body
  call.note({ node: node.url })
  const patch: Patch = {}
  const name = served === undefined ? undefined : node.models.get(served)
  if (name !== undefined && name !== json['model']) patch['model'] = name
  if (!call.raw && 'session_id' in json) patch['session_id'] = undefined
  return {
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json', ...headers },
    body: Object.keys(patch).length > 0 ? editMembers(bytes.toString(), patch) : bytes,
    stream: json['stream'] === true,
  }
}

/** A whole answer: errors in OpenAI's shape with their real status, everything else as it is. */
function answer(
  call: LlmCall,
  { node, status, headers, body }: Extract<Exchanged, { kind: 'answer' }>,
) {
  const problem = call.raw ? undefined : nodeProblem(status, body.toString())
  if (problem?.status === 404 && /^not found$/i.test(problem.message)) {
    throw noRoute(call)
  }
  if (problem) throw refusalOf(problem, node.url)
  return call.reply
    .code(status)
    .type(String(headers['content-type'] ?? 'application/json'))
    .send(body)
}
