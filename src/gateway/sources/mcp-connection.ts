import { setTimeout as delay } from 'node:timers/promises'
import type {
  CallToolResult,
  Client,
  JsonSchemaValidator,
  jsonSchemaValidator,
} from '@modelcontextprotocol/client'
import { fail, failFrom, isToolError, type ToolError } from '../../registry/errors.ts'
import { mcpArguments, mcpText, readMcpResult } from '../../registry/sources/mcp.ts'
import type { McpPlan } from '../../registry/sources/plan.ts'
import type { JsonObject, ToolContext } from '../../registry/tool.ts'
import { transportError } from '../http/upstream-error.ts'
import type { Redact } from '../http/redact.ts'
import type { Open } from './mcp-transport.ts'

/** Bounds of talking to an MCP server. */
export const mcpLimits = {
  connectMs: 15_000,
  /** A program may have to be downloaded first, as by npx. */
  programStartMs: 60_000,
  probeMs: 5_000,
  closeMs: 2_000,
  pagesMax: 200,
  errorCharactersMax: 500,
} as const

/** One MCP server: connected when first needed, and again when the connection is lost. */
export type McpConnection = {
  /** All pages of `tools/list`, as text. */
  list(signal: AbortSignal): Promise<string>
  call(
    plan: McpPlan,
    tool: string,
    call: { input: JsonObject; context: ToolContext },
  ): Promise<JsonObject>
  close(): Promise<void>
}

/** What a connection stands on. */
export type McpConnectionOptions = {
  transports: [Open, ...Open[]]
  /** How long opening may take. */
  connectMs: number
  /** For errors: the server's host, or the name of its process. */
  host: string
  version: string
  redact: Redact
  /** The server said that its tools have changed. */
  onListChanged: () => void
  /** A call failed as calls do whose tool is no longer what it was. */
  onStale: () => void
}

/** Makes the connection; nothing is opened yet. */
export function createMcpConnection(options: McpConnectionOptions): McpConnection {
  const { host, redact, onStale } = options
  let current: Promise<Client> | undefined

  function connected(signal: AbortSignal): Promise<Client> {
    if (!current) {
      const opening = openAny(options, () => {
        if (current === opening) current = undefined
      })
      current = opening
      opening.catch(() => {
        if (current === opening) current = undefined
      })
    }
    return whileWanted(current, signal)
  }

  /** A lost session or connection is opened anew, once: the server has not seen the request then. */
  async function withClient<Value>(
    signal: AbortSignal,
    use: (client: Client) => Promise<Value>,
  ): Promise<Value> {
    const startedAt = performance.now()
    try {
      const client = await connected(signal)
      try {
        return await use(client)
      } catch (error) {
        if (!isLost(error) || signal.aborted) throw error
        await drop(client)
        return await use(await connected(signal))
      }
    } catch (cause) {
      throw mcpError(cause, { host, signal, elapsedMs: performance.now() - startedAt })
    }
  }

  async function drop(client: Client): Promise<void> {
    current = undefined
    await client.close().catch(() => undefined)
  }

  return {
    list: signal =>
      withClient(signal, async client => {
        const how = { signal, timeout: mcpLimits.connectMs, cacheMode: 'refresh' as const }
        const { tools } = await client.listTools(undefined, how)
        return JSON.stringify({ tools, version: client.getServerVersion()?.version })
      }),

    async call(plan, tool, { input, context }) {
      const { signal, progress, saveFile } = context
      const result = await withClient(signal, client =>
        client.callTool(
          { name: plan.tool, arguments: mcpArguments(input, plan.renamed) },
          {
            signal,
            // The call's own deadline comes by the signal; this one only has to be later.
            timeout: 3_600_000,
            onprogress: ({ progress: done, total, message }) => progress(done, total, message),
          },
        ),
      ).catch((error: unknown) => {
        if (isToolError(error) && isStale(error)) onStale()
        throw asArgumentError(error, tool)
      })
      if (result.isError) throw resultError(result, tool)
      return readMcpResult(result, { structured: plan.structured, saveFile })
    },

    async close() {
      const ending = current?.then(client => client.close()).catch(() => undefined)
      current = undefined
      // A server that never answered is not waited for: it is closed when it does, or times out.
      await Promise.race([ending, delay(mcpLimits.closeMs, undefined, { ref: false })])
    },
  }

  function resultError({ content }: CallToolResult, tool: string): ToolError {
    const text = redact(mcpText(content)).trim().slice(0, mcpLimits.errorCharactersMax)
    if (staleWords.test(text)) onStale()
    return argumentWords.test(text)
      ? fail('TG_ARGUMENT_INVALID', tool, 'arguments', `were refused by ${host}: ${text}`)
      : fail('TG_UPSTREAM_FAILED', host, text || 'the tool reports an error without saying which')
  }
}

