import {
  createMcpHandler,
  isLegacyRequest,
  type McpRequestContext,
  type Server,
} from '@modelcontextprotocol/server'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Invoke } from '../../registry/call.ts'
import { fail } from '../../registry/errors.ts'
import { followClient } from '../http/abort.ts'
import { type BrowserGuardOptions, createBrowserGuard } from './browser-guard.ts'
import { type CallId, createCancels } from './cancel.ts'
import { answerErrors } from './error-answers.ts'
import { createExchanges, type ExchangeOptions } from './exchange.ts'
import { createHotAnswers } from './hot-answer.ts'
import { type HotCall, readHot } from './hot.ts'
import { createWriter } from './reply.ts'
import { allTools, oneTool, taggedTools } from './scope.ts'
import { createServer, type McpCaller, type McpExtension } from './server.ts'
import { createMcpTools, type Offer } from './tools.ts'

/** What the MCP face stands on. */
export type McpRoutesOptions = Omit<ExchangeOptions, 'tools'> & {
  invoke: Invoke
  /** Which pages and names are trusted; `secured` is added. */
  browsers: Omit<BrowserGuardOptions, 'secured'>
  /** Offers `find_tools` and `call_tool` in place of the list, unless the address says `?search=`. */
  search?: boolean
  extension?: McpExtension
}

/** `POST /mcp`, `/tools/:name/mcp` and `/tags/:tag/mcp`: both eras of MCP over Streamable HTTP. */
export async function mcpRoutes(app: FastifyInstance, options: McpRoutesOptions): Promise<void> {
  const { registry, secured, search = false } = options
  const config = { access: 'key' as const }
  const serve = createServe(app, options)
  app.addHook('onRequest', createBrowserGuard({ ...options.browsers, secured }))
  answerErrors(app)

  app.post('/mcp', { config }, (request, reply) =>
    serve(request, reply, { scope: allTools(registry), search: searchOf(request) ?? search }),
  )
  app.post<{ Params: { name: string } }>('/tools/:name/mcp', { config }, (request, reply) =>
    serve(request, reply, { scope: oneTool(registry, request.params.name), search: false }),
  )
  app.post<{ Params: { tag: string } }>('/tags/:tag/mcp', { config }, (request, reply) =>
    serve(request, reply, {
      scope: taggedTools(registry, request.params.tag),
      search: searchOf(request) ?? false,
    }),
  )
}

type Serve = (request: FastifyRequest, reply: FastifyReply, offer: Offer) => unknown

/** Answers a message: the two hot methods here, everything else by the official SDK. */
function createServe(app: FastifyInstance, options: McpRoutesOptions): Serve {
  const { extension } = options
  const tools = createMcpTools(options)
  const exchanges = createExchanges({ ...options, tools })
  const hot = createHotAnswers({ ...options, tools })
  const cancels = createCancels()
  const answerBySdk = createSdkAnswer(app, options, () => cancels.newSession())

  return (request, reply, offer) => {
    const read = readHot(request.headers, request.body)
    if (read?.method === 'tools/list') return answerList(reply, hot.list(read, offer))
    if (read && !extension?.answers(read.name) && !tools.missing(offer, read.name))
      return answerCall(request, reply, { read, offer })
    const cancelled = cancelledBy(request)
    if (cancelled) {
      cancels.cancel(cancelled)
      return reply.status(202).send()
    }
    const caller = exchanges.callerOf(request, offer)
    return answerBySdk(request, reply, extension ? extension.caller(caller) : caller)
  }

  async function answerCall(
    request: FastifyRequest,
    reply: FastifyReply,
    { read, offer }: { read: HotCall; offer: Offer },
  ): Promise<unknown> {
    const writer = createWriter(reply, read.meta['progressToken'])
    const session = request.headers['mcp-session-id']
    const cancel =
      typeof session === 'string' && !read.modern
        ? cancels.begin({ session, id: read.id })
        : undefined
    let signal: AbortSignal | undefined
    const follow = (): AbortSignal =>
      cancel ? AbortSignal.any([followClient(reply), cancel.signal]) : followClient(reply)
    const { meta } = read
    const context = exchanges.contextOf(request, {
      signal: () => (signal ??= follow()),
      meta,
      progress: writer.progress,
    })
    const ways = exchanges.waysOf(request, read.modern)
    const json = await hot.call(read, offer, {
      context,
      ways,
      onError: exchanges.loggerOf(request),
    })
    cancel?.end()
    return cancel?.signal.aborted ? writer.endSilently() : writer.end(json)
  }
}

async function answerList(reply: FastifyReply, list: Promise<Buffer>): Promise<unknown> {
  return reply.header('content-type', 'application/json').send(await list)
}

type SdkAnswer = (
  request: FastifyRequest,
  reply: FastifyReply,
  caller: McpCaller,
) => Promise<unknown>

/** The SDK's own handler behind Fastify, with one server of ours a request. */
function createSdkAnswer(
  app: FastifyInstance,
  options: McpRoutesOptions,
  newSession: () => string,
): SdkAnswer {
  const { registry, extension, originOf } = options
  const callers = new WeakMap<Request, McpCaller>()
  const sdk = createMcpHandler(
    ({ requestInfo, era }) => {
      const caller = requestInfo && callers.get(requestInfo)
      if (!caller) throw fail('TG_INTERNAL')
      return serverFor(caller, era)
    },
    { onerror: error => app.log.debug({ err: error }, 'mcp request refused') },
  )
  const unsubscribe = registry.subscribe(() => sdk.notify.toolsChanged())
  app.addHook('preClose', async () => {
    unsubscribe()
    await sdk.close()
  })

  return async (request, reply, caller) => {
    const { body } = request
    const webRequest = new Request(`${originOf(request)}${request.url}`, {
      method: 'POST',
      headers: { ...plainHeaders(request), accept: 'application/json, text/event-stream' },
      signal: followClient(reply),
    })
    callers.set(webRequest, caller)
    const response =
      extension && (await isLegacyRequest(webRequest, body))
        ? await extension.legacy(webRequest, { body, create: () => serverFor(caller, 'legacy') })
        : await sdk.fetch(webRequest, { parsedBody: body })
    if (isInitialize(body) && response.ok && !response.headers.has('mcp-session-id'))
      reply.header('mcp-session-id', newSession())
    return reply.send(response)
  }

  function serverFor(caller: McpCaller, era: McpRequestContext['era']): Server {
    const server = createServer({ ...caller, listChanged: era === 'modern' })
    extension?.server(server, era)
    return server
  }
}

const isInitialize = (body: unknown): boolean =>
  (body as { method?: unknown } | null | undefined)?.method === 'initialize'

/** `?search=true` in an address switches search as a tool on, `false` off. */
function searchOf(request: FastifyRequest): boolean | undefined {
  const { search } = request.query as { search?: unknown }
  return typeof search === 'string' ? /^(1|true|yes|on)$/i.test(search) : undefined
}

/** The call that a notification of the `initialize` era cancels. */
function cancelledBy({ body, headers }: FastifyRequest): CallId | undefined {
  const { method, params } = (body ?? {}) as { method?: unknown; params?: { requestId?: unknown } }
  const session = headers['mcp-session-id']
  if (method !== 'notifications/cancelled' || typeof session !== 'string') return undefined
  return { session, id: params?.requestId }
}

/** Headers for the SDK; what a client accepts is for us to know, so that a plain one is served too. */
const plainHeaders = ({ headers }: FastifyRequest): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      typeof value === 'string' && !name.startsWith(':') ? [[name, value]] : [],
    ),
  )
