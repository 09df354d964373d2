import { type JsonSchema, propertiesOf, requiredOf } from '../tool.ts'
import { functionSchema, keywordsToWords } from './function-schema.ts'
import { isPortableName } from './flatten.ts'
import { membersOf, pick } from './normalise.ts'
import { sketch, withWords } from './words.ts'

/**
 * An input in Gemini's own `Schema`: types in capitals, `nullable`, enums of text alone. One schema
 * that it refuses fails the whole request, so what it has no word for becomes JSON text. Undefined
 * for a tool without arguments: an OBJECT without properties is refused.
 */
export const geminiSubset = (input: JsonSchema): JsonSchema | undefined =>
  objectOf(functionSchema(input))

const kept = ['minimum', 'maximum', 'minItems', 'maxItems', 'minLength', 'maxLength']
const refused = [
  'default',
  'pattern',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'uniqueItems',
  'format',
]

function subset(schema: JsonSchema): JsonSchema {
  const members = membersOf(schema)
  const some = members.filter(({ type }) => type !== 'null')
  const nullable = some.length < members.length ? { nullable: true } : {}
  if (some.length === 1 && members.length > 1)
    return { ...subset({ ...some[0], ...pick(schema, ['description', 'default']) }), ...nullable }
  if (some.length > 1)
    return {
      ...pick(keywordsToWords(schema, ['default']), ['description']),
      anyOf: some.map(subset),
      ...nullable,
    }
  switch (schema['type']) {
    case 'object':
      return objectOf(schema) ?? asText(schema)
    case 'array':
      return {
        ...head(schema, 'ARRAY'),
        items: subset((schema['items'] ?? {}) as JsonSchema),
        ...pick(schema, kept),
      }
    case 'string':
    case 'integer':
    case 'number':
    case 'boolean':
      return scalar(schema)
    default:
      return asText(schema)
  }
}

const head = (schema: JsonSchema, type: string): JsonSchema => ({
  type,
  ...pick(keywordsToWords(schema, refused), ['description']),
})

function scalar(schema: JsonSchema): JsonSchema {
  const type = String(schema['type']).toUpperCase()
  const values = schema['enum']
  if (!Array.isArray(values)) return { ...head(schema, type), ...pick(schema, kept) }
  if (type !== 'STRING')
    return { type, ...pick(keywordsToWords(schema, [...refused, 'enum']), ['description']) }
  return { ...head(schema, type), enum: values.filter(value => value !== '') }
}

function asText(schema: JsonSchema): JsonSchema {
  const words =
    'type' in schema || 'anyOf' in schema
      ? `JSON text of the form ${sketch(schema)}`
      : 'Any value, as text.'
  return { type: 'STRING', description: withWords(schema['description'], [words]) }
}

function objectOf(schema: JsonSchema): JsonSchema | undefined {
  const required = requiredOf(schema)
  const names = Object.keys(propertiesOf(schema)).filter(
    name => isPortableName(name) || required.includes(name),
  )
  if (names.length === 0) return undefined
  return {
    ...head(schema, 'OBJECT'),
    properties: Object.fromEntries(names.map(name => [name, subset(propertiesOf(schema)[name]!)])),
    required: required.filter(name => names.includes(name)),
  }
}
