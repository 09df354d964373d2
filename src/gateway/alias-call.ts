import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Answer, Invoke, Presented } from '../registry/call.ts'
import { fail } from '../registry/errors.ts'
import { parseArguments } from '../registry/parse.ts'
import type { ToolScope } from '../registry/narrow.ts'
import type { RegistryView } from '../registry/registry.ts'
import type { Alias, JsonSchema, Tool } from '../registry/tool.ts'
import { type Known, knownAs } from '../registry/views/alias.ts'
import { readArguments, type StoreUpload } from './http/arguments.ts'
import { writeCacheHeaders } from './http/cache-headers.ts'
import { callContext } from './http/call-context.ts'

/** The faces on which a tool may have an older name. */
export type AliasFace = 'agentlego' | 'lagent'
/** A tool as an older face knows it. */
export type Aliased = { tool: Tool; known: Known; parse: (args: unknown) => unknown }

/** Finds tools by their names on one face: the alias, the class of an alias with methods, our own name. */
export type FindAliased = (name: string, scope?: ToolScope) => Aliased | undefined

/** Makes the finder; it looks through the tools of a scope once a revision. */
function createFindAliased(registry: RegistryView, face: AliasFace): FindAliased {
  return (name, scope) => {
    const view = registry.within(scope)
    return view.memo(`alias ${face}`, () => index(view.list(), face)).get(name)
  }
}

function index(tools: readonly Tool[], face: AliasFace): Map<string, Aliased> {
  const names = new Map<string, Aliased>()
  const add = (name: string, aliased: Aliased): void => {
    if (!names.has(name)) names.set(name, aliased)
  }
  const all = tools.map(tool => aliasedOf(tool, face))
  for (const aliased of all) add(aliased.known.name, aliased)
  for (const aliased of all) add(aliased.tool.name, aliased)
  // `ArxivSearch` alone is enough where it has one method.
  const classes = Map.groupBy(all, ({ known }) => known.name.split('.')[0] ?? '')
  for (const [name, [only, ...others]] of classes) if (only && others.length === 0) add(name, only)
  return names
}

function aliasedOf(tool: Tool, face: AliasFace): Aliased {
  const known = knownAs(tool, face)
  return { tool, known, parse: parserOf(tool, known) }
}

/** Older clients know other arguments; those are read by the alias's own schema, then translated. */
function parserOf(tool: Tool, { name, alias }: Known): Aliased['parse'] {
  const input = alias?.input
  if (!input) return args => args
  const old: Tool = { ...tool, name, input: closed(input) }
  return args => {
    const parsed = parseArguments(old, args)
    return alias.arguments?.(parsed) ?? parsed
  }
}

const closed = (schema: JsonSchema): JsonSchema => ({ additionalProperties: false, ...schema })

/** What a call under an older name gave, and what it was. */
export type AliasAnswer = { aliased: Aliased; args: unknown; answer: Answer }

/** A face of older names: what finds a tool, and what calls one for an HTTP request. */
export type AliasCalls = {
  find: FindAliased
  /** Throws TG_TOOL_UNKNOWN, and whatever the call throws. */
  call: (request: FastifyRequest, reply: FastifyReply, name: string) => Promise<AliasAnswer>
}

/** Makes them for one face. */
export function createAliasCalls(
  face: AliasFace,
  options: { registry: RegistryView; invoke: Invoke; storeUpload: StoreUpload; redisMs: number },
): AliasCalls {
  const { registry, invoke, storeUpload, redisMs } = options
  const find = createFindAliased(registry, face)

  async function call(
    request: FastifyRequest,
    reply: FastifyReply,
    name: string,
  ): Promise<AliasAnswer> {
    const scope = request.holder?.scope
    const aliased = find(name, scope)
    if (!aliased) throw fail('TG_TOOL_UNKNOWN', name, registry.within(scope).nearest(name))
    const args = await readArguments(request, storeUpload)
    const context = callContext(request, reply, { face, redisMs })
    const answer = await invoke(aliased.tool.name, aliased.parse(args), context)
    writeCacheHeaders(reply, context.report)
    return { aliased, args, answer }
  }
  return { find, call }
}

/** The text of an answer in the grammar that the older clients parse. */
export const aliasText = (
  alias: Exclude<Alias, string> | undefined,
  { input }: Answer,
  shown: Presented,
): string => alias?.text?.(shown.output, input) ?? shown.text
