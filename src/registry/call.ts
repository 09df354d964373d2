import { fail } from './errors.ts'
import type { ToolScope } from './narrow.ts'
import { parseArguments } from './parse.ts'
import type { RegistryView } from './registry.ts'
import {
  artifactsOf,
  canGrow,
  cutOf,
  fileInputsOf,
  type FileKind,
  type FileRef,
  type JsonObject,
  type Tool,
  truncatedKey,
} from './tool.ts'

/** The caller's `Cache-Control`, read once at the face. */
export type CacheControl = {
  /** Do not answer from the store; store what comes. */
  noCache?: boolean
  /** Neither read nor store. */
  noStore?: boolean
  /** Nothing older than this, milliseconds. */
  maxAgeMs?: number
  /** Only from the store; a miss is TG_NOT_CACHED. */
  onlyIfCached?: boolean
}

/** What the cache did, for RFC 9211's `Cache-Status` and MCP's `_meta`. */
export type CacheReport = {
  hit?: 'l1' | 'redis' | 'stale'
  forward?: 'miss' | 'bypass' | 'stale'
  stored?: boolean
  collapsed?: boolean
  /** Milliseconds the answer stays fresh; negative when stale. */
  ttlMs?: number
  /** Age of the stored answer, milliseconds. */
  ageMs?: number
}

/** What a face says of one call. */
export type CallContext = {
  requestId: string
  /** Aborts when the client goes away. */
  signal: AbortSignal
  /** The face that the call came in by, for logs and metrics. */
  face: string
  /** Id of the caller's key, for `scope: 'caller'` and for logs. */
  caller?: string
  /** Address of the client, for the audit trail. */
  readonly address?: string | undefined
  /** The tools that this caller may call; absent = all. */
  scope?: ToolScope
  control?: CacheControl
  /** Filled in by the cache policy. */
  report: CacheReport
  /** What this request may still wait for Redis, milliseconds in all; policies take from it. */
  patience: { redisMs: number }
  /** The caller's own deadline, milliseconds from now; the tool's own holds too. */
  deadlineMs?: number
  /** When it came in, on the clock of `performance`; set by who watches calls. */
  startedAt?: number
  /** When the stage that it is in began, on the same clock; set by who times stages. */
  stageAt?: number | undefined
  /** When the call ends, milliseconds since the epoch; set by the deadline policy. */
  deadlineAt?: number
  progress?: (done: number, total?: number, message?: string) => void
  /** The name of the answer in the store; set by the cache policy. */
  named?: { tool: Tool; input: JsonObject; key: string }
}

/** What a call gave: the output, and the same as JSON; each is made from the other when first asked for. */
export type Result = { readonly output: JsonObject; readonly json: string }
/** One call of one tool. Every face ends here, with input already parsed. */
export type Call = (tool: Tool, input: JsonObject, context: CallContext) => Promise<Result>
/** A policy around a call: cache, metrics, deadline. It knows no transport. */
export type Interceptor = (next: Call) => Call

/** Wraps a call in policies, listed outermost first, in the order in which a call meets them. */
export const compose = (call: Call, ...interceptors: Interceptor[]): Call =>
  interceptors.reduceRight((next, wrap) => wrap(next), call)

/** A class, for a getter in a literal would give each object a hidden class of its own: 30 times the time. */
class LazyResult implements Result {
  #output: JsonObject | undefined
  #json: string | undefined

