import { type JsonSchema, propertiesOf, requiredOf } from '../tool.ts'
import { normalise } from './normalise.ts'
import { describe, sketch, withWords } from './words.ts'
import { viewLimits } from './view.ts'

/** Rebuilds each schema inside another, from the inside out. */
export function mapSchema(
  schema: JsonSchema,
  change: (schema: JsonSchema) => JsonSchema,
): JsonSchema {
  const inside = (value: unknown): JsonSchema => mapSchema((value ?? {}) as JsonSchema, change)
  const mapped: JsonSchema = { ...schema }
  if ('properties' in schema)
    mapped['properties'] = Object.fromEntries(
      Object.entries(propertiesOf(schema)).map(([name, property]) => [name, inside(property)]),
    )
  if ('items' in schema) mapped['items'] = inside(schema['items'])
  for (const list of ['prefixItems', 'anyOf'])
    if (Array.isArray(schema[list])) mapped[list] = (schema[list] as unknown[]).map(inside)
  if (typeof schema['additionalProperties'] === 'object')
    mapped['additionalProperties'] = inside(schema['additionalProperties'])
  return change(mapped)
}

/**
 * The parameters of a function for a model: an object with `properties` and `required`, nothing
 * referenced, lists with `items`. Tuples, which providers refuse, become lists with words.
 */
export function functionSchema(input: JsonSchema): JsonSchema {
  let schema = functions.get(input)
  if (!schema) functions.set(input, (schema = mapSchema(normalise(input, 'input'), forModels)))
  return schema
}
const functions = new WeakMap<JsonSchema, JsonSchema>()

const forModels = (schema: JsonSchema): JsonSchema => withItems(withKnownNames(schema))

/** Anthropic refuses a whole request for one property with another name. */
const knownName = /^[a-zA-Z0-9_.-]{1,64}$/

function withKnownNames(schema: JsonSchema): JsonSchema {
  const properties = propertiesOf(schema)
  const required = requiredOf(schema)
  const left = Object.keys(properties).filter(
    name => !knownName.test(name) && !required.includes(name),
  )
  if (left.length === 0) return schema
  const kept = Object.entries(properties).filter(([name]) => !left.includes(name))
  return {
    ...schema,
    description: withWords(schema['description'], [leftOut(left)]),
    properties: Object.fromEntries(kept),
  }
}

/** Tells of arguments that a form has no way to name. */
export const leftOut = (names: readonly string[]): string =>
  `Left out here, as they cannot be named: ${names.join(', ')}.`

function withItems(schema: JsonSchema): JsonSchema {
  const { prefixItems, ...rest } = schema
  if (!Array.isArray(prefixItems)) return schema
  const kinds = [
    ...new Map(prefixItems.map(item => [JSON.stringify(item), item as JsonSchema])).values(),
  ]
  return {
    ...rest,
    description: withWords(schema['description'], [`In this order: ${sketch(schema)}.`]),
    items: kinds.length === 1 ? kinds[0] : { anyOf: kinds },
  }
}

/** Moves keywords that a provider refuses into the words of a schema. */
export function keywordsToWords(schema: JsonSchema, refused: readonly string[]): JsonSchema {
  const moved: JsonSchema = {}
  const kept: JsonSchema = {}
  for (const [keyword, value] of Object.entries(schema)) {
    if (refused.includes(keyword)) moved[keyword] = value
    else kept[keyword] = value
  }
  const words = describe({ ...moved, description: schema['description'] })
  if (words.length === 0) return kept
  const { type, description, ...rest } = kept
  const text = withWords(
    description,
    words,
    Math.max(
      viewLimits.propertyCharactersMax,
      typeof description === 'string' ? description.length : 0,
    ),
  )
  return { ...(type === undefined ? {} : { type }), description: text, ...rest }
}
