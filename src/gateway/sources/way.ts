import { fail, isToolError } from '../../registry/errors.ts'
import type { Draft, SourceDefinition } from '../../registry/sources/source.ts'
import { isStdio } from '../../registry/sources/source.ts'
import type { JsonObject, ToolContext, ToolLog } from '../../registry/tool.ts'
import type { Breaker } from '../policies/breaker.ts'
import type { Guard } from '../http/guard.ts'
import { createRedact } from '../http/redact.ts'
import { exchange } from './exchange.ts'
import { type Fetched, fetchDocument, type Known } from './fetch-document.ts'
import { createHttpCall } from './http-call.ts'
import { createMcpConnection, mcpLimits } from './mcp-connection.ts'
import { transportsOf } from './mcp-transport.ts'

/** A probe reads no more of an answer than this. */
const probeBytesMax = 64 * 1024

/** One server as it is reached: what it says of its tools, whether it lives, and calls. */
export type Way = {
  /** For errors and reports: its host, or its command. */
  host: string
  /** What it says of its tools; undefined when that is still what is known. */
  fetch(signal: AbortSignal, known: Known | undefined): Promise<Fetched | undefined>
  /** Throws when the server does not answer. Absent: `fetch` tells. */
  probe?(address: string, signal: AbortSignal): Promise<void>
  run(
    draft: Draft,
    tool: string,
    call: { input: JsonObject; context: ToolContext },
  ): Promise<JsonObject>
  /** Why an address may not be reached, or undefined when it may. */
  problemOf(address: string): string | undefined
  close(): Promise<void>
}

/** What ways stand on. */
export type WayOptions = {
  /** A guard whose private reach is these origins alone, which the operator stated. */
  guardFor: (origins: readonly string[], timeoutMs: number) => Guard
  breaker: Breaker
  version: string
  now: () => number
  log: ToolLog
  onListChanged: () => void
  onStale: () => void
}

/** Makes the way to a server; nothing is asked of it yet. Throws TG_URL_REFUSED for its address. */
export function createWay(definition: SourceDefinition, options: WayOptions): Way {
  return definition.kind === 'mcp' ? mcpWay(definition, options) : httpWay(definition, options)
}

const lower = (headers: Record<string, string> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))

/** Takes the values of headers out of texts, with and without `Bearer`. */
const redactOf = (values: readonly string[]) =>
  createRedact(
    Object.fromEntries(
      values
        .flatMap(value => [value, value.replace(/^\w+\s+/, '')])
        .map((value, index) => [`H${index}_SECRET`, value]),
    ),
  )

const originsOf = (definition: SourceDefinition): string[] =>
  isStdio(definition)
    ? []
    : [
        definition.url,
        ...('server' in definition && definition.server ? [definition.server] : []),
      ].flatMap(address => URL.parse(address)?.origin ?? [])

function mcpWay(definition: SourceDefinition & { kind: 'mcp' }, options: WayOptions): Way {
  const { guardFor, version, log, onListChanged, onStale } = options
  const guard = guardFor(originsOf(definition), 0)
  if (!isStdio(definition)) guard.check(definition.url)
  const url = isStdio(definition) ? '' : definition.url
  const host = isStdio(definition) ? definition.command : new URL(url).host
  const secrets = isStdio(definition)
    ? Object.values(definition.env ?? {})
    : Object.values(definition.headers ?? {})
  const connection = createMcpConnection({
    transports: transportsOf(definition, { guard, log }),
    connectMs: isStdio(definition) ? mcpLimits.programStartMs : mcpLimits.connectMs,
    host,
    version,
    redact: redactOf(secrets),
    onListChanged,
    onStale,
  })
  return {
    host,
    fetch: async signal => ({ text: await connection.list(signal), url }),
    run: ({ call }, tool, what) => {
      if (call.kind !== 'mcp') throw fail('TG_INTERNAL')
      return connection.call(call, tool, what)
    },
    problemOf: () => undefined,
    async close() {
      await connection.close()
      await guard.close()
    },
  }
}

type HttpDefinition = Exclude<SourceDefinition, { kind: 'mcp' }>

function httpWay(definition: HttpDefinition, options: WayOptions): Way {
  const { guardFor, breaker, version, now, onStale } = options
  const guard = guardFor(originsOf(definition), definition.timeoutMs ?? 120_000)
  guard.check(definition.url)
  const headers = lower(definition.headers)
  const userAgent = `toolgate/${version}`
  const redact = redactOf(Object.values(headers))
  // Whoever states headers states whose they are: the server's, if it stands apart from its document.
  const server = 'server' in definition ? definition.server : undefined
  const { origin } = new URL(server ?? definition.url)
  const call = createHttpCall({ guard, headers, origin, breaker, redact, userAgent, now })
  const documentHeaders = new URL(definition.url).origin === origin ? headers : {}
  return {
    host: new URL(definition.url).host,
    fetch: (signal, known) =>
      definition.kind === 'http'
        ? Promise.resolve({ text: '', url: definition.url })
        : fetchDocument(definition, {
            guard,
            signal,
            userAgent,
            headers: documentHeaders,
            redact,
            now,
            ...(known ? { known } : {}),
          }),
    ...(definition.kind === 'agentlego' ? {} : { probe }),
    async run(draft, tool, { input, context }) {
      if (draft.call.kind === 'mcp') throw fail('TG_INTERNAL')
      try {
        return await call({ plan: draft.call, tool, input }, context)
      } catch (error) {
        if (isToolError(error) && saysStale(error.message)) onStale()
        throw error
      }
    },
    problemOf(address) {
      try {
        guard.check(address)
        return undefined
      } catch (error) {
        return (error as Error).message
      }
    },
    close: () => guard.close(),
  }

  /** Any answer is a sign of life, but those of a proxy that finds nobody behind it. */
  async function probe(address: string, signal: AbortSignal): Promise<void> {
    const wire = { method: 'GET', url: address, headers: { accept: '*/*' } }
    try {
      const how = { guard, signal, userAgent, bytesMax: probeBytesMax }
      const { status, host } = await exchange(wire, how)
      if (status >= 502 && status <= 504)
        throw fail('TG_UPSTREAM_UNREACHABLE', host, `HTTP ${status}`)
    } catch (error) {
      if (!isToolError(error) || !livesAnyway.has(error.code)) throw error
    }
  }
}

/** A long page, or a redirect to somewhere else: somebody is there. */
const livesAnyway = new Set(['TG_UPSTREAM_INVALID', 'TG_UPSTREAM_FAILED', 'TG_URL_REFUSED'])

/** An operation that is gone, or that wants other arguments, may have changed since it was listed. */
const saysStale = (message: string): boolean => /HTTP (400|404|405|410|422)\b/.test(message)
