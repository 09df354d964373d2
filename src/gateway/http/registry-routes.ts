import '@fastify/swagger'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { fail } from '../../registry/errors.ts'
import type { Registry, RegistryView } from '../../registry/registry.ts'
import { searchOf } from '../../registry/search.ts'
import { selectTools } from '../../registry/select.ts'
import type { Tool } from '../../registry/tool.ts'
import { toCard } from '../../registry/views/card.ts'
import { dialects, type DialectName } from '../../registry/views/dialects.ts'
import type { OriginOf } from './origin.ts'
import {
  checkQuery,
  flagOf,
  listOf,
  numberOf,
  oneOf,
  type Query,
  selectionOf,
  sliceParameters,
} from './query.ts'
import { sendDocument, toDocument } from './send-json.ts'

/** Bounds of a page of the listing. */
export const listingLimits = { limitMax: 1_000, limitDefault: 100 } as const

/** What listings and dialects stand on. */
export type RegistryRoutesOptions = {
  registry: Registry
  originOf: OriginOf
  /** Asked anew by each request, since the first key may come while running. */
  readonly secured: boolean
}
type Entry = { tool: Tool; score?: number }
const filters = ['q', 'tag', 'category', 'source', 'available', 'limit', 'cursor']

const tags = ['registry']
const about = {
  list: { tags, summary: 'The tools, filtered and in pages' },
  search: { tags, summary: 'Tools found by words, Chinese or English, best first' },
  card: { tags, summary: 'One tool: schemas, examples, availability and how to call it' },
  dialect: { tags, summary: 'The tools as function schemas of a dialect' },
  utcp: { tags, summary: 'The tools as a UTCP manual' },
}

/** `GET /registry`, its search, cards and every dialect. */
export async function registryRoutes(
  app: FastifyInstance,
  options: RegistryRoutesOptions,
): Promise<void> {
  const { registry, originOf } = options
  const viewFor = ({ holder }: FastifyRequest): RegistryView => registry.within(holder?.scope)
  const search = searchOf(registry)
  const config = { access: 'document' as const }

  app.get('/registry', { config, schema: about.list }, async (request, reply) =>
    sendListing(request, reply, await listing(request)),
  )

  app.get('/registry/search', { config, schema: about.search }, async (request, reply) => {
    if (oneOf(request.query as Query, 'q') === undefined)
      throw fail('TG_QUERY', 'q', 'is missing: say what to search for')
    return sendListing(request, reply, await listing(request))
  })

  app.get<{ Params: { name: string } }>(
    '/registry/tools/:name',
    { config, schema: about.card },
    (request, reply) => {
      const { name } = request.params
      checkQuery(request.query as Query, [])
      const view = viewFor(request)
      const tool = view.get(name)
      if (!tool) throw fail('TG_TOOL_UNKNOWN', name, view.nearest(name))
      return sendDocument(request, reply, toDocument(card(tool, originOf(request))))
    },
  )

  app.get<{ Params: { dialect: string } }>(
    '/registry/:dialect',
    { config, schema: about.dialect },
    (request, reply) => {
      const name = request.params.dialect
      if (!Object.hasOwn(dialects, name)) throw fail('TG_ROUTE_UNKNOWN', `/registry/${name}`)
      return sendDialect(request, reply, name as DialectName)
    },
  )
  app.get('/utcp', { config, schema: about.utcp }, (request, reply) =>
    sendDialect(request, reply, 'utcp'),
  )

  type Sent = Parameters<typeof sendDocument>

  function sendDialect(request: FastifyRequest, reply: Sent[1], name: DialectName) {
    const query = request.query as Query
    checkQuery(query, [...sliceParameters, 'strict', ...(name === 'lagent' ? ['form'] : [])])
    const seen = viewFor(request)
    const tools = selectTools(seen, selectionOf(query))
    const form = oneOf(query, 'form')
    if (form !== undefined && form !== 'internlm2')
      throw fail('TG_QUERY', 'form', `must be "internlm2", not "${form}"`)
    const view = {
      origin: originOf(request),
      secured: options.secured,
      strict: flagOf(query, 'strict') ?? false,
      ...(form ? { form } : {}),
    }
    const key = JSON.stringify([name, view, query['tools'], query['tags'], query['available']])
    return sendDocument(
      request,
      reply,
      seen.memo(key, () => toDocument(dialects[name](tools, view))),
    )
  }

  function sendListing(request: FastifyRequest, reply: Sent[1], page: object) {
    return sendDocument(request, reply, toDocument(page))
  }

  async function listing(request: FastifyRequest): Promise<object> {
    const query = request.query as Query
    checkQuery(query, filters)
    const { limitMax, limitDefault } = listingLimits
    const limit = numberOf(query, 'limit', { min: 1, max: limitMax }) ?? limitDefault
    const offset = readCursor(oneOf(query, 'cursor'))
    const found = await filter(query, viewFor(request))
    const page = found.slice(offset, offset + limit)
    const origin = originOf(request)
    return {
      revision: registry.revision,
      total: found.length,
      tools: page.map(({ tool, score }) => ({
        ...card(tool, origin),
        ...(score === undefined ? {} : { score: Math.round(score * 1000) / 1000 }),
      })),
      ...(offset + limit < found.length ? { nextCursor: writeCursor(offset + limit) } : {}),
    }
  }

  async function filter(query: Query, view: RegistryView): Promise<readonly Entry[]> {
    const words = oneOf(query, 'q')
    const tags = listOf(query, 'tag')
    const categories = listOf(query, 'category')
    const sources = listOf(query, 'source')
    const available = oneOf(query, 'available') === 'all' ? undefined : flagOf(query, 'available')
    const entries: readonly Entry[] = words
      ? await search(words, view)
      : view.memo('entries', () => view.list().map(tool => ({ tool })))
    if (!tags && !categories && !sources && available === undefined) return entries
    return entries.filter(
      ({ tool }) =>
        (tags?.some(tag => tool.tags.includes(tag)) ?? true) &&
        (categories?.includes(tool.category) ?? true) &&
        (sources?.includes(tool.source) ?? true) &&
        (available === undefined || available === !registry.unavailable(tool.name)),
    )
  }

  function card(tool: Tool, origin: string): object {
    const { secured } = options
    return registry.memo(`card ${secured} ${origin} ${tool.name}`, () =>
      toCard(tool, { origin, secured, unavailable: registry.unavailable(tool.name) }),
    )
  }
}

const writeCursor = (offset: number): string => Buffer.from(String(offset)).toString('base64url')
function readCursor(cursor: string | undefined): number {
  if (cursor === undefined) return 0
  const text = Buffer.from(cursor, 'base64url').toString()
  if (!/^\d{1,9}$/.test(text)) throw fail('TG_QUERY', 'cursor', 'is not one that a listing gave')
  return Number(text)
}
