import type { Dispatcher } from 'undici'
import { fail, failFrom, isToolError, type ToolError } from '../../registry/errors.ts'
import { affinityOf } from './affinity.ts'
import {
  attempt,
  type AnswerHeaders,
  type Ended,
  type NodeRequest,
  type StreamSink,
} from './dispatch.ts'
import type { Health, Meter } from './health.ts'
import type { Json } from './json.ts'
import type { LlmLimits } from './limits.ts'
import type { PoolNode } from './node.ts'
import { fits, type Want } from './pick.ts'
import { type NodeProblem, nodeProblem, refusalOf } from './problem.ts'
import { reasonOf } from './probe.ts'
import { noNode, type Roster } from './roster.ts'

/** One request to whichever node suits it. */
export type Exchange = {
  model: string | undefined
  /** What was asked: how it begins keeps it on the node that has its KV cache. */
  conversation?: Json | undefined
  signal: AbortSignal
  /** What to send to this very node: aliases, versions and prompt formats differ. */
  request(node: PoolNode): NodeRequest
  /** Bytes of a stream; absent = the answer is wanted whole. */
  sink?: StreamSink
  /** Bodies are left alone: an error hidden in a 200 stays hidden. */
  raw?: boolean
}

/** How an exchange ended: whole, or streamed into the sink (with the error that cut it, if any). */
export type Exchanged = { node: PoolNode; retries: number; queuedMs: number } & (
  | {
      kind: 'answer'
      status: number
      headers: AnswerHeaders
      body: Buffer
      /** The body read as text, and what it says went wrong; a raw answer was not read. */
      text?: string | undefined
      problem?: NodeProblem | undefined
    }
  | { kind: 'streamed'; error?: Error }
)

/** What the exchange works with. */
export type ExchangeOptions = {
  roster: Roster
  health: Health
  dispatcher: Dispatcher
  limits: LlmLimits
  now: () => number
  meter: Meter
  /** Each node was asked once. */
  ready: Promise<void>
}

type Verdict =
  | { moves: false; text?: string; problem?: NodeProblem | undefined }
  | { moves: true; error: ToolError; sameNode: boolean }

/** Makes the function that sends a request, and moves it on until its first byte is here. */
export function createExchange(options: ExchangeOptions): (asked: Exchange) => Promise<Exchanged> {
  const { roster, limits, now, meter, dispatcher } = options

  const once = async (node: PoolNode, asked: Exchange): Promise<Ended> => {
    const { signal, sink } = asked
    if (!sink) node.wholeInFlight += 1
    try {
      return await attempt(node, asked.request(node), { dispatcher, limits, signal, sink })
    } finally {
      if (!sink) node.wholeInFlight -= 1
      roster.release(node)
    }
  }
  return async asked => {
    const { model, conversation, signal } = asked
    const isChoice = roster.serving(model).length > 1
    const affinity = isChoice && conversation ? affinityOf(conversation) : undefined
    const refused = new Set<PoolNode>()
    const tried = new Set<PoolNode>()
    let queuedMs = 0
    let error: ToolError | undefined
    for (let retries = 0; ; retries += 1) {
      signal.throwIfAborted()
      const from = now()
      const node = await acquire({ model, affinity, refused, tried }, { signal, error }, options)
      queuedMs += now() - from
      const ended = await once(node, asked)
      const verdict = judge(node, ended, { asked, health: options.health })
      if (!verdict.moves && ended.kind !== 'failed') {
        const { text, problem } = verdict
        return { ...ended, text, problem, node, retries, queuedMs }
      }
      signal.throwIfAborted()
      if (!verdict.moves) continue
      if (retries + 1 >= limits.attemptsMax) throw verdict.error
      error = verdict.error
      ;(verdict.sameNode ? tried : refused).add(node)
      meter.metrics?.retries.inc({ node: node.url })
    }
  }
}

/** A node for the request, now or once there is one; what went wrong before is the better error. */
async function acquire(
  want: Want,
  { signal, error }: { signal: AbortSignal; error: ToolError | undefined },
  { roster, limits, ready, now }: ExchangeOptions,
): Promise<PoolNode> {
  const node = roster.take(want)
  if (node) return node
  await ready
  const near = roster
    .serving(want.model)
    .filter(one => !want.refused.has(one) && one.state !== 'draining')
  if (near.length === 0) throw error ?? noNode(want.model, 'no node serves it')
  const down = !near.some(one => fits(one, want))
  const got = await roster.queue.wait(want, {
    signal,
    waitMs: down ? limits.nodelessMs : limits.queueMs,
    queuedMax: limits.queuedMax * near.length,
  })
  if (got) return got
  signal.throwIfAborted()
  if (error) throw error
  if (down) {
    const why = `every node is down (${near[0]?.reason ?? 'not answering'})`
    throw noNode(want.model, why, nextProbeMs(near, now()))
  }
  throw fail('TG_BUSY', want.model ?? 'the model server', 1_000)
}

/** When the first of them is looked at again; undefined where none was ejected. */
function nextProbeMs(nodes: readonly PoolNode[], now: number): number | undefined {
  const ejected = nodes.filter(({ state }) => state === 'ejected')
  if (ejected.length === 0) return undefined
  return Math.max(1_000, Math.min(...ejected.map(node => node.ejectedUntil)) - now)
}

type Judging = { asked: Exchange; health: Health }

/** Whether that was an answer, or a reason to try another node. */
function judge(node: PoolNode, ended: Ended, { asked, health }: Judging): Verdict {
  const { signal, raw } = asked
  if (ended.kind === 'failed') {
    if (!signal.aborted) health.failed(node, ended.error, ended.connected)
    return { moves: true, error: unreachable(node, ended.error), sameNode: true }
  }
  if (ended.kind === 'streamed') {
    if (!ended.error) health.succeeded(node)
    else if (!signal.aborted) health.failed(node, ended.error, true)
    return { moves: false }
  }
  if (raw === true && ended.status < 500) {
    health.succeeded(node)
    return { moves: false }
  }
  const text = ended.body.toString()
  const problem = nodeProblem(ended.status, text)
  if (!problem || !isNodesFault(problem.status)) {
    health.succeeded(node)
    return { moves: false, text, problem }
  }
  const { status, message } = problem
  const restMs = retryAfterMs(ended.headers)
  if (status === 503 && /sleep/i.test(message)) health.asleep(node, message)
  else if (status === 503 || status === 429) health.eject(node, message, restMs)
  else if (status >= 500) health.failed(node, new Error(message), true)
  else {
    node.modelsAt = 0
    void health.probe(node)
  }
  return { moves: true, error: refusalOf(problem, node.url, restMs), sameNode: false }
}

/** Another node may do better: overload, a crash, a wrong key, a model that left. */
const isNodesFault = (status: number): boolean =>
  status >= 500 || status === 429 || status === 401 || status === 403 || status === 404

function retryAfterMs(headers: AnswerHeaders): number {
  const seconds = Number(headers['retry-after'])
  return Number.isFinite(seconds) ? Math.min(seconds, 60) * 1_000 : 0
}

function unreachable(node: PoolNode, error: Error): ToolError {
  if (isToolError(error)) return error
  return /TIMEOUT/.test(reasonOf(error))
    ? failFrom(error, 'TG_DEADLINE', `the model server ${node.url}`, 60_000)
    : failFrom(error, 'TG_UPSTREAM_UNREACHABLE', node.url, reasonOf(error))
}
