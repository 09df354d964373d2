import { type JsonSchema, propertiesOf, requiredOf } from '../tool.ts'
import { follow, isSchema, type Context } from './references.ts'
import { sentence } from './words.ts'

/** A schema with its `allOf` merged in, and the context with every reference that was followed. */
export function combineAll(schema: JsonSchema, context: Context): [JsonSchema, Context] {
  const { allOf, ...base } = schema
  if (!Array.isArray(allOf) || context.depth > 64) return [schema, context]
  let [merged, here]: [JsonSchema, Context] = [base, context]
  for (const member of allOf) {
    if (!isSchema(member)) continue
    const [target, followed] = follow(member, { ...here, depth: here.depth + 1 })
    const [flat, inner] = combineAll(target, followed)
    merged = combine(merged, flat)
    here = { ...inner, depth: context.depth }
  }
  return [merged, here]
}

/** Both rules at once, as far as one schema can say so; the first speaks where they differ. */
function combine(first: JsonSchema, second: JsonSchema): JsonSchema {
  const merged: JsonSchema = { ...second, ...first }
  if ('properties' in first && 'properties' in second)
    merged['properties'] = combineProperties(propertiesOf(first), propertiesOf(second))
  if (Array.isArray(first['required']) && Array.isArray(second['required']))
    merged['required'] = [...new Set([...requiredOf(first), ...requiredOf(second)])]
  if (Array.isArray(first['enum']) && Array.isArray(second['enum'])) {
    const also = new Set<unknown>(second['enum'])
    merged['enum'] = first['enum'].filter(value => also.has(value))
  }
  // Each part of an allOf may be closed to what the others declare; together they would take nothing.
  if (first['additionalProperties'] !== second['additionalProperties'])
    delete merged['additionalProperties']
  return merged
}

function combineProperties(
  first: Record<string, JsonSchema>,
  second: Record<string, JsonSchema>,
): Record<string, JsonSchema> {
  const both = Object.keys(first).filter(name => Object.hasOwn(second, name))
  const joined = both.map(name => [name, { allOf: [first[name], second[name]] }] as const)
  return { ...first, ...second, ...Object.fromEntries(joined) }
}

/** One object out of several that a value may be: all their properties, and the needs they share. */
export function mergeObjects(base: JsonSchema, objects: readonly JsonSchema[]): JsonSchema {
  const properties = { ...propertiesOf(base) }
  for (const object of objects)
    for (const [name, property] of Object.entries(propertiesOf(object)))
      properties[name] = Object.hasOwn(properties, name)
        ? either(properties[name]!, property)
        : property
  const shared = requiredOf(objects[0] ?? {}).filter(name =>
    objects.every(object => requiredOf(object).includes(name)),
  )
  const required = [...new Set([...requiredOf(base), ...shared])]
  const needs = [
    ...new Set(
      objects.map(object =>
        requiredOf(object)
          .filter(name => !required.includes(name))
          .join(' with '),
      ),
    ),
  ]
  const choice =
    needs.length > 1 && needs.every(Boolean) ? `Give either ${needs.join(', or ')}.` : ''
  const description = `${sentence(base['description'])} ${choice}`.trim()
  const closed = [base, ...objects].every(object => object['additionalProperties'] === false)
  return {
    type: 'object',
    ...(description ? { description } : {}),
    properties,
    required,
    ...(closed ? { additionalProperties: false } : {}),
  }
}

/** A property that two alternatives declare: either form will do. */
function either(first: JsonSchema, second: JsonSchema): JsonSchema {
  if (Object.keys(second).length === 0 || JSON.stringify(first) === JSON.stringify(second))
    return first
  if (Object.keys(first).length === 0) return second
  const { description, ...plain } = first
  const { description: _description, ...other } = second
  if (
    Array.isArray(plain['enum']) &&
    Array.isArray(other['enum']) &&
    plain['type'] === other['type']
  )
    return {
      ...first,
      enum: [...new Set([...(plain['enum'] as unknown[]), ...(other['enum'] as unknown[])])],
    }
  if (JSON.stringify(plain) === JSON.stringify(other)) return first
  return {
    ...(description === undefined ? {} : { description }),
    anyOf: [plain, other].flatMap(schema =>
      Array.isArray(schema['anyOf']) ? (schema['anyOf'] as JsonSchema[]) : [schema],
    ),
  }
}
