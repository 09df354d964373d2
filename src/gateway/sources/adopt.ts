import { setImmediate as nextTurn } from 'node:timers/promises'
import { noteLinted } from '../../registry/lint.ts'
import type { Registry } from '../../registry/registry.ts'
import { nameTools } from '../../registry/sources/names.ts'
import { toTool } from '../../registry/sources/record.ts'
import {
  type Draft,
  isStdio,
  type SourceDefinition,
  sourceId,
} from '../../registry/sources/source.ts'
import type { JsonObject, Tool, ToolContext } from '../../registry/tool.ts'
import { knownNames } from '../../registry/views/alias.ts'
import type { Linted } from './describe.ts'
import type { Way } from './way.ts'

/** What drafts become tools with. */
export type Adopting = {
  definition: SourceDefinition
  registry: Registry
  way: Pick<Way, 'problemOf'>
  /** The tools of this source until now: those that have not changed stay the same records. */
  before: readonly Tool[]
  run: (name: string, draft: Draft, input: JsonObject, context: ToolContext) => Promise<JsonObject>
  /** Work on many tools stops this often to let others have the loop. */
  sliceMs: number
}

/** Makes records of linted drafts, with names and aliases that no other tool has. */
export async function adopt(
  linted: readonly Linted[],
  options: Adopting,
): Promise<{ tools: Tool[]; drafts: Map<string, Draft> }> {
  const { definition, registry, before, sliceMs } = options
  const id = sourceId(definition)
  const others = registry.list().filter(({ source }) => source !== id)
  const theirs = new Set(others.map(({ name }) => name))
  const names = nameTools(
    id,
    linted.map(({ draft }) => draft),
    name => theirs.has(name),
  )
  const aliases = new Set([...theirs, ...others.flatMap(knownNames).map(([, name]) => name)])
  const olds = new Map(before.map(tool => [tool.name, tool]))
  const tools: Tool[] = []
  const drafts = new Map<string, Draft>()
  let endsAt = performance.now() + sliceMs
  for (const [index, { draft, version }] of linted.entries()) {
    const name = names[index]!
    const own = withOwnAlias(withinReach(draft, options), aliases)
    const old = olds.get(name)
    drafts.set(name, own)
    tools.push(old?.version === version ? old : toolOf(own, { name, version, options }))
    if (performance.now() < endsAt) continue
    await nextTurn()
    endsAt = performance.now() + sliceMs
  }
  return { tools, drafts }
}

const toolOf = (
  draft: Draft,
  { name, version, options }: { name: string; version: string; options: Adopting },
): Tool =>
  noteLinted(
    toTool(draft, {
      name,
      definition: options.definition,
      version,
      run: (_draft, input, context) => options.run(name, draft, input, context),
    }),
  )

/** A document may name a server that only its own network can reach; then it is where the document was. */
function withinReach(draft: Draft, { way, definition }: Adopting): Draft {
  if (draft.call.kind !== 'operation' || isStdio(definition)) return draft
  const { server } = draft.call
  if (!way.problemOf(server)) return draft
  const here = new URL(definition.url).origin + new URL(server).pathname.replace(/\/+$/, '')
  const loss = `its server ${new URL(server).origin} may not be reached: ${here} is called instead`
  return { ...draft, call: { ...draft.call, server: here }, losses: [...draft.losses, loss] }
}

/** A name on the AgentLego face belongs to whoever had it first. */
function withOwnAlias(draft: Draft, taken: Set<string>): Draft {
  if (draft.alias === undefined) return draft
  if (!taken.has(draft.alias)) {
    taken.add(draft.alias)
    return draft
  }
  const { alias, ...rest } = draft
  const loss = `the name ${alias} is another tool's on the AgentLego face`
  return { ...rest, losses: [...rest.losses, loss] }
}
