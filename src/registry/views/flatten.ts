import { type JsonObject, type JsonSchema, propertiesOf, requiredOf } from '../tool.ts'
import { leftOut } from './function-schema.ts'
import { membersOf, normalise, pick } from './normalise.ts'
import { describe, isScalar, sketch, withWords } from './words.ts'

/** An input that every importer can read: an object of text, numbers and booleans. */
export type Flat = {
  type: 'object'
  description?: string
  properties: Record<string, FlatProperty>
  required: string[]
}
/** One argument of such an input. */
export type FlatProperty = JsonSchema & { type: ScalarType; description: string }
type ScalarType = 'string' | 'integer' | 'number' | 'boolean'

/** Words that Python, and so a generated client, cannot use as a name. */
export const pythonKeywords: ReadonlySet<string> = new Set(
  'False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield'.split(
    ' ',
  ),
)
/** True for a name that every importer takes as a parameter's. */
export const isPortableName = (name: string): boolean =>
  /^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(name) && !pythonKeywords.has(name)

/**
 * An input by the rules of the common core: lists of scalars become comma-separated text, what is
 * nested becomes JSON text, and every rule is told in words too, since importers drop keywords. The
 * gateway reads all of these forms. An optional argument that importers cannot name is left out.
 */
export function flatten(input: JsonSchema): Flat {
  const schema = normalise(input, 'input')
  const required = requiredOf(schema)
  const [left, kept] = partition(
    Object.entries(propertiesOf(schema)),
    ([name]) => isPortableName(name) || required.includes(name),
  )
  return {
    type: 'object',
    ...(left.length > 0 ? { description: leftOut(left.map(([name]) => name)) } : {}),
    properties: Object.fromEntries(
      kept.map(([name, property]) => [name, flattenProperty(name, property)]),
    ),
    required,
  }
}

/** Those that fail a test, and those that pass it. */
function partition<Item>(items: readonly Item[], test: (item: Item) => boolean): [Item[], Item[]] {
  return [items.filter(item => !test(item)), items.filter(test)]
}

function flattenProperty(name: string, declared: JsonSchema): FlatProperty {
  const schema = { ...declared, description: declared['description'] ?? name.replaceAll('_', ' ') }
  const type = scalarType(schema)
  if (type) return flatScalar(schema, type)
  return {
    type: 'string',
    description: withWords(
      schema['description'],
      isScalarList(schema) ? listWords(schema) : jsonWords(schema),
    ),
  }
}

const scalarTypes = new Set<unknown>(['string', 'integer', 'number', 'boolean'])
const isScalarType = (type: unknown): type is ScalarType => scalarTypes.has(type)

/** The scalar type that takes every value of the schema, if one does; text takes whatever is a scalar. */
function scalarType(schema: JsonSchema): ScalarType | undefined {
  const members = membersOf(schema).filter(({ type }) => type !== 'null')
  const types = [...new Set(members.map(({ type }) => type))]
  if (types.length === 1 && isScalarType(types[0])) return types[0]
  if (types.length === 0 || !types.every(isScalarType)) return undefined
  return types.every(type => type === 'integer' || type === 'number') ? 'number' : 'string'
}

function flatScalar(schema: JsonSchema, type: ScalarType): FlatProperty {
  const values = schema['enum']
  const texts = Array.isArray(values) && values.every(value => typeof value === 'string')
  const fallback = schema['default']
  const members = membersOf(schema)
  const words =
    members.length > 1
      ? [unionWords(members, schema), ...describe(pick(schema, ['description', 'default']))]
      : describe(schema)
  return {
    type,
    description: withWords(schema['description'], words),
    ...(texts ? { enum: values } : {}),
    ...(isScalar(fallback) && fits(fallback, type) ? { default: fallback } : {}),
    ...pick(schema, ['minimum', 'maximum', 'minLength', 'maxLength']),
    ...(plainFormats.has(schema['format']) ? { format: schema['format'] } : {}),
  }
}

/** An argument that must be there and may be null has no way to say so in one type. */
function unionWords(members: readonly JsonSchema[], schema: JsonSchema): string {
  const some = members.filter(({ type }) => type !== 'null')
  if (some.length > 1) return `Either ${sketch(schema)}.`
  return [...describe(some[0] ?? {}), 'Null is taken too, where it can be sent.'].join(' ')
}

const plainFormats = new Set<unknown>(['date', 'date-time', 'uri', 'email', 'uuid'])
const fits = (value: string | number | boolean, type: ScalarType): boolean =>
  type === 'integer' ? Number.isInteger(value) : typeof value === type

const itemsOf = (schema: JsonSchema): JsonSchema => (schema['items'] ?? {}) as JsonSchema
/** A list that can be written with commas. */
const isScalarList = (schema: JsonSchema): boolean =>
  schema['type'] === 'array' && 'items' in schema && isScalarType(itemsOf(schema)['type'])

function listWords(schema: JsonSchema): string[] {
  const items = itemsOf(schema)
  const kind =
    items['type'] === 'integer'
      ? 'whole numbers'
      : items['type'] === 'number'
        ? 'numbers'
        : 'values'
  return [
    `Several ${kind} are separated by commas, or given as a JSON array.`,
    ...describe(items, 'Each is'),
    ...describe(pick(schema, ['description', 'minItems', 'maxItems', 'uniqueItems', 'default'])),
  ]
}

function jsonWords(schema: JsonSchema): string[] {
  const words = describe(
    pick(schema, ['description', 'minItems', 'maxItems', 'uniqueItems', 'default']),
  )
  if (!('type' in schema) && !('anyOf' in schema))
    return ['Any value; a list or an object as JSON text.', ...words]
  return [`JSON text of the form ${sketch(schema)}`, ...words]
}

/** An example's arguments in the form that the flat input asks for. */
export function flattenExample(input: JsonSchema, example: JsonObject): JsonObject {
  const { properties } = flatten(input)
  return Object.fromEntries(
    Object.entries(example).flatMap(([name, value]) => {
      const property = properties[name]
      if (!property || value === undefined || value === null) return []
      return [[name, property.type === 'string' ? flattenValue(value) : value] as const]
    }),
  )
}

function flattenValue(value: unknown): string {
  if (typeof value === 'string') return value
  const list =
    Array.isArray(value) && value.length > 0 && value.every(isScalar)
      ? value.map(String)
      : undefined
  const commas = list?.every(item => item.trim() === item && item !== '' && !/^\[|[,，]/.test(item))
  return list && commas ? list.join(', ') : JSON.stringify(value)
}
