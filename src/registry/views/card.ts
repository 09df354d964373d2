import {
  artifactKeyword,
  artifactsOf,
  fileInputsOf,
  fileKeyword,
  type JsonObject,
  type JsonSchema,
  propertiesOf,
  type Tool,
  type Unavailable,
} from '../tool.ts'
import { agentlegoOutputs } from './agentlego.ts'
import { fullSchema } from './full-schema.ts'
import { knownAs } from './alias.ts'
import { shownOutput } from './openapi.ts'
import type { ViewOptions } from './view.ts'

/** What a card may know beside the tool. */
export type CardOptions = ViewOptions & { readonly unavailable?: Unavailable | undefined }
/** A tool as the registry shows it to people and programs. */
export type Card = {
  name: string
  title: string
  description: string
  version: string
  category: string
  tags: readonly string[]
  source: string
  available: boolean
  reason?: string
  remedy?: string
  input: JsonSchema
  output: JsonSchema
  examples: JsonObject[]
  /** How to call it on each face. */
  calls: JsonObject
}

/** One tool's card. Alone among the documents it marks file properties, by the record's own keywords. */
export const toCard = (tool: Tool, options: CardOptions): Card => ({
  name: tool.name,
  title: tool.title,
  description: tool.description,
  version: tool.version,
  category: tool.category,
  tags: tool.tags,
  source: tool.source,
  available: options.unavailable === undefined,
  ...(options.unavailable
    ? { reason: options.unavailable.reason, remedy: options.unavailable.remedy }
    : {}),
  input: marked(
    fullSchema(tool.input, 'input'),
    new Map(fileInputsOf(tool).map(({ name, kind }) => [name, { [fileKeyword]: kind }])),
  ),
  output: marked(
    fullSchema(tool.output, 'output'),
    new Map(
      artifactsOf(tool).map(({ name, mediaType }) => [name, { [artifactKeyword]: mediaType }]),
    ),
  ),
  examples: tool.examples.map(({ title, input, output }) => ({
    ...(title === undefined ? {} : { title }),
    input,
    output: shownOutput(tool, output, options),
  })),
  calls: callsOf(tool, options),
})

function marked(schema: JsonSchema, marks: ReadonlyMap<string, JsonSchema>): JsonSchema {
  if (marks.size === 0) return schema
  const properties = Object.entries(propertiesOf(schema)).map(([name, property]) => [
    name,
    { ...property, ...marks.get(name) },
  ])
  return { ...schema, properties: Object.fromEntries(properties) as JsonSchema }
}

function callsOf(tool: Tool, options: CardOptions): JsonObject {
  const { origin, secured } = options
  const args = tool.examples[0]?.input ?? {}
  const [legoName, lagentName] = [knownAs(tool, 'agentlego').name, knownAs(tool, 'lagent').name]
  return {
    rest: {
      method: 'POST',
      url: `${origin}/tools/${tool.name}`,
      body: args,
      curl: curlOf(tool, args, options),
    },
    openapi: { url: `${origin}/openapi.json?tools=${tool.name}`, operationId: tool.name },
    mcp: {
      url: `${origin}/mcp`,
      only: `${origin}/tools/${tool.name}/mcp`,
      name: tool.name,
      arguments: args,
    },
    openai: {
      url: `${origin}/registry/openai?tools=${tool.name}`,
      name: tool.name,
      arguments: JSON.stringify(args),
    },
    agentlego: {
      name: legoName,
      path: `/${legoName}`,
      values: agentlegoOutputs(tool).map(({ kind }) => kind),
    },
    lagent: { name: lagentName, url: `${origin}/lagent/${lagentName}` },
    ...(secured ? { key: 'Authorization: Bearer <key>, or X-API-Key: <key>' } : {}),
  }
}

/** A command to paste; a quote in an argument is written so that the shell leaves it alone. */
function curlOf(tool: Tool, args: JsonObject, { origin, secured }: CardOptions): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
  return [
    `curl -s ${origin}/tools/${tool.name}`,
    ...(secured ? [`-H 'Authorization: Bearer $TOOLGATE_KEY'`.replaceAll("'", '"')] : []),
    `-H 'Content-Type: application/json'`,
    `-d ${quoted(JSON.stringify(args))}`,
  ].join(' ')
}