const staleWords =
  /(unknown|no such|not found).{0,40}tool|tool.{0,80}(unknown|not found|does not exist|disabled)/i
const argumentWords =
  /invalid (arguments|params|parameters|input)|input validation|validation error/i

const isStale = (error: ToolError): boolean =>
  staleWords.test(error.message) || invalidParams.has(error)
/** Errors that came as JSON-RPC's −32602, which says that arguments or the tool are not known. */
const invalidParams = new WeakSet<ToolError>()

function asArgumentError(error: unknown, tool: string): unknown {
  if (!isToolError(error) || !invalidParams.has(error) || staleWords.test(error.message))
    return error
  return failFrom(error, 'TG_ARGUMENT_INVALID', tool, 'arguments', `were refused: ${error.message}`)
}

/** Opens the first transport that works; a server that refuses one by its status may speak the next. */
async function openAny(options: McpConnectionOptions, onClose: () => void): Promise<Client> {
  let failure: unknown
  for (const open of options.transports) {
    try {
      return await openOne(open, options, onClose)
    } catch (error) {
      failure ??= error
      if (!isRefusal(error)) break
    }
  }
  throw failure
}

async function openOne(
  open: Open,
  { version, connectMs, onListChanged }: McpConnectionOptions,
  onClose: () => void,
): Promise<Client> {
  const { Client } = await import('@modelcontextprotocol/client')
  const client = new Client(
    { name: 'toolgate', version },
    {
      versionNegotiation: { mode: 'auto', probe: { timeoutMs: mcpLimits.probeMs } },
      inputRequired: { autoFulfill: false },
      listMaxPages: mcpLimits.pagesMax,
      listChanged: { tools: { autoRefresh: false, onChanged: onListChanged } },
      jsonSchemaValidator: anythingGoes,
    },
  )
  client.onclose = onClose
  // What goes wrong outside a request shows in the next one.
  client.onerror = () => undefined
  const transport = await open()
  try {
    await client.connect(transport, { timeout: connectMs })
    return client
  } catch (error) {
    await transport.close().catch(() => undefined)
    throw error
  }
}

/** Answers are checked by the gateway; the SDK's own check would run patterns that the server wrote. */
const anythingGoes: jsonSchemaValidator = {
  getValidator<Value>(): JsonSchemaValidator<Value> {
    return input => ({ valid: true, data: input as Value, errorMessage: undefined })
  },
}

/** The HTTP status in an error of the SDK. */
function statusOf(error: unknown): number | undefined {
  const { status, code } = error as { status?: unknown; code?: unknown }
  if (typeof status === 'number') return status
  return typeof code === 'number' && code >= 400 && code < 600 ? code : undefined
}

const isRefusal = (error: unknown): boolean => {
  const status = statusOf(error)
  return status !== undefined && status >= 400 && status < 500 && status !== 401 && status !== 403
}

/** The session is gone, or the connection was closed before the request left. */
const isLost = (error: unknown): boolean => {
  const { code, message = '' } = error as { code?: unknown; message?: string }
  if (code === 'NOT_CONNECTED') return true
  return statusOf(error) === 404 || (statusOf(error) === 400 && /session/i.test(message))
}

type At = { host: string; signal: AbortSignal; elapsedMs: number }

/** An error of the SDK as one that a caller may see. */
function mcpError(cause: unknown, at: At): ToolError {
  if (isToolError(cause)) return cause
  if (at.signal.aborted) return transportError(cause, at)
  const { code, message = '' } = cause as { code?: unknown; message?: string }
  const said = message.replace(/[\s\p{Cc}]+/gu, ' ').slice(0, mcpLimits.errorCharactersMax)
  const status = statusOf(cause)
  if (status !== undefined)
    return failFrom(cause, 'TG_UPSTREAM_FAILED', at.host, `HTTP ${status}, ${said}`)
  if (code === 'REQUEST_TIMEOUT') return failFrom(cause, 'TG_DEADLINE', at.host, at.elapsedMs)
  if (code === 'CONNECTION_CLOSED' || code === 'NOT_CONNECTED' || code === 'ENOENT')
    return failFrom(cause, 'TG_UPSTREAM_UNREACHABLE', at.host, said || 'the connection is closed')
  if (typeof code === 'number' || typeof code === 'string') {
    const isNetwork = typeof code === 'string' && /^(E[A-Z]+|UND_ERR)/.test(code)
    if (!isNetwork) {
      const error = failFrom(cause, 'TG_UPSTREAM_FAILED', at.host, said)
      if (code === -32602) invalidParams.add(error)
      return error
    }
  }
  return transportError(cause, at)
}

async function whileWanted<Value>(value: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<never>()
  const leave = (): void => reject(signal.reason as Error)
  if (signal.aborted) leave()
  signal.addEventListener('abort', leave, { once: true })
  try {
    return await Promise.race([value, promise])
  } finally {
    signal.removeEventListener('abort', leave)
  }
}
