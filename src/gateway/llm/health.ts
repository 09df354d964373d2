import type { Dispatcher } from 'undici'
import { fail } from '../../registry/errors.ts'
import type { LlmLimits } from './limits.ts'
import type { LlmMetrics } from './metrics.ts'
import type { PoolNode } from './node.ts'
import { probeNode, reasonOf, type ProbeResult } from './probe.ts'
import type { Roster } from './roster.ts'

/** Structured logging; messages are constants, facts are data. */
export type LlmLog = {
  [Level in 'info' | 'warn' | 'error']: (data: object, message: string) => void
}

/** Where retries and ejections are counted, once somebody does. */
export type Meter = { metrics?: LlmMetrics }

/** What the watch over the nodes works with. */
export type HealthOptions = {
  roster: Roster
  dispatcher: Dispatcher
  limits: LlmLimits
  now: () => number
  random: () => number
  log: LlmLog
  meter: Meter
}

/** Knows which nodes are well: asks them, and learns from how requests end. */
export type Health = {
  /** A request failed there; `connected` says whether the node was reached at all. */
  failed(node: PoolNode, error: Error, connected: boolean): void
  succeeded(node: PoolNode): void
  eject(node: PoolNode, reason: string, atLeastMs?: number): void
  /** It said that it sleeps. */
  asleep(node: PoolNode, reason: string): void
  probe(node: PoolNode): Promise<void>
  probeAll(): Promise<void>
  close(): void
}

/** Starts looking after the nodes of a roster. */
export function createHealth(options: HealthOptions): Health {
  const { roster, limits, now, log, meter } = options
  let closed = false

  function eject(node: PoolNode, reason: string, atLeastMs = 0): void {
    if (node.state === 'draining') return
    // What else was under way there fails with it: that is the same fall.
    const leftMs = node.state === 'ejected' ? node.ejectedUntil - now() : 0
    if (leftMs > 0 && leftMs >= atLeastMs) return
    const restMs = leftMs > 0 ? atLeastMs : Math.max(atLeastMs, restOf(node, options))
    if (leftMs <= 0) node.ejections = Math.min(node.ejections + 1, 16)
    const until = now() + restMs
    node.ejectedUntil = until
    node.reason = reason
    if (node.state !== 'ejected') {
      node.state = 'ejected'
      meter.metrics?.ejections.inc({ node: node.url })
      log.warn({ node: node.url, reason }, 'llm node ejected')
    }
    forget(node)
    setTimeout(() => rested(node, until), restMs).unref()
  }
  /** The timer says when: the clock may be a moment behind it, or have been set back by an hour. */
  function rested(node: PoolNode, until: number): void {
    if (node.ejectedUntil !== until) return
    node.ejectedUntil = now()
    void probe(node)
  }
  function asleep(node: PoolNode, reason: string): void {
    if (node.state === 'draining') return
    node.state = 'sleeping'
    node.reason = reason
  }
  function silent(node: PoolNode, reason: string): void {
    node.probeFailures += 1
    if (node.probeFailures < silencesAllowed(node, limits)) return
    eject(node, reason)
    moveOn(node, reason)
  }
  function apply(node: PoolNode, result: ProbeResult): void {
    learn(node, result, now())
    const reason = result.reason ?? result.outcome
    if (result.outcome === 'well') readmit(node, log)
    else if (result.outcome === 'sleeping') asleep(node, reason)
    else if (result.outcome === 'silent') silent(node, reason)
    else {
      eject(node, reason)
      if (result.outcome === 'gone') moveOn(node, reason)
    }
  }
  async function probe(node: PoolNode): Promise<void> {
    if (node.probing || closed || !roster.nodes.includes(node)) return
    if (node.state === 'ejected' && now() < node.ejectedUntil) return
    node.probing = true
    const result = await probeNode(node, options)
    node.probing = false
    if (closed) return
    apply(node, result)
    roster.refresh()
  }
  const probeAll = async (): Promise<void> => {
    await Promise.all(roster.nodes.map(probe))
  }
  const timer = setInterval(() => void probeAll(), limits.probeMs).unref()

  return {
    eject,
    asleep,
    probe,
    probeAll,
    failed(node, error, connected) {
      node.failures += 1
      if (!connected || node.failures >= limits.failuresMax) eject(node, reasonOf(error))
      else void probe(node)
    },
    succeeded(node) {
      node.failures = 0
      node.probeFailures = 0
    },
    close() {
      closed = true
      clearInterval(timer)
    },
  }
}

/** Twice as long each time, and never all nodes at once. */
const restOf = (node: PoolNode, { limits, random }: HealthOptions): number =>
  Math.min(limits.ejectMs * 2 ** node.ejections, limits.ejectMsMax) * (0.5 + random())

/** It may come back as another version, with other models. */
function forget(node: PoolNode): void {
  if (node.spec.version === undefined) node.era = undefined
  node.hasHealth = undefined
  node.modelsAt = 0
}

/** An old node behind its semaphore answers no probe while it generates a whole answer. */
function silencesAllowed(node: PoolNode, limits: LlmLimits): number {
  if (node.state !== 'ready') return 1
  return node.wholeInFlight > 0 ? limits.probeFailuresBusyMax : limits.probeFailuresMax
}

/** Requests that a dead node has not begun to answer go to another one. */
function moveOn(node: PoolNode, reason: string): void {
  for (const abort of node.waiting) abort(fail('TG_UPSTREAM_UNREACHABLE', node.url, reason))
}

function learn(node: PoolNode, { hasHealth, era, models }: ProbeResult, at: number): void {
  if (hasHealth !== undefined) node.hasHealth = hasHealth
  if (era && node.spec.version === undefined) node.era = era
  if (!models) return
  node.modelsAt = at
  node.modelsKnown = true
  if (!node.spec.models) node.models = new Map(models.map(model => [model, model]))
}

function readmit(node: PoolNode, log: LlmLog): void {
  if (node.state === 'draining') return
  if (node.state !== 'ready') log.info({ node: node.url, was: node.state }, 'llm node ready')
  node.state = 'ready'
  node.failures = 0
  node.probeFailures = 0
  node.ejections = 0
  node.reason = undefined
}
