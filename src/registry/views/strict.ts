import { type JsonSchema, propertiesOf, requiredOf } from '../tool.ts'
import { functionSchema, keywordsToWords, mapSchema } from './function-schema.ts'
import { membersOf } from './normalise.ts'

/** Whose strict mode is meant. */
export type StrictRules = 'openai' | 'anthropic'

/** What OpenAI allows of a strict schema. */
export const strictLimits = {
  propertiesMax: 5_000,
  levelsMax: 10,
  charactersMax: 120_000,
  enumValuesMax: 1_000,
} as const

/**
 * An input by a provider's strict rules: objects closed, and for OpenAI every property required, an
 * optional one nullable; keywords that are refused go into the words. Undefined when it cannot be
 * said: an object of any names, a value of any type, something recursive or too large.
 */
export function strict(input: JsonSchema, rules: StrictRules): JsonSchema | undefined {
  const schema = functionSchema(input)
  if (!isSayable(schema, 1) || isTooLarge(schema)) return undefined
  return mapSchema(schema, rules === 'openai' ? forOpenai : forAnthropic)
}

function isSayable(schema: JsonSchema, level: number): boolean {
  if (level > strictLimits.levelsMax) return false
  const members = membersOf(schema)
  if (members.length > 1) return members.every(member => isSayable(member, level))
  switch (schema['type']) {
    case 'object': {
      const properties = Object.values(propertiesOf(schema))
      const open = schema['additionalProperties'] !== false
      if (typeof schema['additionalProperties'] === 'object') return false
      if (open && properties.length === 0) return false
      return properties.every(property => isSayable(property, level + 1))
    }
    case 'array':
      return isSayable((schema['items'] ?? {}) as JsonSchema, level + 1)
    default:
      return typeof schema['type'] === 'string'
  }
}

function isTooLarge(schema: JsonSchema): boolean {
  const size = { properties: 0, characters: 0, values: 0 }
  mapSchema(schema, part => {
    const names = Object.keys(propertiesOf(part))
    const values = Array.isArray(part['enum']) ? part['enum'] : []
    size.properties += names.length
    size.values += values.length
    size.characters += [...names, ...values.map(String)].reduce((sum, text) => sum + text.length, 0)
    return part
  })
  const { propertiesMax, charactersMax, enumValuesMax } = strictLimits
  return (
    size.properties > propertiesMax ||
    size.characters > charactersMax ||
    size.values > enumValuesMax
  )
}

const refusedByOpenai = ['minLength', 'maxLength', 'uniqueItems', 'default']
const openaiFormats = [
  'date-time',
  'time',
  'date',
  'duration',
  'email',
  'hostname',
  'ipv4',
  'ipv6',
  'uuid',
]

function forOpenai(schema: JsonSchema): JsonSchema {
  const plain = keywordsToWords(schema, [
    ...refusedByOpenai,
    ...(openaiFormats.includes(String(schema['format'])) ? [] : ['format']),
    // Its patterns know no look-around.
    ...(String(schema['pattern']).includes('(?') ? ['pattern'] : []),
  ])
  if (schema['type'] !== 'object') return plain
  const required = new Set(requiredOf(schema))
  const properties = Object.entries(propertiesOf(plain)).map(([name, property]) => [
    name,
    required.has(name) ? property : nullable(property),
  ])
  return {
    ...plain,
    properties: Object.fromEntries(properties) as JsonSchema,
    required: properties.map(([name]) => name),
    additionalProperties: false,
  }
}

/** The gateway takes null for an optional argument as if it were left out. */
function nullable(schema: JsonSchema): JsonSchema {
  if (Array.isArray(schema['anyOf']))
    return { ...schema, anyOf: [...(schema['anyOf'] as JsonSchema[]), { type: 'null' }] }
  const values = schema['enum']
  return {
    ...schema,
    type: [schema['type'], 'null'],
    ...(Array.isArray(values) ? { enum: [...(values as unknown[]), null] } : {}),
  }
}

const refusedByAnthropic = [
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minLength',
  'maxLength',
  'pattern',
  'maxItems',
  'uniqueItems',
  'default',
]
const anthropicFormats = [...openaiFormats, 'uri']

function forAnthropic(schema: JsonSchema): JsonSchema {
  const plain = keywordsToWords(schema, [
    ...refusedByAnthropic,
    ...(anthropicFormats.includes(String(schema['format'])) ? [] : ['format']),
    ...(Number(schema['minItems']) > 1 ? ['minItems'] : []),
  ])
  return schema['type'] === 'object' ? { ...plain, additionalProperties: false } : plain
}
