import type { FastifyInstance, FastifyRequest } from 'fastify'
import { fail } from '../../registry/errors.ts'
import type { Registry } from '../../registry/registry.ts'
import type { JsonObject } from '../../registry/tool.ts'
import { apiCatalog, apiCatalogType } from '../../registry/views/api-catalog.ts'
import { llmsTxt } from '../../registry/views/llms-txt.ts'
import { serverEntry, serverJson, serverList } from '../../registry/views/server-json.ts'
import type { ViewOptions } from '../../registry/views/view.ts'
import type { OriginOf } from './origin.ts'
import { checkQuery, numberOf, oneOf, type Query } from './query.ts'
import { sendDocument, toDocument, toText } from './send-json.ts'

/** What discovery stands on. */
export type DiscoveryOptions = {
  registry: Registry
  originOf: OriginOf
  /** Asked anew by each request, since the first key may come while running. */
  readonly secured: boolean
  version: string
  /** When this gateway was published, as an MCP registry says it; now, at the start. */
  startedAt?: Date
}
type Server = { Params: { server: string; version?: string } }

const filters = [
  'search',
  'version',
  'updated_since',
  'include_deleted',
  'limit',
  'cursor',
] as const

/**
 * Where programs look for what is here: `/.well-known/api-catalog` (RFC 9727), `/llms.txt`,
 * `/server.json`, and `/v0.1/servers` as an MCP registry with one server in it.
 */
export async function discoveryRoutes(
  app: FastifyInstance,
  options: DiscoveryOptions,
): Promise<void> {
  const { registry, originOf, version, startedAt = new Date() } = options
  const config = { access: 'document' as const }
  const at = startedAt.toISOString()
  const viewOf = (request: FastifyRequest): ViewOptions & { at: string } => ({
    origin: originOf(request),
    secured: options.secured,
    version,
    at,
  })
  const memo = <Value>(request: FastifyRequest, key: string, make: () => Value): Value =>
    registry
      .within(request.holder?.scope)
      .memo(`${key} ${options.secured} ${originOf(request)}`, make)

  app.get('/.well-known/api-catalog', { config }, (request, reply) => {
    reply.header('link', '</.well-known/api-catalog>; rel="api-catalog"')
    const make = () => toDocument(apiCatalog(viewOf(request)))
    return sendDocument(request, reply, memo(request, 'api-catalog', make), apiCatalogType)
  })

  app.get('/llms.txt', { config }, (request, reply) => {
    const make = () =>
      toText(llmsTxt(registry.within(request.holder?.scope).available(), viewOf(request)))
    return sendDocument(request, reply, memo(request, 'llms', make), 'text/plain; charset=utf-8')
  })

  app.get('/server.json', { config }, (request, reply) =>
    sendDocument(request, reply, toDocument(serverJson(viewOf(request)))),
  )

  app.get('/v0.1/servers', { config }, (request, reply) => {
    const view = viewOf(request)
    const found = isWanted(request.query as Query, serverJson(view), startedAt)
    const none = { servers: [], metadata: { count: 0 } }
    return sendDocument(request, reply, toDocument(found ? serverList(view) : none))
  })

  app.get<Server>('/v0.1/servers/:server/versions', { config }, (request, reply) => {
    checkServer(request)
    return sendDocument(request, reply, toDocument(serverList(viewOf(request))))
  })

  app.get<Server>('/v0.1/servers/:server/versions/:version', { config }, (request, reply) => {
    checkServer(request)
    const wanted = request.params.version ?? ''
    if (wanted !== version && wanted !== 'latest') throw fail('TG_NOT_FOUND', 'version', wanted)
    return sendDocument(request, reply, toDocument(serverEntry(viewOf(request))))
  })

  function checkServer(request: FastifyRequest<Server>): void {
    const { server } = request.params
    const { name } = serverJson(viewOf(request))
    if (server !== name) throw fail('TG_NOT_FOUND', 'server', server, `there is ${String(name)}`)
  }
}

/** True when our one server passes the filters of a listing. */
function isWanted(query: Query, server: JsonObject, startedAt: Date): boolean {
  checkQuery(query, filters)
  numberOf(query, 'limit', { min: 1, max: 100 })
  const [search, version, since] = ['search', 'version', 'updated_since'].map(name =>
    oneOf(query, name),
  )
  const sinceMs = since === undefined ? -Infinity : Date.parse(since)
  if (Number.isNaN(sinceMs)) throw fail('TG_QUERY', 'updated_since', 'must be an RFC 3339 date')
  // A cursor comes from a page before this one, and there is but one.
  if (oneOf(query, 'cursor') !== undefined) return false
  const named = search === undefined || String(server['name']).includes(search.toLowerCase())
  const fits = version === undefined || version === 'latest' || version === server['version']
  return named && fits && startedAt.getTime() > sinceMs
}
