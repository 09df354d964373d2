import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Registry } from 'prom-client'
import type { Dispatcher } from 'undici'
import { fail, type ToolError } from '../../registry/errors.ts'
import { errorHeaders, toHttpError } from '../http/errors.ts'
import { encodingProblem } from '../http/json-body.ts'
import { noRedis, type RedisPort } from '../policies/redis-port.ts'
import { createSharedNodes } from './shared-nodes.ts'
import { beginCall, type Llm, type LlmCall, readBody, servedModel } from './call.ts'
import { createClientStreams } from './client-stream.ts'
import { type LlmLimits, llmLimits } from './limits.ts'
import type { LoopTools } from './loop-tools.ts'
import { createMediaGate } from './media.ts'
import { llmFor } from './narrow.ts'
import { createLlmMetrics, type LlmMetrics } from './metrics.ts'
import type { LlmLog } from './health.ts'
import type { Pool } from './pool.ts'
import { anthropicProblem, openAiProblem } from './problem.ts'
import { chat } from './surfaces/chat.ts'
import { completions } from './surfaces/completions.ts'
import { copy } from './surfaces/copy.ts'
import { countMessageTokens, messages } from './surfaces/messages.ts'
import { listAnthropicModels, listModels, oneModel, sendJson } from './surfaces/models.ts'
import { nodeRoutes, parseNodeSpec, type Registration } from './surfaces/nodes.ts'
import { responses } from './surfaces/responses.ts'

/** What the LLM side is built of. */
export type LlmOptions = {
  pool: Pool
  /** The registry's tools, for the loop; absent = requests with a `toolgate` field are refused. */
  tools?: LoopTools
  log: LlmLog
  limits?: Partial<LlmLimits>
  publicOrigin: string
  metrics?: LlmMetrics | Registry
  now?: () => number
  /** Who may join by LMDeploy's `--proxy-url`: addresses or ranges; nobody by default. */
  registration?: Registration
  /** `host:port` of private servers whose pictures may be fetched for a model. */
  allowedHosts?: readonly string[]
  /** The way to those servers, in place of the network. */
  mediaDispatcher?: Dispatcher
  lookup?: (host: string) => Promise<string[]>
  logPrompts?: () => boolean
  /** Told of every request once it has ended. */
  onRequest?: Llm['onRequest']
  /** Shares the nodes that admins add among replicas. */
  redis?: RedisPort
}

type Handler = (llm: Llm, call: LlmCall) => unknown

