import type { FastifyReply, FastifyRequest } from 'fastify'
import { callerOf } from '../auth/access.ts'
import { fail, isToolError, type ToolError, toToolError } from '../../registry/errors.ts'
import { depthMax, nestsDeeper } from '../../registry/json-text.ts'
import type { Usage } from './chat.ts'
import type { ClientStream, ClientStreams } from './client-stream.ts'
import { type Json, parseJson, isRecord } from './json.ts'
import type { LlmLimits } from './limits.ts'
import type { LoopCaller, LoopTools } from './loop-tools.ts'
import type { MediaGate } from './media.ts'
import type { LlmMetrics } from './metrics.ts'
import type { LlmLog } from './health.ts'
import type { Pool } from './pool.ts'

/** What every surface works with. */
export type Llm = {
  pool: Pool
  limits: LlmLimits
  log: LlmLog
  now: () => number
  streams: ClientStreams
  media: MediaGate
  tools: LoopTools | undefined
  metrics: LlmMetrics | undefined
  /** Prompts are in no log unless the operator asks. */
  logPrompts: () => boolean
  /** Told of every request once it has ended. */
  onRequest: ((facts: ModelRequestFacts) => void) | undefined
}

/** A body as it came, and what it says. */
export type LlmBody = { bytes: Buffer; json: Json }

/** Facts for the one log line and the metrics of a request. */
export type CallFacts = {
  surface: string
  /** As the client named it. */
  model?: string
  /** As the pool knows it: metrics are labelled with names that exist. */
  served?: string
  node?: string
  retries?: number
  queuedMs?: number
  usage?: Usage | undefined
  stream?: boolean
  steps?: number
  calls?: number
}

/** The same once it has ended, for whoever else wants to know: the audit trail, traces. */
export type ModelRequestFacts = CallFacts & {
  requestId: string
  caller: string | undefined
  address: string | undefined
  status: number
  ms: number
  bytesIn: number
}

/** One request of a client, from its first byte to its log line. */
export type LlmCall = {
  /** Aborts when the client leaves or the whole deadline passes. */
  signal: AbortSignal
  /** The client asked for what the node says, unmended. */
  raw: boolean
  body: LlmBody
  reply: FastifyReply
  requestId: string
  caller: LoopCaller
  note(facts: Partial<CallFacts>): void
  /** Opens the stream to the client; what it did is in the log line. */
  openStream(options: { keepAlive: boolean }): ClientStream
  /** The error to show: why the signal was aborted comes before what that broke. */
  why(error: unknown): ToolError
}

/** Starts the bookkeeping of a request. */
export function beginCall(
  llm: Llm,
  { request, reply, surface }: { request: FastifyRequest; reply: FastifyReply; surface: string },
): LlmCall {
  const { limits, now } = llm
  const body = request.body as LlmBody
  const controller = new AbortController()
  const startedAt = now()
  const facts: CallFacts = { surface }
  const stream: { current?: ClientStream } = {}
  const wholeMs = body.json['stream'] === true ? limits.streamMs : limits.answerMs
  const timer = setTimeout(() => {
    controller.abort(fail('TG_DEADLINE', 'the answer', wholeMs))
  }, wholeMs)
  const caller = callerOf(request)
  const leave = reply.server.life?.follow(reason => controller.abort(reason))
  reply.raw.once('close', () => {
    leave?.()
    clearTimeout(timer)
    if (!reply.raw.writableFinished) controller.abort(fail('TG_CLIENT_CLOSED'))
    const status = reply.raw.writableFinished ? reply.raw.statusCode : 499
    const ms = now() - startedAt
    const requestId = request.id
    finish(llm, { facts, status, ms, startedAt, stream: stream.current, requestId, body })
    llm.onRequest?.({
      ...facts,
      requestId,
      caller: request.caller,
      address: caller.address,
      status,
      ms,
      bytesIn: body.bytes.length,
    })
  })
  return {
    signal: controller.signal,
    raw: request.headers['x-toolgate-raw'] === '1',
    body,
    reply,
    requestId: request.id,
    caller,
    note: more => void Object.assign(facts, more),
    openStream(options) {
      facts.stream = true
      stream.current = llm.streams.open(reply, options)
      return stream.current
    },
    why(error) {
      if (controller.signal.aborted && isToolError(controller.signal.reason)) {
        return controller.signal.reason
      }
      return toToolError(error)
    },
  }
}

type Finished = {
  facts: CallFacts
  status: number
  ms: number
  startedAt: number
  stream: ClientStream | undefined
  requestId: string
  body: LlmBody
}

function finish(
  llm: Llm,
  { facts, status, ms, startedAt, stream, requestId, body }: Finished,
): void {
  const { node = 'none', surface, usage } = facts
  const { metrics, log } = llm
  const model = facts.served ?? 'none'
  const firstMs = stream?.bytesAt === undefined ? undefined : stream.bytesAt - startedAt
  if (metrics) {
    metrics.requests.inc({ model, node, surface, status: String(status) })
    metrics.queued.observe({ model }, (facts.queuedMs ?? 0) / 1000)
    if (usage) {
      metrics.tokens.inc({ model, node, kind: 'prompt' }, usage.prompt_tokens)
      metrics.tokens.inc({ model, node, kind: 'completion' }, usage.completion_tokens)
    }
    if (stream && firstMs !== undefined) {
      metrics.firstToken.observe({ model, node }, firstMs / 1000)
      if (stream.writes > 1) {
        metrics.betweenTokens.observe({ model, node }, (ms - firstMs) / 1000 / (stream.writes - 1))
      }
    }
  }
  // What is undefined is left out of the line.
  const served = facts.served === facts.model ? undefined : facts.served
  const prompt = llm.logPrompts() ? (body.json['messages'] ?? body.json['prompt']) : undefined
  log.info({ requestId, ...facts, served, status, ms, firstMs, prompt }, 'llm request')
}

/** The name under which the pool serves a model; both names are facts of the request. */
export async function servedModel(llm: Llm, call: LlmCall, model: string): Promise<string> {
  call.note({ model })
  const served = await llm.pool.resolve(model)
  call.note({ served })
  return served
}

/** Reads a body: JSON, and an object. */
export function readBody(bytes: Buffer): LlmBody {
  const text = bytes.toString()
  if (mayNestDeeper(text) && nestsDeeper(text, depthMax)) {
    throw fail('TG_BODY_INVALID', `it nests deeper than ${depthMax} levels`)
  }
  const json = parseJson(text)
  if (json === undefined) throw fail('TG_BODY_INVALID', 'it is not JSON')
  if (!isRecord(json)) throw fail('TG_BODY_INVALID', 'it is JSON, but no object')
  return { bytes, json }
}

/** A quick look: a text with few brackets nests at most as deep. */
function mayNestDeeper(text: string): boolean {
  let brackets = 0
  for (const bracket of ['{', '[']) {
    for (let at = text.indexOf(bracket); at !== -1; at = text.indexOf(bracket, at + 1)) {
      brackets += 1
      if (brackets > depthMax) return true
    }
  }
  return false
}
