import type { Alias, JsonSchema, Tool } from '../tool.ts'
import { briefOf, viewLimits } from './view.ts'

/** A tool as an older face shows it: by its alias there, with the arguments its clients know. */
export type Known = {
  name: string
  description: string
  input: JsonSchema
  alias?: Exclude<Alias, string>
}

/** How a tool is known on the AgentLego or the Lagent face. */
export function knownAs(tool: Tool, face: 'agentlego' | 'lagent'): Known {
  const alias = tool.aliases[face]
  const brief = briefOf(tool, viewLimits.functionCharactersMax)
  if (alias === undefined) return { name: tool.name, description: brief, input: tool.input }
  if (typeof alias === 'string')
    return { name: alias, description: brief, input: tool.input, alias: { name: alias } }
  return {
    name: alias.name,
    description: alias.description ?? brief,
    input: alias.input ?? tool.input,
    alias,
  }
}

/** The names a tool has on older faces. */
export const knownNames = ({ aliases }: Tool): [face: 'agentlego' | 'lagent', name: string][] =>
  (['agentlego', 'lagent'] as const).flatMap(face => {
    const alias = aliases[face]
    if (alias === undefined) return []
    return [[face, typeof alias === 'string' ? alias : alias.name]]
  })