/** All that is served of models, as one plugin. */
export const llmRoutes = async (app: FastifyInstance, options: LlmOptions): Promise<void> => {
  const { pool, tools, log, publicOrigin, now = Date.now } = options
  const limits: LlmLimits = { ...llmLimits, ...options.limits }
  const streams = createClientStreams(limits, now)
  const metrics = metricsOf(options.metrics)
  if (metrics) {
    metrics.watch(pool)
    pool.measure(metrics)
  }
  const media = createMediaGate({
    limits,
    publicOrigin,
    readFile: tools?.readFile && (id => tools.readFile!(id)),
    allowedHosts: options.allowedHosts ?? [],
    dispatcher: options.mediaDispatcher,
    ...(options.lookup ? { lookup: options.lookup } : {}),
  })
  const { logPrompts = () => false, onRequest } = options
  const llm: Llm = { pool, limits, log, now, streams, media, tools, metrics, logPrompts, onRequest }
  const startedAt = now()

  const { redis = noRedis } = options
  const shared = createSharedNodes({ redis, pool, parse: parseNodeSpec, log })
  void shared.sync()
  app.addHook('onClose', async () => {
    streams.close()
    shared.close()
    await pool.close()
  })
  await app.register(async v1 => {
    v1.removeAllContentTypeParsers()
    v1.addContentTypeParser(
      'application/json',
      { parseAs: 'buffer', bodyLimit: limits.bodyBytesMax },
      (request, body, done) => {
        const bytes = body as Buffer
        const problem = encodingProblem(request, bytes)
        if (problem) return done(problem)
        try {
          done(null, readBody(bytes))
        } catch (error) {
          done(error as Error)
        }
      },
    )
    v1.setErrorHandler((error, request, reply) => answerError(llm, error, { request, reply }))

    const post = (path: string, surface: string, handler: Handler): void => {
      v1.post(
        path,
        { config: { access: 'key', face: 'llm' }, bodyLimit: limits.bodyBytesMax },
        async (request, reply) => {
          if (request.body === undefined) throw fail('TG_BODY_INVALID', 'it is empty')
          const seen = llmFor(llm, request)
          return handler(seen, beginCall(seen, { request, reply, surface }))
        },
      )
      refuseOthers(v1, path, 'POST')
    }
    post('/v1/chat/completions', 'chat', chat)
    post('/v1/completions', 'completions', completions)
    post('/v1/messages', 'messages', messages)
    post('/v1/messages/count_tokens', 'count_tokens', countMessageTokens)
    post('/v1/responses', 'responses', responses)
    for (const path of ['/v1/embeddings', '/v1/encode', '/generate', '/pooling']) {
      post(path, path.split('/').at(-1)!, passPath(path))
    }
    const key = { config: { access: 'key' as const, face: 'llm' } }
    v1.get('/v1/models', key, (request, reply) =>
      sendJson(reply, listModels(llmFor(llm, request), request, startedAt)),
    )
    // LMDeploy has Anthropic's list under a path of its own.
    v1.get('/anthropic/v1/models', key, (request, reply) =>
      sendJson(reply, listAnthropicModels(llmFor(llm, request), startedAt)),
    )
    v1.get('/v1/models/*', key, async (request, reply) =>
      sendJson(reply, await oneModel(llmFor(llm, request), request, startedAt)),
    )
    refuseOthers(v1, '/v1/models', 'GET')
    v1.all('/v1/*', { config: { ...key.config, refuses: true } }, request => {
      throw fail('TG_ROUTE_UNKNOWN', request.url.split('?')[0]!)
    })
  })
  nodeRoutes(app, { pool, shared, registration: options.registration ?? { allow: () => [] } })
}

const metricsOf = (given: LlmMetrics | Registry | undefined): LlmMetrics | undefined =>
  given === undefined || 'watch' in given ? given : createLlmMetrics(given)

/** Surfaces that only some nodes have: passed on, byte for byte. */
const passPath =
  (path: string): Handler =>
  async (llm, call) => {
    const { model } = call.body.json
    const named = typeof model === 'string' && model !== ''
    const served = named ? await servedModel(llm, call, model) : undefined
    return copy(llm, call, { path, served })
  }

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'QUERY'] as const

function refuseOthers(app: FastifyInstance, url: string, allowed: 'GET' | 'POST'): void {
  const refuse = async (request: FastifyRequest, reply: FastifyReply): Promise<never> => {
    reply.header('allow', allowed)
    throw fail('TG_METHOD', request.method, [allowed])
  }
  app.route({
    method: methods.filter(method => method !== allowed),
    url,
    config: { access: 'key', refuses: true },
    schema: { hide: true },
    // Before a body is read that nobody wants.
    preParsing: refuse,
    handler: refuse,
  })
}

type Answering = { request: FastifyRequest; reply: FastifyReply }

/** Errors in the shape that this surface's clients read. */
function answerError({ log }: Llm, error: unknown, { request, reply }: Answering): FastifyReply {
  const shown: ToolError = toHttpError(error)
  if (shown.status >= 500)
    log.warn({ requestId: request.id, code: shown.code, err: shown }, 'llm request failed')
  errorHeaders(reply, shown)
  const anthropic = request.url.startsWith('/v1/messages')
  return reply
    .status(shown.status)
    .type('application/json; charset=utf-8')
    .send(JSON.stringify(anthropic ? anthropicProblem(shown) : openAiProblem(shown)))
}
