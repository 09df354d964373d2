import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { type Invoke, present } from '../../registry/call.ts'
import { fail } from '../../registry/errors.ts'
import type { Registry } from '../../registry/registry.ts'
import { agentlegoDocument } from '../../registry/views/agentlego-openapi.ts'
import { createAliasCalls } from '../alias-call.ts'
import { type AccessOptions, guardAccess, isSecured } from '../auth/access.ts'
import type { StoreUpload } from '../http/arguments.ts'
import { refuseOddFrames } from '../http/frames.ts'
import { lingerOnErrors } from '../http/linger.ts'
import { parseJsonBodies } from '../http/json-body.ts'
import type { OriginOf } from '../http/origin.ts'
import { readForms, type ServerFacts, serverOptions } from '../http/server.ts'
import { sendDocument, toDocument } from '../http/send-json.ts'
import { answerBadPath, answerDetails } from './errors.ts'
import { type OpenArtifact, valuesOf } from './values.ts'

/** What the AgentLego face stands on. */
export type AgentLegoOptions = ServerFacts & {
  registry: Registry
  invoke: Invoke
  access: AccessOptions
  originOf: OriginOf
  storeUpload: StoreUpload
  fileUrl: (request: FastifyRequest, id: string) => string
  openArtifact: OpenArtifact
  limits: { redisMs: number }
  /** Watches what is asked and answered. */
  watch?: (app: FastifyInstance) => void
}

/** An app of its own, for its own port: it speaks `agentlego-server`, so that its clients need no change. */
export async function buildAgentLegoApp(options: AgentLegoOptions): Promise<FastifyInstance> {
  const { limits } = options
  const app = fastify({
    ...serverOptions(options),
    frameworkErrors: answerBadPath(options.onRefused),
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 500 },
  })
  answerDetails(app)
  parseJsonBodies(app)
  refuseOddFrames(app, options.onRefused)
  lingerOnErrors(app)
  options.watch?.(app)
  guardAccess(app, options.access)
  await readForms(app, limits)
  await app.register(agentLegoRoutes, options)
  return app
}

async function agentLegoRoutes(app: FastifyInstance, options: AgentLegoOptions): Promise<void> {
  const { registry, fileUrl, openArtifact, originOf, access, limits } = options
  const { find, call } = createAliasCalls('agentlego', { ...options, redisMs: limits.redisMs })

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
      const { aliased, answer } = await call(request, reply, request.params.name)
      const shown = present(answer, id => fileUrl(request, id))
      const values = await valuesOf(aliased, { answer, shown, openArtifact })
      // A string that is sent is text to Fastify; here it is a JSON value.
      return reply.type('application/json').send(JSON.stringify(values))
    },
  )

  // A route of its own, so that it sees as many tools as the key that asks.
  const refuse = async (
    request: FastifyRequest<{ Params: { name: string } }>,
    reply: FastifyReply,
  ): Promise<never> => {
    const { name } = request.params
    if (!find(name, request.holder?.scope)) throw fail('TG_ROUTE_UNKNOWN', `/${name}`)
    reply.header('allow', 'POST')
    throw fail('TG_METHOD', request.method, ['POST'])
  }
  app.route<{ Params: { name: string } }>({
    method: ['GET', 'PUT', 'PATCH', 'DELETE'],
    url: '/:name',
    config: { access: 'document' },
    // Before a body is read that nobody wants.
    onRequest: refuse,
    handler: refuse,
  })

  app.setNotFoundHandler(request => {
    throw fail('TG_ROUTE_UNKNOWN', request.url.split('?')[0] ?? '')
  })
}
