import {
  createMcpHandler,
  isLegacyRequest,
  type McpRequestContext,
  type Server,
} from '@modelcontextprotocol/server'
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify'
import { fail } from '../../registry/errors.ts'
import { followClient } from '../http/abort.ts'
import type { ExchangeOptions, Exchanges } from './exchange.ts'
import { createResources } from './resources.ts'
import { createServer, type McpCaller, type McpExtension } from './server.ts'
import type { Offer } from './tools.ts'

/** What the official SDK answers: everything but the two hot methods. */
export type SdkAnswers = {
  answer: (request: FastifyRequest, reply: FastifyReply, offer: Offer) => Promise<unknown>
  close: () => Promise<void>
}

/** The SDK's own handler behind Fastify, with one server of ours a request. */
export function createSdkAnswers(
  options: ExchangeOptions & {
    exchanges: Exchanges
    extension?: McpExtension
    newSession: () => string
    log: FastifyBaseLogger
  },
): SdkAnswers {
  const { registry, extension, originOf, newSession, log } = options
  const callers = new WeakMap<Request, McpCaller>()
  const sdk = createMcpHandler(
    ({ requestInfo, era }) => {
      const caller = requestInfo && callers.get(requestInfo)
      if (!caller) throw fail('TG_INTERNAL')
      return serverFor(caller, era)
    },
    { onerror: error => log.debug({ err: error }, 'mcp request refused') },
  )
  const unsubscribe = registry.subscribe(() => sdk.notify.toolsChanged())

  return {
    async answer(request, reply, offer) {
      const { body } = request
      const plain = callerOf(request, offer)
      const caller = extension ? extension.caller(plain) : plain
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
    },
    async close() {
      unsubscribe()
      await sdk.close()
    },
  }

  function callerOf(request: FastifyRequest, offer: Offer): McpCaller {
    const { tools, openArtifact, version, exchanges } = options
    const secured = options.secured()
    const { scope } = offer
    const origin = originOf(request)
    return {
      tools,
      offer,
      resources: createResources({ registry, scope, openArtifact, origin, secured }),
      version,
      secured,
      listChanged: false,
      contextOf: ({ signal, ...call }) =>
        exchanges.contextOf(request, { ...call, signal: () => signal }),
      waysOf: server => exchanges.waysOf(request, false, server.getNegotiatedProtocolVersion()),
      onError: exchanges.loggerOf(request),
    }
  }

  function serverFor(caller: McpCaller, era: McpRequestContext['era']): Server {
    const server = createServer({ ...caller, listChanged: era === 'modern' })
    extension?.server(server, era)
    return server
  }
}

const isInitialize = (body: unknown): boolean =>
  (body as { method?: unknown } | null | undefined)?.method === 'initialize'

/** Headers for the SDK; what a client accepts is for us to know, so that a plain one is served too. */
const plainHeaders = ({ headers }: FastifyRequest): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      typeof value === 'string' && !name.startsWith(':') ? [[name, value]] : [],
    ),
  )
