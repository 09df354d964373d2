import { artifactKeyword, fileKeyword, type FileKind, type JsonSchema } from '../tool.ts'
import { type Context, type Direction, follow, isSchema } from './references.ts'
import { combineAll, mergeObjects } from './merge.ts'
import { describeArtifact, describeFile, sentence } from './words.ts'
import { viewLimits } from './view.ts'

const known: Record<Direction, WeakMap<JsonSchema, JsonSchema>> = {
  input: new WeakMap(),
  output: new WeakMap(),
}

/**
 * A schema in the one form that all views start from: references followed (a cycle ends in
 * "anything"), `allOf` merged, each schema with one `type` or an `anyOf` of such, literals as `enum`,
 * null as a member, no boolean schemas, no unknown or internal keywords. Nothing else is lost; rules
 * that this form has no words for are told in the description. The root is an object.
 */
export function normalise(schema: JsonSchema, direction: Direction): JsonSchema {
  let normal = known[direction].get(schema)
  if (!normal) known[direction].set(schema, (normal = asRoot(inline(schema, direction))))
  return normal
}

/** As `normalise`, for a schema of any type. */
export const inline = (schema: unknown, direction: Direction): JsonSchema =>
  normal(schema, { root: schema, direction, trail: [], depth: 0, budget: { nodes: 0 } })

function asRoot(schema: JsonSchema): JsonSchema {
  if (schema['type'] === 'object')
    return { ...schema, properties: schema['properties'] ?? {}, required: schema['required'] ?? [] }
  const objects = membersOf(schema).filter(({ type }) => type === 'object')
  if (objects.length > 0)
    return asRoot(mergeObjects({ type: 'object', ...pick(schema, ['description']) }, objects))
  return { type: 'object', ...pick(schema, ['description']), properties: {}, required: [] }
}

/** The members of a union; a schema that is none is its own only member. */
export const membersOf = (schema: JsonSchema): JsonSchema[] =>
  Array.isArray(schema['anyOf']) ? (schema['anyOf'] as JsonSchema[]) : [schema]

/** True for the schema that nothing fits. */
export const isNever = (schema: JsonSchema): boolean => 'not' in schema

function normal(schema: unknown, context: Context): JsonSchema {
  if (schema === false) return { not: {} }
  context.budget.nodes += 1
  if (!isSchema(schema) || context.depth > viewLimits.refDepthMax) return {}
  if (context.budget.nodes > viewLimits.nodesMax) return {}
  if (fileKeyword in schema)
    return {
      type: 'string',
      description: describeFile(schema['description'], schema[fileKeyword] as FileKind),
    }
  if (artifactKeyword in schema)
    return {
      type: 'string',
      description: describeArtifact(schema['description'], String(schema[artifactKeyword])),
    }
  const [target, followed] = follow(schema, context)
  const [merged, inner] = combineAll(target, followed)
  const below = { ...inner, depth: inner.depth + 1 }
  const branches = merged['anyOf'] ?? merged['oneOf']
  if (!Array.isArray(branches)) return withLosses(byType(merged, below), merged)
  const { anyOf: _anyOf, oneOf: _oneOf, ...base } = merged
  if ('properties' in base) return withLosses(asAlternatives(base, branches, below), merged)
  const members = branches.map(branch => normal(branch, below))
  return withLosses(union(members, base), merged)
}

/** An object whose branches only add rules to it: their properties join, what all need is needed. */
function asAlternatives(base: JsonSchema, branches: unknown[], context: Context): JsonSchema {
  const objects = branches.map(branch =>
    byType(
      { type: 'object', ...combineAll(...follow(isSchema(branch) ? branch : {}, context))[0] },
      context,
    ),
  )
  return mergeObjects(byType(base, context), objects)
}

/** A schema by its type or types; what has none is known by its other keywords. */
function byType(schema: JsonSchema, context: Context): JsonSchema {
  const values = 'const' in schema ? [schema['const']] : schema['enum']
  if (Array.isArray(values)) return byValues(values, schema)
  const types = [schema['type'] ?? typeByKeyword(schema)]
    .flat()
    .filter(type => typeof type === 'string')
  if (schema['nullable'] === true && !types.includes('null') && types.length > 0) types.push('null')
  if (types.length === 0) return pick(schema, ['description', 'default'])
  if (types.length === 1) return ofType(types[0]!, schema, context)
  const { description: _description, title: _title, default: _default, ...rest } = schema
  return union(
    types.map(type => ofType(type, rest, context)),
    pick(schema, ['description', 'title', 'default']),
  )
}

function typeByKeyword(schema: JsonSchema): string | undefined {
  if ('properties' in schema || 'additionalProperties' in schema || 'patternProperties' in schema)
    return 'object'
  if ('items' in schema || 'prefixItems' in schema) return 'array'
  if ('pattern' in schema || 'minLength' in schema || 'maxLength' in schema) return 'string'
  return 'minimum' in schema || 'maximum' in schema ? 'number' : undefined
}

const typeOfValue = (value: unknown): string => {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value
}

/** A list of allowed values as one enum for each type among them. */
function byValues(values: readonly unknown[], schema: JsonSchema): JsonSchema {
  const groups = Map.groupBy(new Set(values), typeOfValue)
  const number = groups.get('number')
  if (number) groups.set('number', [...(groups.get('integer') ?? []), ...number])
  if (number) groups.delete('integer')
  const members = [...groups].map(([type, allowed]): JsonSchema =>
    type === 'null' ? { type } : { type, enum: allowed },
  )
  return union(members, {
    ...pick(schema, ['description', 'title', 'default']),
    nullable: schema['nullable'],
  })
}

