import { type JsonSchema, propertiesOf, requiredOf } from '../tool.ts'
import { membersOf, normalise, pick } from './normalise.ts'
import { cut, viewLimits } from './view.ts'
import { sentence, sketch } from './words.ts'

/**
 * An output that every importer can read and that is still true: what the common core cannot say
 * (null, unions, tuples) is left out of the properties and told in words, so a client that validates
 * answers never meets one that does not fit.
 */
export const weaken = (output: JsonSchema): JsonSchema => weakenObject(normalise(output, 'output'))

function weakened(schema: JsonSchema): JsonSchema | undefined {
  const members = membersOf(schema)
  if (members.length > 1) return sameType(schema, members)
  switch (schema['type']) {
    case 'object':
      return weakenObject(schema)
    case 'array':
      return weakenArray(schema)
    case 'string':
      return {
        ...head(schema),
        ...pick(schema, ['enum', 'minLength', 'maxLength']),
        ...formatOf(schema),
      }
    case 'integer':
    case 'number':
      return { ...head(schema), ...pick(schema, ['minimum', 'maximum']) }
    case 'boolean':
      return head(schema)
    default:
      return undefined
  }
}

const plainFormats = new Set<unknown>(['date', 'date-time', 'uri', 'email', 'uuid'])
const formatOf = (schema: JsonSchema): JsonSchema =>
  plainFormats.has(schema['format']) ? pick(schema, ['format']) : {}

const head = (schema: JsonSchema): JsonSchema => {
  const text = schema['description']
  return {
    type: schema['type'],
    ...(typeof text === 'string'
      ? { description: cut(text, viewLimits.propertyCharactersMax) }
      : {}),
  }
}

/** A union whose members are of one type is at least of that type. */
function sameType(schema: JsonSchema, members: readonly JsonSchema[]): JsonSchema | undefined {
  const types = new Set(members.map(({ type }) => type))
  const number = [...types].every(type => type === 'integer' || type === 'number')
  const [type] = number ? ['number'] : [...types]
  if (types.size > 1 && !number) return undefined
  if (type === 'array' || type === undefined) return undefined
  return { ...head({ ...schema, type }), ...(type === 'object' ? { properties: {} } : {}) }
}

function weakenArray(schema: JsonSchema): JsonSchema | undefined {
  const tuple = schema['prefixItems'] as JsonSchema[] | undefined
  const kinds = new Set(tuple?.map(item => JSON.stringify({ ...item, description: undefined })))
  const items = weakened(
    (tuple ? (kinds.size === 1 ? tuple[0] : undefined) : (schema['items'] as JsonSchema)) ?? {},
  )
  if (!items) return undefined
  return { ...head(schema), items, ...pick(schema, ['minItems', 'maxItems']) }
}

function weakenObject(schema: JsonSchema): JsonSchema {
  const all = Object.entries(propertiesOf(schema)).map(
    ([name, property]) => [name, property, weakened(property)] as const,
  )
  const properties = Object.fromEntries(
    all.flatMap(([name, , weak]) => (weak ? [[name, weak]] : [])),
  )
  const left = all.flatMap(([name, property, weak]) =>
    weak ? [] : `${name} (${sketch(property, 2)})`,
  )
  const also = left.length > 0 ? `Also ${left.join(', ')}.` : ''
  const description = cut(
    `${sentence(schema['description'])} ${also}`.trim(),
    viewLimits.propertyCharactersMax,
  )
  const required = requiredOf(schema).filter(name => Object.hasOwn(properties, name))
  return {
    type: 'object',
    ...(description ? { description } : {}),
    properties,
    ...(required.length > 0 ? { required } : {}),
  }
}
