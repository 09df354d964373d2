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

/** Remembers what was found in an object: each rule asks anew, and a start lints every tool. */
function once<From extends object, What>(find: (from: From) => What): (from: From) => What {
  const known = new WeakMap<From, { what: What }>()
  return from => {
    let found = known.get(from)
    if (!found) known.set(from, (found = { what: find(from) }))
    return found.what
  }
}

/** Every operation of an OpenAPI document. */
export const operationsOf = once((document: JsonObject): readonly FoundOperation[] =>
  Object.entries(asObject(document['paths'])).flatMap(([path, item]) =>
    Object.entries(asObject(item))
      .filter(([method]) => methods.has(method))
      .map(([method, operation]) => ({
        path,
        method,
        operation: asObject(operation),
        at: `${method.toUpperCase()} ${path}`,
      })),
  ),
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
export const schemasOf = once((found: FoundOperation): readonly Found[] => [
  ...bodiesOf(found).flatMap(({ at, schema }) => nested(schema, at)),
  ...Object.entries(asObject(found.operation['responses'])).flatMap(([status, response]) =>
    contentOf(response).flatMap(([, { schema }]) => nested(schema, `${found.at}: ${status}`)),
  ),
])

/** A schema and all within it. Boolean and other odd ones come as they are, for a check to find. */
export function nested(schema: unknown, at: string): Found[] {
  const found: Found[] = []
  collect(schema, at, found)
  return found
}

function collect(schema: unknown, at: string, found: Found[]): void {
  found.push({ at, schema: schema as JsonSchema })
  if (typeof schema !== 'object' || schema === null) return
  const object = schema as JsonObject
  const properties = propertiesOf(object)
  for (const name in properties) collect(properties[name], `${at}: ${name}`, found)
  if ('items' in object) collect(object['items'], `${at}[]`, found)
  for (const list of lists)
    if (Array.isArray(object[list]))
      for (const member of object[list] as unknown[]) collect(member, `${at} (${list})`, found)
  if (typeof object['additionalProperties'] === 'object')
    collect(object['additionalProperties'], `${at}: any name`, found)
}
const lists = ['anyOf', 'oneOf', 'allOf', 'prefixItems'] as const
