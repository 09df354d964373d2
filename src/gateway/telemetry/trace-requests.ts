import type { Span } from '@opentelemetry/api'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ModelRequestFacts } from '../llm/call.ts'
import type { Tracing } from './tracing.ts'

/** The spans of what comes in: an HTTP request, and the MCP message or the request to a model in it. */
export type TracedRequests = {
  watch: (app: FastifyInstance) => void
  onModelRequest: (facts: ModelRequestFacts) => void
}

type Opened = { http: Span; inner?: Span }

/** Surfaces of the LLM side, and what the conventions call the work that each asks for. */
const operations: Record<string, string> = {
  '/v1/chat/completions': 'chat',
  '/v1/messages': 'chat',
  '/v1/responses': 'chat',
  '/v1/completions': 'text_completion',
  '/v1/embeddings': 'embeddings',
}

/** Makes them, as hooks around every route: no handler knows of it. */
export function createTracedRequests(tracing: Tracing): TracedRequests {
  const { otel, start, within, remote } = tracing
  const { SpanKind, SpanStatusCode } = otel
  const opened = new WeakMap<FastifyRequest, Opened>()
  /** Requests to models, until their facts are known. */
  const models = new Map<string, { span: Span; operation: string }>()

  return {
    watch(app) {
      app.addHook('onRequest', (request, reply, done) => {
        if (isNoise(request)) return done()
        const span = startRequest(request, reply)
        return within(span, done)
      })
      // A body is read in events of the socket, which know nothing of what came before.
      app.addHook('preHandler', (request, _reply, done) => {
        const spans = opened.get(request)
        if (!spans) return done()
        const inner = startMessage(request, spans.http) ?? startModel(request)
        if (inner) spans.inner = inner
        return within(inner ?? spans.http, done)
      })
    },
    onModelRequest({ requestId, ...facts }) {
      const { span, operation } = models.get(requestId) ?? {}
      if (!span) return
      models.delete(requestId)
      const { model, node, usage, status, stream } = facts
      if (model !== undefined) span.updateName(`${operation} ${model}`)
      span.setAttributes({
        'http.response.status_code': status,
        ...(model === undefined ? {} : { 'gen_ai.request.model': model }),
        ...(node === undefined ? {} : hostOf(node)),
        ...(stream === undefined ? {} : { 'gen_ai.request.stream': stream }),
        ...(usage
          ? {
              'gen_ai.usage.input_tokens': usage.prompt_tokens,
              'gen_ai.usage.output_tokens': usage.completion_tokens,
            }
          : {}),
      })
      if (status >= 400) failed(span, String(status))
      span.end()
    },
  }

  function startRequest(request: FastifyRequest, reply: FastifyReply): Span {
    const { method, headers } = request
    const route = request.routeOptions.url
    const context = remote(headers)
    const span = start(
      route ? `${method} ${route}` : method,
      {
        kind: SpanKind.SERVER,
        attributes: {
          'http.request.method': method,
          'url.scheme': request.protocol,
          ...(route ? { 'http.route': route } : {}),
          'toolgate.request_id': request.id,
        },
      },
      context && { context },
    )
    const spans: Opened = { http: span }
    opened.set(request, spans)
    reply.raw.once('close', () => {
      const status = reply.raw.writableEnded ? reply.raw.statusCode : clientClosed
      for (const one of [spans.inner, span]) {
        if (!one || models.get(request.id)?.span === one) continue
        one.setAttribute('http.response.status_code', status)
        if (request.caller !== undefined) one.setAttribute('enduser.id', request.caller)
        if (status >= 500) failed(one, String(status))
        one.end()
      }
    })
    return span
  }

  /** An MCP message may name a trace of its own, since it may have come by more than one hop. */
  function startMessage(request: FastifyRequest, http: Span): Span | undefined {
    const message = messageOf(request)
    if (!message) return undefined
    const { method, id, tool, meta } = message
    const context = remote(meta)
    return start(
      tool === undefined ? method : `${method} ${tool}`,
      {
        kind: SpanKind.SERVER,
        attributes: {
          'mcp.method.name': method,
          'network.transport': 'tcp',
          ...(id === undefined ? {} : { 'jsonrpc.request.id': String(id) }),
          ...(tool === undefined ? {} : { 'gen_ai.tool.name': tool }),
          ...versionOf(request),
        },
      },
      context ? { context } : http,
    )
  }

  function startModel(request: FastifyRequest): Span | undefined {
    const operation = operations[request.routeOptions.url ?? '']
    if (operation === undefined || request.method !== 'POST') return undefined
    const span = start(
      operation,
      {
        kind: SpanKind.CLIENT,
        attributes: { 'gen_ai.operation.name': operation, 'gen_ai.provider.name': 'lmdeploy' },
      },
      opened.get(request)?.http,
    )
    models.set(request.id, { span, operation })
    return span
  }

  function failed(span: Span, type: string): void {
    span.setAttribute('error.type', type)
    span.setStatus({ code: SpanStatusCode.ERROR })
  }
}

const clientClosed = 499

/** What a balancer asks every second would bury the rest. */
const isNoise = ({ routeOptions: { url = '' } }: FastifyRequest): boolean =>
  url.startsWith('/health/') || url === '/metrics'

const charactersMax = 80

/** The MCP message in a request, as far as it is needed; undefined when there is none. */
function messageOf({ routeOptions: { url = '' }, body }: FastifyRequest) {
  if (!url.endsWith('/mcp') || !isRecord(body)) return undefined
  const { method, id, params } = body
  if (typeof method !== 'string') return undefined
  const { name, _meta: meta } = isRecord(params) ? params : {}
  return {
    method: method.slice(0, charactersMax),
    id: typeof id === 'string' || typeof id === 'number' ? id : undefined,
    tool:
      method === 'tools/call' && typeof name === 'string'
        ? name.slice(0, charactersMax)
        : undefined,
    meta: isRecord(meta) ? meta : {},
  }
}

function versionOf({ headers }: FastifyRequest): Record<string, string> {
  const version = headers['mcp-protocol-version']
  return typeof version === 'string'
    ? { 'mcp.protocol.version': version.slice(0, charactersMax) }
    : {}
}

function hostOf(node: string): Record<string, string | number> {
  const url = URL.parse(node)
  if (!url) return {}
  return {
    'server.address': url.hostname,
    ...(url.port ? { 'server.port': Number(url.port) } : {}),
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
