import type { FastifyInstance } from 'fastify'
import ipaddr from 'ipaddr.js'
import Type, { type Static } from 'typebox'
import { Check, Errors } from 'typebox/schema'
import { fail } from '../../../registry/errors.ts'
import { isForwarded } from '../../auth/access.ts'
import { isRecord, textOf } from '../json.ts'
import type { NodeSpec } from '../node.ts'
import type { Pool } from '../pool.ts'
import type { SharedNodes } from '../shared-nodes.ts'

/** Who may register by LMDeploy's own `--proxy-url`: nobody, unless the operator says so. */
export type Registration = { allow: () => readonly string[]; key?: string }

const Model = Type.Union([
  Type.String({ minLength: 1, maxLength: 512 }),
  Type.Object(
    { id: Type.String({ minLength: 1 }), model: Type.String({ minLength: 1 }) },
    { additionalProperties: false },
  ),
])
const NodeBody = Type.Object(
  {
    url: Type.String({ minLength: 1, maxLength: 2_048 }),
    models: Type.Optional(Type.Array(Model, { maxItems: 1_000 })),
    key: Type.Optional(Type.String({ minLength: 1, maxLength: 4_096 })),
    weight: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1_000 })),
    concurrency: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
    version: Type.Optional(Type.String({ pattern: '^v?\\d+\\.\\d+' })),
    raw: Type.Optional(Type.Boolean()),
    tools: Type.Optional(Type.Enum(['native', 'internlm', 'qwen', 'llama3', 'react'])),
    vision: Type.Optional(Type.Boolean()),
    native: Type.Optional(Type.Array(Type.Enum(['messages', 'responses']))),
  },
  { additionalProperties: false },
)

/** Checks a node's entry, from a request or from config. */
export function parseNodeSpec(value: unknown): NodeSpec {
  if (Check(NodeBody, value)) return value as Static<typeof NodeBody> & NodeSpec
  const [, errors] = Errors(NodeBody, value)
  const said = errors
    .filter(({ keyword }) => keyword !== 'boolean')
    .slice(0, 3)
    .map(
      ({ instancePath, message }) =>
        `${instancePath.slice(1).replaceAll('/', '.') || 'the node'} ${message}`,
    )
  throw fail('TG_REQUEST_INVALID', said.join('; ') || 'the node is malformed')
}

/** The pool that is shown and changed, and who may join it. */
export type NodeRouteOptions = { pool: Pool; registration: Registration; shared: SharedNodes }

/** The pool's own routes. Their errors have the gateway's shape, not OpenAI's. */
export function nodeRoutes(
  app: FastifyInstance,
  { pool, registration, shared }: NodeRouteOptions,
): void {
  const admin = { config: { access: 'admin' as const } }
  app.get('/llm/nodes', admin, () => ({ nodes: pool.nodes() }))
  app.post('/llm/nodes', admin, async (request, reply) => {
    const spec = parseNodeSpec(request.body)
    const view = await pool.add(spec)
    await shared.put(spec)
    return reply.code(201).send(view)
  })
  app.delete('/llm/nodes', admin, async request => {
    const { url } = request.query as { url?: unknown }
    if (typeof url !== 'string') throw fail('TG_QUERY', 'url', 'must name the node')
    const view = pool.drain(url)
    if (!view) throw fail('TG_NOT_FOUND', 'node', url, 'GET /llm/nodes lists them')
    await shared.remove(url)
    return view
  })
  app.post('/nodes/add', { config: { access: 'open' } }, async request => {
    // An address vouches for a server there, not for a web page or for what a proxy sends on.
    const isServer = request.headers.origin === undefined && !isForwarded(request)
    if (!isServer || !isAllowed(request.socket.remoteAddress, registration.allow()))
      throw fail('TG_ROUTE_UNKNOWN', '/nodes/add')
    const spec = registeredSpec(request.body, request.socket.remoteAddress ?? '', registration)
    await pool.add(spec)
    await shared.put(spec)
    return 'Added successfully'
  })
}

/** True when the peer's address is one of the allowed addresses or ranges. */
export function isAllowed(address: string | undefined, allow: readonly string[]): boolean {
  if (address === undefined || !ipaddr.isValid(address)) return false
  const peer = ipaddr.process(address)
  return allow.some(entry => {
    const range = entry.includes('/') ? ipaddr.parseCIDR(entry) : undefined
    if (!range) return ipaddr.isValid(entry) && ipaddr.process(entry).toString() === peer.toString()
    return range[0].kind() === peer.kind() && peer.match(range)
  })
}

/** What an api_server sends at its start; `0.0.0.0` is where it listens, not where it is. */
function registeredSpec(body: unknown, peer: string, { key }: Registration): NodeSpec {
  if (!isRecord(body)) throw fail('TG_BODY_INVALID', 'it is no object')
  const url = URL.parse(textOf(body['url']) ?? '')
  if (!url) throw fail('TG_REQUEST_INVALID', 'url must be the address of the api_server')
  if (url.hostname === '0.0.0.0' || url.hostname === '[::]') {
    const address = ipaddr.process(peer)
    url.hostname = address.kind() === 'ipv6' ? `[${address.toString()}]` : address.toString()
  }
  const models = isRecord(body['status']) ? body['status']['models'] : undefined
  const named = Array.isArray(models) ? models.filter(model => typeof model === 'string') : []
  return { url: url.href, ...(named.length > 0 ? { models: named } : {}), ...(key ? { key } : {}) }
}
