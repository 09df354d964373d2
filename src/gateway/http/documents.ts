import '@fastify/swagger'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { fail } from '../../registry/errors.ts'
import type { Registry } from '../../registry/registry.ts'
import { selectTools } from '../../registry/select.ts'
import { profiles, type ProfileName } from '../../registry/views/profiles.ts'
import type { OriginOf } from './origin.ts'
import { checkQuery, type Query, selectionOf, sliceParameters } from './query.ts'
import { sendDocument, toDocument } from './send-json.ts'

/** What the documents stand on. */
export type DocumentRoutesOptions = {
  registry: Registry
  originOf: OriginOf
  /** Asked anew by each request, since the first key may come while running. */
  readonly secured: boolean
}

const tags = ['documents']
const about = {
  core: { tags, summary: 'The OpenAPI document that every importer understands' },
  profile: { tags, summary: 'The OpenAPI document for full, dify, gpt, coze or openwebui' },
}

/** `GET /openapi.json` and one document for each profile of importers. */
export async function documentRoutes(
  app: FastifyInstance,
  options: DocumentRoutesOptions,
): Promise<void> {
  const { registry, originOf } = options
  const config = { access: 'document' as const }

  app.get('/openapi.json', { config, schema: about.core }, (request, reply) =>
    send(request, reply, 'core'),
  )
  app.get<{ Params: { file: string } }>(
    '/openapi/:file',
    { config, schema: about.profile },
    (request, reply) => {
      const name = request.params.file.replace(/\.json$/, '')
      if (!Object.hasOwn(profiles, name)) throw fail('TG_ROUTE_UNKNOWN', request.url)
      return send(request, reply, name as ProfileName)
    },
  )

  function send(
    request: FastifyRequest,
    reply: Parameters<typeof sendDocument>[1],
    name: ProfileName,
  ) {
    const query = request.query as Query
    checkQuery(query, sliceParameters)
    const view = registry.within(request.holder?.scope)
    const tools = selectTools(view, selectionOf(query))
    const origin = originOf(request)
    const { secured } = options
    const key = JSON.stringify([
      name,
      origin,
      secured,
      query['tools'],
      query['tags'],
      query['available'],
    ])
    const make = () => toDocument(profiles[name](tools, { origin, secured }, app.swagger()))
    return sendDocument(request, reply, view.memo(key, make))
  }
}
