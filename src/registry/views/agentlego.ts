import { artifactsOf, fileInputsOf, type JsonSchema, propertiesOf, type Tool } from '../tool.ts'
import { knownAs } from './alias.ts'
import { type FlatProperty, flatten } from './flatten.ts'
import type { View } from './view.ts'

/** A parameter as AgentLego's `toolmeta` writes it. */
export type AgentlegoParameter = {
  name: string | null
  type: string
  desc: string | null
  optional?: boolean
  default?: unknown
  filetype: string | null
}
/** A tool as AgentLego's `toolmeta` writes it. */
export type AgentlegoTool = {
  cls: string
  module: string
  desc: string
  inputs: AgentlegoParameter[]
  outputs: AgentlegoParameter[]
  init: string
  agent_desc: string
}
/** One value of an answer on the AgentLego face: the text, or a file under its output property. */
export type AgentlegoOutput =
  | { kind: 'text'; description?: string }
  | { kind: 'file'; name: string; mediaType: string; description?: string }

/**
 * The values of an answer on the AgentLego face, in order: the text a model reads, then each file
 * that is always there. An alias without a text of its own, on a tool with files, is files alone, as
 * its old clients expect.
 */
export function agentlegoOutputs(tool: Tool): AgentlegoOutput[] {
  const required = new Set((tool.output['required'] ?? []) as string[])
  const files = artifactsOf(tool)
    .filter(({ name }) => required.has(name))
    .map(({ name, mediaType }): AgentlegoOutput => {
      const description = propertiesOf(tool.output)[name]?.['description']
      return {
        kind: 'file',
        name,
        mediaType,
        ...(typeof description === 'string' ? { description } : {}),
      }
    })
  const { alias } = knownAs(tool, 'agentlego')
  const others = Object.keys(propertiesOf(tool.output)).length > files.length
  const text = alias ? alias.text !== undefined || files.length === 0 : others || files.length === 0
  return text ? [{ kind: 'text' }, ...files] : files
}

/** A tool's arguments on the AgentLego face: its file inputs by kind, the rest flat. */
export function agentlegoInputs(
  tool: Tool,
): { name: string; property: FlatProperty; required: boolean; file?: string }[] {
  const { input } = knownAs(tool, 'agentlego')
  const { properties, required } = flatten(input)
  const kinds = new Map<string, string>(
    fileInputsOf({ ...tool, input }).map(({ name, kind }) => [name, kind]),
  )
  return Object.entries(properties).map(([name, property]) => {
    const kind = kinds.get(name)
    return {
      name,
      property,
      required: required.includes(name),
      ...(kind === undefined ? {} : { file: kind }),
    }
  })
}

/** What the author said of an argument, without the words for how a file is given over JSON. */
export const ownWords = (tool: Tool, name: string): string | undefined => {
  const description = propertiesOf(knownAs(tool, 'agentlego').input)[name]?.['description']
  return typeof description === 'string' ? description : undefined
}

/** `/registry/agentlego`: each tool's `toolmeta`, as AgentLego's own tools state it. */
export const agentlego: View<AgentlegoTool[]> = tools => tools.map(toAgentlegoTool)

function toAgentlegoTool(tool: Tool): AgentlegoTool {
  const { name, description } = knownAs(tool, 'agentlego')
  const inputs = agentlegoInputs(tool).map(
    ({ name, property, required, file }): AgentlegoParameter => ({
      name,
      type: file === undefined ? pythonType(property) : ioType(file),
      desc: (file === undefined ? property.description : ownWords(tool, name)) || null,
      optional: !required,
      default: property['default'] ?? null,
      filetype: file === 'document' ? 'file' : null,
    }),
  )
  const outputs = agentlegoOutputs(tool).map((output): AgentlegoParameter => ({
    name: null,
    type: output.kind === 'text' ? 'str' : ioType(output.mediaType.split('/')[0]),
    desc: output.description ?? null,
    filetype: null,
  }))
  return {
    cls: name,
    module: 'agentlego.tools.remote',
    desc: description,
    inputs,
    outputs,
    init: '(self, toolmeta=None)',
    agent_desc: `${description}\nArgs: ${inputs.map(argumentWords).join('; ')}\nReturns: ${outputs.map(returnWords).join(', ')}`,
  }
}

const pythonTypes: Record<FlatProperty['type'], string> = {
  string: 'str',
  integer: 'int',
  number: 'float',
  boolean: 'bool',
}
const pythonType = (schema: FlatProperty): string => pythonTypes[schema.type]
const ioType = (kind: string | undefined): string =>
  kind === 'image' ? 'ImageIO' : kind === 'audio' ? 'AudioIO' : 'File'
const agentType = (type: string): string => (/^(ImageIO|AudioIO|File)$/.test(type) ? 'path' : type)
const pythonValue = (value: unknown): string =>
  value === null
    ? 'None'
    : value === true
      ? 'True'
      : value === false
        ? 'False'
        : typeof value === 'string'
          ? value
          : JSON.stringify(value)

function argumentWords({
  name,
  type,
  desc,
  optional,
  default: fallback,
}: AgentlegoParameter): string {
  const words = [agentType(type), ...(desc ? [desc] : [])].join(', ')
  return `${name} (${words}${optional ? `. Optional, Defaults to ${pythonValue(fallback)}` : ''})`
}
const returnWords = ({ type, desc }: AgentlegoParameter): string =>
  desc ? `${agentType(type)} (${desc})` : agentType(type)

/** The type of a form field in AgentLego's document: `image;binary`. */
export const formFormat = (kind: string): string =>
  ({ image: 'image;binary', audio: 'audio;binary' })[kind] ?? 'file;binary'

/** The schema of one value of an answer in AgentLego's document. */
export const outputSchema = (output: AgentlegoOutput): JsonSchema => ({
  type: 'string',
  ...(output.kind === 'file' ? { format: `${output.mediaType};base64` } : {}),
})
