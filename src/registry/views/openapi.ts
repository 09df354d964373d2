import type { OpenAPIV3_1 } from 'openapi-types'
import { artifactsOf, type Example, fileInputsOf, type JsonObject, type Tool } from '../tool.ts'
import { type Flat, flatten, flattenExample } from './flatten.ts'
import { weaken } from './weaken.ts'
import { briefOf, viewDefaults, type ViewOptions } from './view.ts'

/** An OpenAPI document as the views write it. */
export type Document = OpenAPIV3_1.Document
/** One operation of such a document. */
export type Operation = OpenAPIV3_1.OperationObject
/** A schema of such a document. */
export type Schema = OpenAPIV3_1.SchemaObject

/** What sets one profile of the common core apart from another. */
export type Profile = {
  /** Stands before `/tools/{name}`. */
  prefix: '' | '/dify' | '/gpt'
  /** For whom the document is. */
  audience: string
  operationsMax?: number
  /** Bytes of the pretty-printed document. */
  bytesMax?: number
  /** Reshapes the arguments for an importer's own ways with files. */
  arguments?(tool: Tool, flat: Flat): Schema
}

/** The document of a profile: common-core operations, as many as the importer takes. */
export function documentOf(
  tools: readonly Tool[],
  options: ViewOptions,
  profile: Profile,
): Document {
  const { operationsMax = Infinity, bytesMax = Infinity } = profile
  const paths: NonNullable<Document['paths']> = {}
  let [count, bytes] = [0, headingBytes]
  for (const tool of tools) {
    if (count >= operationsMax) break
    const item = pathItem(operationOf(tool, options, profile))
    if (bytesMax !== Infinity) bytes += prettyBytes(item)
    if (bytes > bytesMax) break
    paths[`${profile.prefix}/tools/${tool.name}`] = item
    count += 1
  }
  const omitted = tools.length - count + (options.omitted ?? 0)
  return {
    openapi: '3.1.0',
    info: infoOf(options, describeDocument(profile.audience, count, omitted)),
    servers: [{ url: options.origin }],
    paths,
    ...(options.secured ? { components: { securitySchemes } } : {}),
  }
}

/** A path with its one operation; the types of 3.1 and 3.0 quarrel under exact optional properties. */
export const pathItem = (post: Operation): PathItem => ({ post }) as PathItem
type PathItem = OpenAPIV3_1.PathItemObject

/** Room for everything but the paths. */
const headingBytes = 4_000
const prettyBytes = (item: object): number =>
  Buffer.byteLength(JSON.stringify(item, null, 2).replaceAll('\n', '\n    ')) + 200

/** The heading of a document. */
export const infoOf = (options: ViewOptions, description: string): OpenAPIV3_1.InfoObject => ({
  title: options.title ?? viewDefaults.title,
  version: options.version ?? viewDefaults.version,
  description,
})

/** What a document says of itself; what was left out is counted, never silently gone. */
export function describeDocument(audience: string, count: number, omitted: number): string {
  const tools = `${count} ${count === 1 ? 'tool' : 'tools'}`
  const rest =
    omitted > 0
      ? ` ${omitted} more ${omitted === 1 ? 'is' : 'are'} not in this document: pick others with ?tools= or ?tags=.`
      : ''
  return `${tools} of a Toolgate gateway, ${audience}.${rest}`
}

/** The one way to give a key that every importer knows. */
export const securitySchemes: Record<string, OpenAPIV3_1.SecuritySchemeObject> = {
  bearerAuth: {
    type: 'http',
    scheme: 'bearer',
    description: 'A key of this gateway. The header X-API-Key takes it too.',
  },
}
/** The security of an operation that needs a key; none where no key is needed. */
export const securityOf = ({ secured }: ViewOptions): Pick<Operation, 'security'> =>
  secured ? { security: [{ bearerAuth: [] }] } : {}

/** GPT asks its user before each call that is marked so; without a mark, before every POST. */
export const consequential = (tool: Tool): object => ({
  'x-openai-isConsequential': !tool.annotations.readOnly,
})

function operationOf(tool: Tool, options: ViewOptions, profile: Profile): Operation {
  const brief = briefOf(tool)
  const flat = flatten(tool.input)
  const schema = profile.arguments?.(tool, flat) ?? toSchema(flat)
  return {
    operationId: tool.name,
    summary: brief,
    description: brief,
    ...consequential(tool),
    ...securityOf(options),
    requestBody: {
      required: true,
      content: {
        'application/json': {
          schema,
          ...examplesOf(tool, example => flattenExample(tool.input, example.input)),
        },
      },
    },
    responses: {
      200: {
        description: tool.title,
        content: {
          'application/json': {
            schema: toSchema(weaken(tool.output)),
            ...examplesOf(tool, example => shownOutput(tool, example.output, options)),
          },
        },
      },
      default: {
        description: 'What went wrong, and what to change',
        content: { 'application/json': { schema: errorSchema } },
      },
    },
  }
}

/** Our schemas are a subset of what OpenAPI 3.1 takes. */
export const toSchema = (schema: object): Schema => schema as Schema

/** Every example of a tool, by name, as `show` makes it. */
export function examplesOf(
  tool: Tool,
  show: (example: Example) => unknown,
): { examples?: Record<string, OpenAPIV3_1.ExampleObject> } {
  if (tool.examples.length === 0) return {}
  const entries = tool.examples.map((example, index) => [
    `example${index + 1}`,
    { ...(example.title ? { summary: example.title } : {}), value: show(example) },
  ])
  return { examples: Object.fromEntries(entries) as Record<string, OpenAPIV3_1.ExampleObject> }
}

/** An output as callers see it: artifacts by their URL. */
export function shownOutput(tool: Tool, output: JsonObject, { origin }: ViewOptions): JsonObject {
  const shown = { ...output }
  for (const { name } of artifactsOf(tool)) {
    const id = output[name]
    if (typeof id === 'string' && !id.includes('/')) shown[name] = `${origin}/files/${id}`
  }
  return shown
}

/** The shape of every error. */
export const errorSchema: Schema = {
  type: 'object',
  properties: {
    error: {
      type: 'object',
      properties: {
        code: { type: 'string', description: 'A fixed code such as TG_ARGUMENT_INVALID.' },
        message: { type: 'string', description: 'What went wrong.' },
        hint: { type: 'string', description: 'What to change.' },
        details: { type: 'object', description: 'Facts about this error.', properties: {} },
        requestId: { type: 'string', description: 'Names this request in the log.' },
      },
      required: ['code', 'message', 'requestId'],
    },
  },
  required: ['error'],
}

/** The file inputs of a tool as a table. */
export const fileKindsOf = (tool: Tool): ReadonlyMap<string, string> =>
  new Map(fileInputsOf(tool).map(({ name, kind }) => [name, kind]))
