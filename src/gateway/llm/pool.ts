import { Agent, type Dispatcher } from 'undici'
import { fail } from '../../registry/errors.ts'
import { createExchange, type Exchange, type Exchanged } from './exchange.ts'
import { createHealth, type LlmLog, type Meter } from './health.ts'
import { type LlmLimits, llmLimits } from './limits.ts'
import type { LlmMetrics } from './metrics.ts'
import {
  createNode,
  nodeName,
  type NodeSpec,
  type NodeView,
  type PoolNode,
  viewOf,
} from './node.ts'
import { pickNode } from './pick.ts'
import { createRoster } from './roster.ts'

/** The nodes to begin with, and what the pool works with. */
export type PoolOptions = {
  nodes: readonly NodeSpec[]
  /** The way to the nodes; default: an agent whose idle sockets die before LMDeploy closes them. */
  dispatcher?: Dispatcher
  /** Around every request to a node. */
  interceptors?: Dispatcher.DispatchInterceptor[]
  now?: () => number
  random?: () => number
  log: LlmLog
  limits?: Partial<LlmLimits>
}

/** The nodes, and the way to them. */
export type Pool = {
  readonly limits: LlmLimits
  readonly now: () => number
  readonly log: LlmLog
  exchange(exchange: Exchange): Promise<Exchanged>
  nodes(): NodeView[]
  models(): string[]
  /** The name under which a model is served, or an error that names the nearest. */
  resolve(model: string, sees?: (model: string) => boolean): Promise<string>
  /** A node that would get a request for this model now. */
  peek(model: string | undefined): PoolNode | undefined
  add(spec: NodeSpec): Promise<NodeView>
  /** Sends it nothing new; it leaves once its last request is done. Undefined = no such node. */
  drain(url: string): NodeView | undefined
  /** One round of probes; runs by itself every `probeMs`. */
  probe(): Promise<void>
  /** Resolves when each node was asked once. */
  ready(): Promise<void>
  /** Counts retries and ejections from now on. */
  measure(metrics: LlmMetrics): void
  close(): Promise<void>
}

/** Makes the pool and asks each node how it is. */
export function createPool(options: PoolOptions): Pool {
  const { log, now = Date.now, random = Math.random } = options
  const meter: Meter = {}
  const limits: LlmLimits = { ...llmLimits, ...options.limits }
  const dispatcher = options.dispatcher ?? createAgent(limits).compose(options.interceptors ?? [])
  const roster = createRoster(options.nodes.map(spec => createNode(spec, limits)))
  const health = createHealth({ roster, dispatcher, limits, now, random, log, meter })
  const ready = health.probeAll()
  const exchange = createExchange({ roster, health, dispatcher, limits, now, meter, ready })
  const view = (node: PoolNode): NodeView => viewOf(node, roster.queue.waitingFor(node))
  return {
    limits,
    now,
    log,
    exchange,
    probe: () => health.probeAll(),
    ready: () => ready,
    nodes: () => roster.nodes.map(view),
    models: () => roster.models(),
    async resolve(model, sees) {
      if (roster.serving(model).length > 0 && (sees?.(model) ?? true)) return model
      await ready
      return roster.resolve(model, sees)
    },
    peek(model) {
      const nodes = roster.serving(model)
      const want = {
        model,
        affinity: undefined,
        refused: new Set<never>(),
        tried: new Set<never>(),
      }
      return pickNode(nodes, want) ?? nodes[0]
    },
    async add(spec) {
      const node = createNode(spec, limits)
      const old = roster.nodes.find(({ url }) => url === node.url)
      if (!old && roster.nodes.length >= limits.nodesMax) {
        throw fail('TG_TOO_LARGE', 'the pool', `${limits.nodesMax} nodes`)
      }
      roster.put(node)
      await health.probe(node)
      return view(node)
    },
    drain(url) {
      const node = roster.nodes.find(one => one.url === nodeName(url))
      if (!node) return undefined
      node.state = 'draining'
      node.reason = 'asked to leave'
      if (node.inFlight === 0) roster.remove(node)
      return view(node)
    },
    measure(metrics) {
      meter.metrics = metrics
    },
    async close() {
      health.close()
      roster.queue.close()
      if (!options.dispatcher) await dispatcher.destroy()
    },
  }
}

const createAgent = (limits: LlmLimits): Agent =>
  new Agent({
    keepAliveTimeout: limits.idleSocketMs,
    keepAliveMaxTimeout: limits.idleSocketMs,
    connect: { timeout: limits.connectMs },
    pipelining: 1,
    allowH2: false,
  })