const keywords: Record<string, readonly string[]> = {
  string: ['format', 'pattern', 'minLength', 'maxLength'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  integer: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  array: ['minItems', 'maxItems', 'uniqueItems'],
}

function ofType(type: string, schema: JsonSchema, context: Context): JsonSchema {
  const plain: JsonSchema = {
    type,
    ...heading(schema),
    ...pick(schema, keywords[type] ?? []),
  }
  if (type === 'object') return { ...plain, ...objectParts(schema, context) }
  if (type === 'array') return { ...plain, ...arrayParts(schema, context) }
  return modernRange(plain)
}

function heading(schema: JsonSchema): JsonSchema {
  const text = sentence(schema['description']) ? schema['description'] : schema['title']
  return {
    ...(typeof text === 'string' && text.trim() ? { description: text.trim() } : {}),
    ...(schema['default'] === undefined || schema['default'] === null
      ? {}
      : { default: schema['default'] }),
  }
}

/** OpenAPI 3.0 and draft 4 write exclusive bounds as a flag on the bound. */
function modernRange(schema: JsonSchema): JsonSchema {
  const range: JsonSchema = { ...schema }
  for (const [bound, exclusive] of bounds) {
    if (typeof range[exclusive] !== 'boolean') continue
    if (range[exclusive]) [range[exclusive], range[bound]] = [range[bound], undefined]
    else range[exclusive] = undefined
  }
  return pick(range, Object.keys(range))
}
const bounds = [
  ['minimum', 'exclusiveMinimum'],
  ['maximum', 'exclusiveMaximum'],
] as const

function objectParts(schema: JsonSchema, context: Context): JsonSchema {
  const declared = isSchema(schema['properties']) ? schema['properties'] : {}
  const wanted = Array.isArray(schema['required'])
    ? schema['required'].filter(name => typeof name === 'string')
    : []
  const required = [...new Set<string>(wanted)]
  const properties = Object.fromEntries(
    [...new Set([...Object.keys(declared), ...required])].flatMap(name => {
      const property = normal(Object.hasOwn(declared, name) ? declared[name] : {}, context)
      if (isNever(property) && !required.includes(name)) return []
      const optional = context.direction === 'input' && !required.includes(name)
      return [[name, optional ? withoutNull(property) : property] as const]
    }),
  )
  return { properties, required, ...additional(schema, context) }
}

function additional(schema: JsonSchema, context: Context): JsonSchema {
  const { additionalProperties, patternProperties } = schema
  if (additionalProperties === false && !isSchema(patternProperties))
    return { additionalProperties: false }
  const patterns = isSchema(patternProperties) ? Object.values(patternProperties) : []
  const rest = isSchema(additionalProperties)
    ? additionalProperties
    : patterns.length === 1
      ? patterns[0]
      : undefined
  if (rest === undefined) return {}
  const values = normal(rest, context)
  return Object.keys(values).length > 0 ? { additionalProperties: values } : {}
}

function arrayParts(schema: JsonSchema, context: Context): JsonSchema {
  const tuple = Array.isArray(schema['items']) ? schema['items'] : schema['prefixItems']
  if (Array.isArray(tuple))
    return {
      prefixItems: tuple.map(item => normal(item, context)),
      minItems: schema['minItems'] ?? 0,
      maxItems: schema['maxItems'] ?? tuple.length,
    }
  return { items: normal(schema['items'] ?? {}, context) }
}

/** Takes null away from a value that may be left out anyway. */
function withoutNull(schema: JsonSchema): JsonSchema {
  const members = membersOf(schema)
  const rest = members.filter(({ type }) => type !== 'null')
  return rest.length === members.length || rest.length === 0 ? schema : union(rest, schema)
}

/** One schema out of the members of a union and the words beside it. */
function union(members: readonly JsonSchema[], beside: JsonSchema): JsonSchema {
  const flat = members
    .filter(member => !isNever(member))
    .flatMap(member => ('description' in member ? [member] : membersOf(member)))
  if (beside['nullable'] === true) flat.push({ type: 'null' })
  const distinct = joinEnums([
    ...new Map(flat.map(member => [JSON.stringify(member), member])).values(),
  ])
  const words = heading(beside)
  if (distinct.length === 0) return members.length > 0 ? { not: {} } : words
  if (distinct.some(member => !('type' in member) && !('anyOf' in member))) return words
  if (distinct.length === 1) return { ...distinct[0], ...words }
  return { ...words, anyOf: distinct }
}

/** Literals of one type become one enum. */
function joinEnums(members: JsonSchema[]): JsonSchema[] {
  const joined: JsonSchema[] = []
  for (const member of members) {
    const twin = joined.find(
      other => other['type'] === member['type'] && 'enum' in other && 'enum' in member,
    )
    if (!twin) joined.push({ ...member })
    else {
      twin['enum'] = [
        ...new Set([...(twin['enum'] as unknown[]), ...(member['enum'] as unknown[])]),
      ]
      delete twin['description']
    }
  }
  return joined
}

const unsayable = [
  'not',
  'if',
  'dependentRequired',
  'dependentSchemas',
  'dependencies',
  'contains',
  'propertyNames',
]

function withLosses(schema: JsonSchema, source: JsonSchema): JsonSchema {
  if (isNever(schema) || !unsayable.some(keyword => keyword in source)) return schema
  const note = 'Further rules are checked when it is called.'
  return { ...schema, description: `${sentence(schema['description'])} ${note}`.trim() }
}

/** The named members of an object that are there, in the order of the names. */
export const pick = (schema: JsonSchema, names: readonly string[]): JsonSchema =>
  Object.fromEntries(
    names.flatMap(name => (schema[name] === undefined ? [] : [[name, schema[name]]])),
  )
