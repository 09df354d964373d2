import {
  type CallToolResult,
  type InputRequiredResult,
  type ListToolsResult,
  ProtocolError,
  ProtocolErrorCode,
  Server,
  type ServerContext,
} from '@modelcontextprotocol/server'
import { type CallContext, present } from '../../registry/call.ts'
import { errorText, type ToolError, toToolError } from '../../registry/errors.ts'
import { cacheMeta, cacheMetaKey, errorResult, type FileWays, toContent } from './content.ts'
import { listHints } from './protocol.ts'
import type { Resources } from './resources.ts'
import type { McpTools, Offer } from './tools.ts'

/** What a model is told of the server as a whole. */
export const instructions =
  'Tools behind one gateway. A failed call says its code, what is wrong and how to mend it; correct the arguments and call again.'

/** A tool that speaks the protocol itself: it may ask the client back. */
export type NativeTool = (
  args: Record<string, unknown>,
  context: ServerContext,
) => MaybePromise<CallToolResult | InputRequiredResult>
type MaybePromise<Value> = Value | Promise<Value>

/** Tests of the protocol itself add what no tool of ours needs: prompts, sampling, logging. */
export type McpExtension = {
  /** True for tools that answer as native ones. */
  answers(tool: string): boolean
  /** Adds to what a caller sees. */
  caller(caller: McpCaller): McpCaller
  /** Adds to a server that is about to serve. */
  server(server: Server, era: 'legacy' | 'modern'): void
  /** Serves clients of the `initialize` era, where asking back needs a session. */
  legacy(request: Request, how: { body: unknown; create: () => Server }): Promise<Response>
}

/** One caller's view of the gateway. */
export type McpCaller = {
  tools: McpTools
  offer: Offer
  resources: Resources
  version: string
  secured: boolean
  /** True where the client hears of changes: on 2026-07-28 and over stdio. */
  listChanged: boolean
  contextOf(call: {
    signal: AbortSignal
    meta: Record<string, unknown>
    progress: CallContext['progress']
  }): CallContext
  waysOf(server: Server): FileWays
  /** Finds a tool that answers by itself. */
  native?(name: string): NativeTool | undefined
  /** Told of every failed call, for the log. */
  onError(error: ToolError, requestId: string): void
}

/** The official server, with our tools and resources behind it. It serves one request, or one stdio connection. */
export function createServer(caller: McpCaller): Server {
  const { tools, offer, resources, version, secured, listChanged } = caller
  const hints = listHints(secured)
  const server = new Server(
    { name: 'toolgate', title: 'Toolgate', version },
    {
      capabilities: { tools: { listChanged }, resources: {} },
      instructions,
      cacheHints: {
        'server/discover': hints,
        'tools/list': hints,
        'resources/list': hints,
        'resources/templates/list': hints,
        'resources/read': hints,
      },
    },
  )
  server.setRequestHandler('tools/list', () => ({
    // A view's schemas are objects at the root, which its type does not say.
    tools: tools.list(offer) as unknown as ListToolsResult['tools'],
  }))
  server.setRequestHandler('tools/call', async ({ params }, context) => {
    const { name, arguments: args = {} } = params
    const native = caller.native?.(name)
    if (native) return native(args, context)
    const missing = tools.missing(offer, name)
    if (missing) throw protocolError(missing)
    return call(caller, server, { name, args, context })
  })
  server.setRequestHandler('resources/list', ({ params }) => resources.list(params?.cursor))
  server.setRequestHandler('resources/templates/list', () => resources.templates())
  server.setRequestHandler('resources/read', ({ params }) => resources.read(params.uri))
  return server
}

async function call(
  caller: McpCaller,
  server: Server,
  request: { name: string; args: unknown; context: ServerContext },
): Promise<CallToolResult> {
  const { name, args, context } = request
  const { signal, _meta: meta = {} } = context.mcpReq
  const callContext = caller.contextOf({ signal, meta, progress: progressOf(context) })
  try {
    const { answer, structured } = await caller.tools.call(
      caller.offer,
      { name, args },
      callContext,
    )
    const ways = caller.waysOf(server)
    const shown = present(answer, ways.fileUrl)
    return {
      content: await toContent(answer, shown, ways),
      ...(structured ? { structuredContent: shown.output } : {}),
      _meta: { [cacheMetaKey]: cacheMeta(callContext.report) },
    }
  } catch (cause) {
    const error = toToolError(cause)
    caller.onError(error, callContext.requestId)
    return errorResult(error)
  }
}

/** A tool that does not exist is an error of the protocol; its text is the one of every face. */
function protocolError(error: ToolError): ProtocolError {
  const { code, hint, details } = error
  return new ProtocolError(ProtocolErrorCode.InvalidParams, errorText(error), {
    code,
    ...(hint ? { hint } : {}),
    ...(details ? { details } : {}),
  })
}

/** Progress goes to clients that gave a token, and only forward, as the protocol has it. */
function progressOf({ mcpReq }: ServerContext): CallContext['progress'] {
  const progressToken = mcpReq._meta?.progressToken
  if (progressToken === undefined) return undefined
  let last = -Infinity
  return (progress, total, message) => {
    if (progress <= last) return
    last = progress
    const params = {
      progressToken,
      progress,
      ...(total === undefined ? {} : { total }),
      ...(message === undefined ? {} : { message }),
    }
    // The client may be gone; the signal says so to the tool.
    mcpReq.notify({ method: 'notifications/progress', params }).catch(() => undefined)
  }
}