  constructor(output: JsonObject | undefined, json: string | undefined) {
    this.#output = output
    this.#json = json
  }
  get output(): JsonObject {
    return (this.#output ??= JSON.parse(this.#json ?? '{}') as JsonObject)
  }
  get json(): string {
    return (this.#json ??= JSON.stringify(this.#output))
  }
}

/** A result from the output of a run. */
export const resultOf = (output: JsonObject): Result => new LazyResult(output, undefined)
/** A result from stored JSON. */
export const resultFromJson = (json: string): Result => new LazyResult(undefined, json)

/** Turns the string of a file input (URL, data: URL, id) into a stored file. */
export type ResolveFile = (
  file: { tool: string; argument: string; kind: FileKind; value: string },
  context: CallContext,
) => Promise<FileRef>

/** An answered call, before a face writes it down. */
export type Answer = { tool: Tool; input: JsonObject; result: Result }
/** Calls a tool by name with raw arguments; see `createInvoke`. */
export type Invoke = (name: string, args: unknown, context: CallContext) => Promise<Answer>

/**
 * The one way in: finds the tool, parses the arguments, resolves files and calls.
 * Throws TG_TOOL_UNKNOWN, TG_UNAVAILABLE, TG_ARGUMENT_*, and whatever the call throws.
 */
export function createInvoke(options: {
  registry: RegistryView
  call: Call
  resolveFile: ResolveFile
}): Invoke {
  const { call, resolveFile } = options
  return async (name, args, context) => {
    const registry = options.registry.within(context.scope)
    const tool = registry.get(name)
    if (!tool) throw fail('TG_TOOL_UNKNOWN', name, registry.nearest(name))
    const missing = registry.unavailable(name)
    if (missing) throw fail('TG_UNAVAILABLE', name, missing.reason, missing.remedy)
    const parsed = parseArguments(tool, args)
    const input = fileInputsOf(tool).length > 0 ? await resolveFiles(tool, parsed, context) : parsed
    return { tool, input, result: await call(tool, input, context) }
  }

  async function resolveFiles(
    tool: Tool,
    input: JsonObject,
    context: CallContext,
  ): Promise<JsonObject> {
    const files = fileInputsOf(tool).filter(({ name }) => input[name] !== undefined)
    const resolved = await Promise.all(
      files.map(async ({ name, kind }) => {
        const value = input[name] as string
        return [name, await resolveFile({ tool: tool.name, argument: name, kind, value }, context)]
      }),
    )
    return { ...input, ...(Object.fromEntries(resolved) as JsonObject) }
  }
}

/** An answer as a face sends it: artifact ids turned into URLs. */
export type Presented = {
  readonly output: JsonObject
  readonly json: string
  readonly text: string
}

/** Writes an answer down for one face, whose `fileUrl` says how an artifact is reached there. */
export const present = (answer: Answer, fileUrl: (id: string) => string): Presented =>
  new Shown(answer, withUrls(answer.tool, answer.result, fileUrl))

class Shown implements Presented {
  readonly #answer: Answer
  readonly #result: Result

  constructor(answer: Answer, result: Result) {
    this.#answer = answer
    this.#result = result
  }
  get output(): JsonObject {
    return this.#result.output
  }
  get json(): string {
    return this.#result.json
  }
  get text(): string {
    const { tool, input, result } = this.#answer
    const cut = mayBeCut(tool, result) ? cutOf(tool, this.output) : undefined
    const text = tool.text(this.output, input)
    return cut ? `${text}\n[cut: the whole answer is ${cut.bytes} bytes, at ${cut.file}]` : text
  }
}

/** Looks at the text first: most answers are whole, and then nothing of them need be parsed. */
const mayBeCut = (tool: Tool, result: Result): boolean =>
  canGrow(tool) && result.json.includes(cutMark)
const cutMark = `"${truncatedKey}":`

function withUrls(tool: Tool, result: Result, fileUrl: (id: string) => string): Result {
  const artifacts = artifactsOf(tool)
  const cut = mayBeCut(tool, result) ? cutOf(tool, result.output) : undefined
  if (artifacts.length === 0 && !cut) return result
  const output = { ...result.output }
  for (const { name } of artifacts)
    if (typeof output[name] === 'string') output[name] = fileUrl(output[name])
  if (cut) output[truncatedKey] = { ...cut, file: fileUrl(cut.file) }
  return resultOf(output)
}
