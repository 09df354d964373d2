import { randomUUID } from 'node:crypto'
import {
  serveStdio as serveSdkStdio,
  type ServeStdioOptions,
  type StdioServerHandle,
} from '@modelcontextprotocol/server/stdio'
import type { Invoke } from '../../registry/call.ts'
import type { ToolError } from '../../registry/errors.ts'
import type { Registry } from '../../registry/registry.ts'
import type { OpenArtifact } from './content.ts'
import { controlOf } from './exchange.ts'
import { linksSince } from './protocol.ts'
import { createResources, fileUri } from './resources.ts'
import { allTools } from './scope.ts'
import { createServer, type McpCaller } from './server.ts'
import { createMcpTools } from './tools.ts'

/** What MCP over stdio stands on. */
export type StdioOptions = {
  registry: Registry
  invoke: Invoke
  openArtifact: OpenArtifact
  redisMs: number
  version: string
  search?: boolean
  onError: (error: ToolError | Error, requestId: string) => void
  /** In place of the process's own stdin and stdout. */
  transport?: NonNullable<ServeStdioOptions['transport']>
}

/** Serves one client over stdin and stdout, of either era; nothing else may write to stdout. */
export function serveStdio(options: StdioOptions): StdioServerHandle {
  const { registry, openArtifact, version, onError, search = false } = options
  const scope = allTools(registry)
  const caller: McpCaller = {
    tools: createMcpTools(options),
    offer: { scope, search },
    resources: createResources({
      registry,
      scope,
      openArtifact,
      origin: undefined,
      secured: false,
    }),
    version,
    secured: false,
    listChanged: true,
    contextOf: ({ signal, meta, progress }) => ({
      requestId: randomUUID(),
      signal,
      face: 'mcp',
      control: controlOf(meta),
      report: {},
      patience: { redisMs: options.redisMs },
      ...(progress ? { progress } : {}),
    }),
    waysOf: server => ({
      // Nothing is served over HTTP here: files are read as resources.
      fileUrl: id => `${fileUri}${id}`,
      openArtifact,
      links: (server.getNegotiatedProtocolVersion() ?? '') >= linksSince,
    }),
    onError,
  }
  return serveSdkStdio(
    () => {
      const server = createServer(caller)
      const unsubscribe = registry.subscribe(() => {
        server.sendToolListChanged().catch((error: Error) => onError(error, ''))
      })
      server.onclose = unsubscribe
      return server
    },
    {
      onerror: error => onError(error, ''),
      ...(options.transport ? { transport: options.transport } : {}),
    },
  )
}
