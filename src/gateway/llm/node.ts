import { fail } from '../../registry/errors.ts'
import { hostProblem } from '../http/guard-address.ts'

/** The prompt formats in which the gateway can offer tools itself. */
export type FamilyName = 'internlm' | 'qwen' | 'llama3' | 'react'
/** A model as clients name it, where the node knows it by another name. */
export type ModelSpec = string | { id: string; model: string }

/** One LMDeploy server, as config, `LMDEPLOY_URL` or `POST /llm/nodes` states it. */
export type NodeSpec = {
  url: string
  /** What it serves; absent = it is asked. */
  models?: ModelSpec[]
  /** Its own key; clients' keys never reach a node. */
  key?: string
  /** How much it takes beside others; 2 gets twice the requests of 1. */
  weight?: number
  /** Requests at once. */
  concurrency?: number
  /** LMDeploy's version, where it is known; else it is guessed from the routes the node has. */
  version?: string
  /** Nothing is mended in its answers. */
  raw?: boolean
  /** `native`: it parses tool calls itself; a family: the gateway does, in that format. */
  tools?: 'native' | FamilyName
  /** Its model sees pictures. */
  vision?: boolean
  /** Surfaces beside chat that may be passed to it as they are. */
  native?: ('messages' | 'responses')[]
}

/** How a node stands: only a `ready` one gets requests. */
export type NodeState = 'starting' | 'ready' | 'sleeping' | 'ejected' | 'draining'

/** LMDeploy's minor version, as far as it is known: between `min` and `max`. */
export type Era = { min: number; max: number }

/** A node in the pool, with all that was learned of it. */
export type PoolNode = {
  readonly spec: NodeSpec
  /** Without trailing slash and `/v1`: the node's name in lists and metrics. */
  readonly url: string
  readonly origin: string
  readonly prefix: string
  readonly headers: Readonly<Record<string, string>>
  readonly weight: number
  readonly concurrency: number
  /** For rendezvous hashing. */
  readonly seed: number
  state: NodeState
  /** What clients call a model → what the node calls it. */
  models: Map<string, string>
  modelsKnown: boolean
  modelsAt: number
  era: Era | undefined
  /** False once it was seen to have no `/health`. */
  hasHealth: boolean | undefined
  /** Models that answered 400 to tools. */
  toolless: Set<string>
  inFlight: number
  /** Requests in flight that answer only when they are whole. */
  wholeInFlight: number
  failures: number
  ejections: number
  ejectedUntil: number
  reason: string | undefined
  probeFailures: number
  probing: boolean
  /** Attempts that no byte has come for: they are moved when the node turns out to be dead. */
  waiting: Set<(reason: Error) => void>
}

/** A node as `GET /llm/nodes` shows it. */
export type NodeView = {
  url: string
  state: NodeState
  version?: string
  models: string[]
  inFlight: number
  queued: number
  ejectedUntil?: string
  reason?: string
}

/** Checks a spec and makes the node of it. */
export function createNode(spec: NodeSpec, limits: { concurrency: number }): PoolNode {
  const { origin, prefix } = nodeAddress(spec.url)
  const name = origin + prefix
  return {
    spec,
    url: name,
    origin,
    prefix,
    headers: spec.key ? { authorization: `Bearer ${spec.key}` } : {},
    weight: spec.weight ?? 1,
    concurrency: spec.concurrency ?? limits.concurrency,
    seed: hashText(name),
    state: 'starting',
    models: new Map(spec.models?.map(model => pair(model))),
    modelsKnown: spec.models !== undefined,
    modelsAt: 0,
    era: spec.version === undefined ? undefined : eraOf(spec.version),
    hasHealth: undefined,
    toolless: new Set(),
    inFlight: 0,
    wholeInFlight: 0,
    failures: 0,
    ejections: 0,
    ejectedUntil: 0,
    reason: undefined,
    probeFailures: 0,
    probing: false,
    waiting: new Set(),
  }
}

const pair = (model: ModelSpec): [string, string] =>
  typeof model === 'string' ? [model, model] : [model.id, model.model]

/** What people write, with a slash or `/v1` at its end, as origin and path. */
function nodeAddress(text: string): { origin: string; prefix: string } {
  const { origin, pathname } = nodeUrl(text)
  return { origin, prefix: pathname.replace(/\/+$/, '').replace(/\/v1$/, '') }
}

/** A node's name in lists: its address, however it was written. */
export function nodeName(text: string): string {
  const { origin, prefix } = nodeAddress(text)
  return origin + prefix
}

/** An operator's node may be private, never link-local: that is where clouds keep their metadata. */
function nodeUrl(text: string): URL {
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw fail('TG_REQUEST_INVALID', `the node's url ${JSON.stringify(text)} is not an http URL`)
  }
  if (url.username || url.password || url.search || url.hash) {
    throw fail(
      'TG_REQUEST_INVALID',
      "the node's url takes no user, query or fragment; a key goes in `key`",
    )
  }
  const problem = hostProblem(url.hostname, 'private')
  if (problem) throw fail('TG_URL_REFUSED', text, problem)
  return url
}

function eraOf(version: string): Era {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number)
  const at = major > 0 ? 1_000 : minor
  return { min: at, max: at }
}

/** Tells the era from the routes in a node's own OpenAPI document. */
export function eraFromRoutes(paths: readonly string[]): Era | undefined {
  const has = (path: string): boolean => paths.includes(path)
  if (has('/nodes/status')) return undefined
  if (has('/update_weights_from_ipc')) return { min: 18, max: 1_000 }
  if (has('/v1/responses')) return { min: 14, max: 17 }
  if (has('/v1/messages')) return { min: 13, max: 13 }
  if (!has('/v1/chat/completions')) return undefined
  return has('/health') ? { min: 5, max: 12 } : { min: 0, max: 4 }
}

/** True when the node is surely of this minor version or newer. */
export const surelyFrom = (node: PoolNode, minor: number): boolean => (node.era?.min ?? 0) >= minor
/** True when the node may be older than this minor version. */
export const maybeBelow = (node: PoolNode, minor: number): boolean => (node.era?.min ?? 0) < minor

function versionOf({ spec, era }: PoolNode): string | undefined {
  if (spec.version) return spec.version
  if (!era) return undefined
  if (era.min === 0) return `<0.${era.max + 1}`
  return era.min === era.max ? `0.${era.min}` : `>=0.${era.min}`
}

/** The public face of a node: no key in it. */
export function viewOf(node: PoolNode, queued: number): NodeView {
  const version = versionOf(node)
  return {
    url: node.url,
    state: node.state,
    ...(version ? { version } : {}),
    models: [...node.models.keys()],
    inFlight: node.inFlight,
    queued,
    ...(node.state === 'ejected'
      ? { ejectedUntil: new Date(node.ejectedUntil).toISOString() }
      : {}),
    ...(node.reason && node.state !== 'ready' ? { reason: node.reason } : {}),
  }
}

/** A 32-bit hash (FNV-1a): for spreading, not for secrets. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  }
  return hash >>> 0
}
