import type { Answer, CallContext, Invoke, Presented } from '../registry/call.ts'
import { parseArguments } from '../registry/parse.ts'
import type { ToolScope } from '../registry/narrow.ts'
import type { RegistryView } from '../registry/registry.ts'
import type { Alias, JsonSchema, Tool } from '../registry/tool.ts'
import { type Known, knownAs } from '../registry/views/alias.ts'

/** The faces on which a tool may have an older name. */
export type AliasFace = 'agentlego' | 'lagent'
/** A tool as an older face knows it. */
export type Aliased = { tool: Tool; known: Known; parse: (args: unknown) => unknown }

/** Finds tools by their names on one face: the alias, the class of an alias with methods, our own name. */
export type FindAliased = (name: string, scope?: ToolScope) => Aliased | undefined

/** Makes the finder; it looks through the tools of a scope once a revision. */
export function createFindAliased(registry: RegistryView, face: AliasFace): FindAliased {
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

/** Calls a tool under its older name. */
export const invokeAliased = async (
  invoke: Invoke,
  { tool, parse }: Aliased,
  call: { args: unknown; context: CallContext },
): Promise<Answer> => invoke(tool.name, parse(call.args), call.context)

/** The text of an answer in the grammar that the older clients parse. */
export const aliasText = (
  alias: Exclude<Alias, string> | undefined,
  { input }: Answer,
  shown: Presented,
): string => alias?.text?.(shown.output, input) ?? shown.text
