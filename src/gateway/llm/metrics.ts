import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Pool } from './pool.ts'

/** What the LLM side counts, per model and node. */
export type LlmMetrics = {
  requests: Counter<'model' | 'node' | 'surface' | 'status'>
  tokens: Counter<'model' | 'node' | 'kind'>
  firstToken: Histogram<'model' | 'node'>
  betweenTokens: Histogram<'model' | 'node'>
  queued: Histogram<'model'>
  retries: Counter<'node'>
  ejections: Counter<'node'>
  /** Gauges are read off the pool when somebody asks. */
  watch(pool: Pool): void
}

const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** Registers the LLM side's metrics. */
export function createLlmMetrics(registry: Registry): LlmMetrics {
  const registers = [registry]
  return {
    requests: new Counter({
      name: 'toolgate_llm_requests_total',
      help: 'Requests to models, by the status the client saw.',
      labelNames: ['model', 'node', 'surface', 'status'],
      registers,
    }),
    tokens: new Counter({
      name: 'toolgate_llm_tokens_total',
      help: 'Tokens as the nodes counted them.',
      labelNames: ['model', 'node', 'kind'],
      registers,
    }),
    firstToken: new Histogram({
      name: 'toolgate_llm_first_token_seconds',
      help: 'From the request to the first byte of a stream.',
      labelNames: ['model', 'node'],
      buckets: seconds,
      registers,
    }),
    betweenTokens: new Histogram({
      name: 'toolgate_llm_between_tokens_seconds',
      help: 'Between two chunks of a stream, its mean.',
      labelNames: ['model', 'node'],
      buckets: seconds,
      registers,
    }),
    queued: new Histogram({
      name: 'toolgate_llm_queue_seconds',
      help: 'Time spent waiting for a node with room.',
      labelNames: ['model'],
      buckets: seconds,
      registers,
    }),
    retries: new Counter({
      name: 'toolgate_llm_retries_total',
      help: 'Requests that moved away from a node.',
      labelNames: ['node'],
      registers,
    }),
    ejections: new Counter({
      name: 'toolgate_llm_ejections_total',
      help: 'Times a node was taken out.',
      labelNames: ['node'],
      registers,
    }),
    watch: pool => watchPool(pool, registers),
  }
}

function watchPool(pool: Pool, registers: Registry[]): void {
  new Gauge({
    name: 'toolgate_llm_node_in_flight',
    help: 'Requests a node is working on.',
    labelNames: ['node'],
    registers,
    collect() {
      this.reset()
      for (const { url, inFlight } of pool.nodes()) this.set({ node: url }, inFlight)
    },
  })
  new Gauge({
    name: 'toolgate_llm_node_queued',
    help: 'Requests waiting for a model that the node has.',
    labelNames: ['node'],
    registers,
    collect() {
      this.reset()
      for (const { url, queued } of pool.nodes()) this.set({ node: url }, queued)
    },
  })
  new Gauge({
    name: 'toolgate_llm_node_ready',
    help: '1 while a node takes requests.',
    labelNames: ['node'],
    registers,
    collect() {
      this.reset()
      for (const { url, state } of pool.nodes()) this.set({ node: url }, state === 'ready' ? 1 : 0)
    },
  })
}
