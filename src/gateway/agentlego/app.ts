import { randomUUID } from 'node:crypto'
import formbody from '@fastify/formbody'
import multipart from '@fastify/multipart'
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyRequest,
  LogController,
} from 'fastify'
import { type Invoke, present } from '../../registry/call.ts'
import { fail } from '../../registry/errors.ts'
import type { Registry } from '../../registry/registry.ts'
import { agentlegoDocument } from '../../registry/views/agentlego-openapi.ts'
import { createFindAliased, invokeAliased } from '../alias-call.ts'
import { type AccessOptions, guardAccess, isSecured } from '../auth/access.ts'
import { readArguments, type StoreUpload } from '../http/arguments.ts'
import { writeCacheHeaders } from '../http/cache-headers.ts'
import { callContext } from '../http/call-context.ts'
import { answerBrokenFrame, timeoutsOf } from '../http/errors.ts'
import { parseJsonBodies } from '../http/json-body.ts'
import type { OriginOf } from '../http/origin.ts'
import { sendDocument, toDocument } from '../http/send-json.ts'
import { answerDetails } from './errors.ts'
import { type OpenArtifact, valuesOf } from './values.ts'

/** What the AgentLego face stands on. */
export type AgentLegoOptions = {
  registry: Registry
  invoke: Invoke
  access: AccessOptions
  originOf: OriginOf
  storeUpload: StoreUpload
  fileUrl: (request: FastifyRequest, id: string) => string
  openArtifact: OpenArtifact
  limits: { bodyBytesMax: number; fileBytesMax: number; redisMs: number; requestMs: number }
  log: FastifyBaseLogger
  /** Watches what is asked and answered. */
  watch?: (app: FastifyInstance) => void
}

/** An app of its own, for its own port: it speaks `agentlego-server`, so that its clients need no change. */
export async function buildAgentLegoApp(options: AgentLegoOptions): Promise<FastifyInstance> {
  const { limits, log } = options
  const app = fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: limits.bodyBytesMax,
    requestTimeout: limits.requestMs,
    http: timeoutsOf(limits),
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    genReqId: () => randomUUID(),
    childLoggerFactory: logger => logger,
    clientErrorHandler: answerBrokenFrame(limits),
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 500 },
  })
  answerDetails(app)
  parseJsonBodies(app)
  options.watch?.(app)
  guardAccess(app, options.access)
  await app.register(formbody, { bodyLimit: limits.bodyBytesMax })
  await app.register(multipart, {
    limits: {
      fileSize: limits.fileBytesMax,
      files: 10,
      fields: 200,
      fieldSize: limits.bodyBytesMax,
    },
  })
  await app.register(agentLegoRoutes, options)
  return app
}

async function agentLegoRoutes(app: FastifyInstance, options: AgentLegoOptions): Promise<void> {
  const { registry, invoke, storeUpload, fileUrl, openArtifact, originOf, access } = options
  const find = createFindAliased(registry, 'agentlego')

  app.get('/', { config: { access: 'document' } }, (_request, reply) =>
    reply.redirect('/openapi.json', 307),
  )
  app.get('/openapi.json', { config: { access: 'document' } }, (request, reply) => {
    // It names no servers, so it is the same under every address.
    const view = registry.within(request.holder?.scope)
    const secured = isSecured(access)
    const make = () =>
      toDocument(agentlegoDocument(view.available(), { origin: originOf(request), secured }))
    return sendDocument(request, reply, view.memo(`agentlego document ${secured}`, make))
  })

  app.post<{ Params: { name: string } }>(
    '/:name',
    { config: { access: 'key', face: 'agentlego' } },
    async (request, reply) => {
      const { name } = request.params
      const scope = request.holder?.scope
      const aliased = find(name, scope)
      if (!aliased) throw fail('TG_TOOL_UNKNOWN', name, registry.within(scope).nearest(name))
      const args = await readArguments(request, storeUpload)
      const context = callContext(request, reply, {
        face: 'agentlego',
        redisMs: options.limits.redisMs,
      })
      const answer = await invokeAliased(invoke, aliased, { args, context })
      const shown = present(answer, id => fileUrl(request, id))
      const values = await valuesOf(aliased, { answer, shown, openArtifact })
      writeCacheHeaders(reply, context.report)
      // A string that is sent is text to Fastify; here it is a JSON value.
      return reply.type('application/json').send(JSON.stringify(values))
    },
  )

  app.setNotFoundHandler(async (request, reply) => {
    const path = request.url.split('?')[0] ?? ''
    if (request.method === 'POST' || !find(path.slice(1), request.holder?.scope))
      throw fail('TG_ROUTE_UNKNOWN', path)
    reply.header('allow', 'POST')
    throw fail('TG_METHOD', request.method, ['POST'])
  })
}
