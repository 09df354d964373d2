import { type JsonObject, type JsonSchema, propertiesOf } from '../tool.ts'

/** A schema somewhere in a document, and how a person finds it. */
export type Found = { at: string; schema: JsonSchema }
/** An operation of a document, and where it is. */
export type FoundOperation = { path: string; method: string; operation: JsonObject; at: string }

/** A value as an object; what is none is empty. */
export const asObject = (value: unknown): JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {}

/** The keys that are operations in a path item. */
export const methods: ReadonlySet<string> = new Set([
  'get',
  'put',
  'post',
  'delete',
  'options',
  'head',
  'patch',
  'trace',
])

/** Every operation of an OpenAPI document. */
export const operationsOf = (document: JsonObject): FoundOperation[] =>
  Object.entries(asObject(document['paths'])).flatMap(([path, item]) =>
    Object.entries(asObject(item))
      .filter(([method]) => methods.has(method))
      .map(([method, operation]) => ({
        path,
        method,
        operation: asObject(operation),
        at: `${method.toUpperCase()} ${path}`,
      })),
  )

/** The operations that are tools: `full` describes other routes beside them. */
export const toolOperationsOf = (document: JsonObject): FoundOperation[] =>
  operationsOf(document).filter(({ path }) => /^(\/(dify|gpt))?\/tools\/[^/]+$/.test(path))

/** The media types of a request body or a response. */
export const contentOf = (part: unknown): [string, JsonObject][] =>
  Object.entries(asObject(asObject(part)['content'])).map(([type, media]) => [
    type,
    asObject(media),
  ])

/** The body schemas of an operation, one a media type. */
export const bodiesOf = ({ operation, at }: FoundOperation): Found[] =>
  contentOf(operation['requestBody']).map(([type, media]) => ({
    at: type === 'application/json' ? at : `${at} (${type})`,
    schema: asObject(media['schema']),
  }))

/** Every schema of an operation, nested ones too. */
export const schemasOf = (found: FoundOperation): Found[] => [
  ...bodiesOf(found).flatMap(({ at, schema }) => nested(schema, at)),
  ...Object.entries(asObject(found.operation['responses'])).flatMap(([status, response]) =>
    contentOf(response).flatMap(([, { schema }]) => nested(schema, `${found.at}: ${status}`)),
  ),
]

/** A schema and all within it. Boolean and other odd ones come as they are, for a check to find. */
export function nested(schema: unknown, at: string): Found[] {
  const found = [{ at, schema: schema as JsonSchema }]
  const object = asObject(schema)
  for (const [name, property] of Object.entries(propertiesOf(object)))
    found.push(...nested(property, `${at}: ${name}`))
  if ('items' in object) found.push(...nested(object['items'], `${at}[]`))
  for (const list of ['anyOf', 'oneOf', 'allOf', 'prefixItems'])
    for (const member of Array.isArray(object[list]) ? (object[list] as unknown[]) : [])
      found.push(...nested(member, `${at} (${list})`))
  if (typeof object['additionalProperties'] === 'object')
    found.push(...nested(object['additionalProperties'], `${at}: any name`))
  return found
}
