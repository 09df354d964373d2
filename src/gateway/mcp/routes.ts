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
import type { SdkAnswers } from './sdk-answer.ts'
import type { McpExtension } from './server.ts'
import { createMcpTools, type Offer } from './tools.ts'

/** What the MCP face stands on. */
export type McpRoutesOptions = Omit<ExchangeOptions, 'tools'> & {
  invoke: Invoke
  browsers: BrowserGuardOptions['browsers']
  /** Offers `find_tools` and `call_tool` in place of the list, unless the address says `?search=`. */
  search?: boolean
  extension?: McpExtension
}

/** `POST /mcp`, `/tools/:name/mcp` and `/tags/:tag/mcp`: both eras of MCP over Streamable HTTP. */
export async function mcpRoutes(app: FastifyInstance, options: McpRoutesOptions): Promise<void> {
  const { registry, search = false } = options
  const config = { access: 'key' as const, face: 'mcp' }
  const seenBy = ({ holder }: FastifyRequest) => registry.within(holder?.scope)
  const serve = createServe(app, options)
  app.addHook('onRequest', createBrowserGuard(options))
  answerErrors(app)

  app.post('/mcp', { config }, (request, reply) =>
    serve(request, reply, {
      scope: allTools(seenBy(request)),
      search: searchOf(request) ?? search,
    }),
  )
  app.post<{ Params: { name: string } }>('/tools/:name/mcp', { config }, (request, reply) =>
    serve(request, reply, { scope: oneTool(seenBy(request), request.params.name), search: false }),
  )
  app.post<{ Params: { tag: string } }>('/tags/:tag/mcp', { config }, (request, reply) =>
    serve(request, reply, {
      scope: taggedTools(seenBy(request), request.params.tag),
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
  let loading: Promise<SdkAnswers> | undefined
  // The SDK is large, and most requests never need it.
  const sdk = (): Promise<SdkAnswers> =>
    (loading ??= import('./sdk-answer.ts').then(({ createSdkAnswers }) =>
      createSdkAnswers({
        ...options,
        tools,
        exchanges,
        newSession: () => cancels.newSession(),
        log: app.log,
      }),
    ))
  app.addHook('preClose', async () => (await loading)?.close())

  return (request, reply, offer) => {
    const read = readHot(request.headers, request.body)
    if (read?.method === 'tools/list') return answerList(reply, hot.list(read, offer))
    if (read && !extension?.answers(read.name) && !tools.missing(offer, read.name))
      return answerCall(request, reply, { read, offer })
    if (request.body === undefined) throw fail('TG_BODY_INVALID', 'it is empty')
    const cancelled = cancelledBy(request)
    if (cancelled) {
      cancels.cancel(cancelled)
      return reply.status(202).send()
    }
    return answerBySdk(request, reply, offer)
  }

  async function answerBySdk(request: FastifyRequest, reply: FastifyReply, offer: Offer) {
    return (await sdk()).answer(request, reply, offer)
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
