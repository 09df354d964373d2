import type { FastifyRequest } from 'fastify'
import type { CallContext } from '../../registry/call.ts'
import type { Registry } from '../../registry/registry.ts'
import { readCacheControl } from '../http/cache-headers.ts'
import { contextOf as callContextOf } from '../http/call-context.ts'
import { logError } from '../http/errors.ts'
import type { OriginOf } from '../http/origin.ts'
import { cacheControlMetaKey, type FileWays, type OpenArtifact } from './content.ts'
import { linksSince } from './protocol.ts'
import type { McpCaller } from './server.ts'
import type { McpTools } from './tools.ts'

/** What is known of a request without reading its message. */
export type ExchangeOptions = {
  registry: Registry
  tools: McpTools
  originOf: OriginOf
  /** Whether calls need a key now; the first key may be made later. */
  secured: () => boolean
  fileUrl: (request: FastifyRequest, id: string) => string
  openArtifact: OpenArtifact
  redisMs: number
  version: string
}
type CallFacts = {
  signal: () => AbortSignal
  meta: Record<string, unknown>
  progress: CallContext['progress']
}
/** Turns HTTP requests into what calls and servers ask for. */
export type Exchanges = {
  contextOf(request: FastifyRequest, call: CallFacts): CallContext
  /** `agreed` is the version of a handshake, where there was one. */
  waysOf(request: FastifyRequest, modern: boolean, agreed?: string): FileWays
  loggerOf(request: FastifyRequest): McpCaller['onError']
}

/** Makes them for one gateway. */
export function createExchanges(options: ExchangeOptions): Exchanges {
  const loggerOf: Exchanges['loggerOf'] = request => (error, requestId) => {
    logError(request.log, error, requestId)
  }
  const contextOf: Exchanges['contextOf'] = (request, call) => {
    const context = callContextOf({
      requestId: request.id,
      face: 'mcp',
      caller: request.caller,
      address: request.ip,
      scope: request.holder?.scope,
      control: controlOf(call.meta, request.headers['cache-control']),
      redisMs: request.patience?.redisMs ?? options.redisMs,
      signal: call.signal,
    })
    if (call.progress) context.progress = call.progress
    return context
  }

  return {
    contextOf,
    loggerOf,
    waysOf: (request, modern, agreed) => ({
      fileUrl: id => options.fileUrl(request, id),
      openArtifact: options.openArtifact,
      links: modern || knowsLinks(request, agreed),
    }),
  }
}

/** A call's own wish about the cache, else that of the request that carries it. */
export function controlOf(
  meta: Record<string, unknown>,
  header?: string,
): ReturnType<typeof readCacheControl> {
  const control = meta[cacheControlMetaKey]
  return readCacheControl(typeof control === 'string' ? control : header)
}

/** By the version in the header, or what the handshake agreed on; without either it is an old client. */
const knowsLinks = ({ headers }: FastifyRequest, agreed?: string): boolean =>
  String(headers['mcp-protocol-version'] ?? agreed ?? '') >= linksSince
