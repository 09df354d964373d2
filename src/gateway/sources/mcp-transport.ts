import type { Transport } from '@modelcontextprotocol/client'
import { fetch as undiciFetch } from 'undici'
import {
  isStdio,
  type SourceDefinition,
  type StdioDefinition,
} from '../../registry/sources/source.ts'
import type { ToolLog } from '../../registry/tool.ts'
import type { Guard } from '../http/guard.ts'

/** Bounds of what an MCP server may send. */
export const mcpTransportLimits = {
  /** One answer, or one stream until it is opened anew. */
  bodyBytesMax: 64 * 1_048_576,
  stdioBytesMax: 32 * 1_048_576,
  stderrCharactersMax: 2_000,
} as const

type McpDefinition = SourceDefinition & { kind: 'mcp' }
/** The transports to try, in order: the second is for servers that only speak the old one. */
export type Open = () => Promise<Transport>

/** Makes the ways to a server: its process, or Streamable HTTP and then SSE. */
export function transportsOf(
  definition: McpDefinition,
  options: { guard: Pick<Guard, 'check' | 'dispatcher'>; log: ToolLog },
): [Open, ...Open[]] {
  if (isStdio(definition)) return [() => openStdio(definition, options.log)]
  const fetch = guardedFetch(options.guard)
  const { url, headers = {}, transport } = definition
  const requestInit = { headers }
  const http: Open = async () => {
    const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client')
    return new StreamableHTTPClientTransport(new URL(url), { fetch, requestInit })
  }
  const sse: Open = async () => {
    const { SSEClientTransport } = await import('@modelcontextprotocol/client')
    return new SSEClientTransport(new URL(url), { fetch, requestInit })
  }
  if (transport === 'sse') return [sse]
  if (transport === 'http') return [http]
  return /\/sse\/?$/.test(new URL(url).pathname) ? [sse, http] : [http, sse]
}

type FetchLike = (url: string | URL, init?: RequestInit) => Promise<Response>

/** The SDK's fetch through the guard, whose bodies end at a bound. Redirects are the SDK's to refuse. */
function guardedFetch({ check, dispatcher }: Pick<Guard, 'check' | 'dispatcher'>): FetchLike {
  return async (url, init) => {
    const address = check(url)
    // Node's own types of fetch and undici's differ by name alone.
    const answer = (await undiciFetch(address, {
      ...init,
      dispatcher,
    } as never)) as unknown as Response
    if (!answer.body) return answer
    const { status, statusText, headers } = answer
    const body = answer.body.pipeThrough(boundedStream(mcpTransportLimits.bodyBytesMax))
    const bounded = new Response(body, { status, statusText, headers })
    Object.defineProperty(bounded, 'url', { value: answer.url })
    return bounded
  }
}

function boundedStream(bytesMax: number): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0
  return new TransformStream({
    transform(chunk, controller) {
      bytes += chunk.length
      if (bytes > bytesMax) controller.error(new Error(`the answer is over ${bytesMax} bytes`))
      else controller.enqueue(chunk)
    },
  })
}

/** Starts the server with no more of our environment than any program gets, and what is stated. */
async function openStdio(
  { command, args = [], env = {}, cwd, name }: StdioDefinition,
  log: ToolLog,
): Promise<Transport> {
  const { StdioClientTransport, getDefaultEnvironment } =
    await import('@modelcontextprotocol/client/stdio')
  const transport = new StdioClientTransport({
    command,
    args,
    env: { ...getDefaultEnvironment(), ...env },
    ...(cwd === undefined ? {} : { cwd }),
    stderr: 'pipe',
    maxBufferSize: mcpTransportLimits.stdioBytesMax,
  })
  transport.stderr?.on('data', (chunk: Buffer) => {
    const text = chunk.toString('utf8', 0, mcpTransportLimits.stderrCharactersMax).trim()
    if (text) log.debug({ source: name, text }, 'a source says')
  })
  return transport
}
