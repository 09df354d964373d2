import { type JsonSchema, propertiesOf, type Tool } from '../tool.ts'
import { type Known, knownAs } from './alias.ts'
import { type FlatProperty, flatten } from './flatten.ts'
import { toGbk } from './gbk.ts'
import { normalise } from './normalise.ts'
import type { View } from './view.ts'
import { describe, withWords } from './words.ts'

/** The types that Lagent has words for. */
export type LagentType = 'STRING' | 'NUMBER' | 'FLOAT' | 'BOOLEAN' | 'Array'
/** A function as Lagent's `get_actions_info()` lists it. */
export type LagentAction = {
  name: string
  description: string
  parameters: { name: string; type: LagentType; description: string }[]
  required: string[]
  return_data?: { name: string; description: string; type: LagentType }[]
  parameter_description: string
}

const parameterDescription =
  'If you call this tool, you must pass arguments in the JSON format {key: value}, where the key is the parameter name.'

/**
 * `/registry/lagent`: the full list; `?form=internlm2` keeps the required parameters alone, as the
 * InternLM2 prompt does. Lagent passes texts through GBK, so nothing outside it is written.
 */
export const lagent: View<LagentAction[]> = (tools, options) =>
  tools.map(tool => toLagentAction(tool, options.form === 'internlm2'))

function toLagentAction(tool: Tool, requiredOnly: boolean): LagentAction {
  const known = knownAs(tool, 'lagent')
  const { name, description, input } = known
  const { properties, required } = flatten(input)
  const lists = propertiesOf(normalise(input, 'input'))
  const shown = Object.entries(properties).filter(
    ([parameter]) => !requiredOnly || required.includes(parameter),
  )
  return {
    name,
    description: toGbk(description),
    parameters: shown.map(([parameter, property]) =>
      toParameter(parameter, property, lists[parameter]),
    ),
    required,
    ...(isDictionary(known) ? { return_data: returnData } : {}),
    parameter_description: parameterDescription,
  }
}

function toParameter(name: string, property: FlatProperty, schema: JsonSchema = {}) {
  if (schema['type'] !== 'array')
    return { name, type: typeOf(property), description: toGbk(property.description) }
  const items = describe((schema['items'] ?? {}) as JsonSchema, 'Each is')
  const description = withWords(schema['description'], [...describe(schema), ...items])
  return { name, type: 'Array' as const, description: toGbk(description) }
}

const types: Record<string, LagentType> = {
  string: 'STRING',
  integer: 'NUMBER',
  number: 'FLOAT',
  boolean: 'BOOLEAN',
  array: 'Array',
}
const typeOf = (schema: JsonSchema): LagentType => types[String(schema['type'])] ?? 'STRING'

/** What is returned is stated exactly where a dictionary is: by a method that has a text of its own. */
export const isDictionary = ({ name, alias }: Known): boolean =>
  alias?.text !== undefined && name.includes('.')
const returnData: NonNullable<LagentAction['return_data']> = [
  { name: 'content', description: 'The answer as text.', type: 'STRING' },
]
