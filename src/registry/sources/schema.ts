import { type JsonObject, type JsonSchema } from '../tool.ts'
import { combineAll } from '../views/merge.ts'
import { asObject } from '../views/walk.ts'
import { resolvePointer } from './document.ts'
import { sourceLimits } from './limits.ts'
import { cleanText } from './text.ts'

/** What callers give, or what they get. */
type Direction = 'input' | 'output'
/** Brings one schema over as a JSON Schema that stands by itself. */
export type ImportSchema = (
  schema: unknown,
  direction: Direction,
  note: (loss: string) => void,
) => JsonSchema

type Walk = {
  direction: Direction
  note: (loss: string) => void
  trail: readonly string[]
  depth: number
  depthMax: number
  /** Characters left; below zero all that follows is "anything". */
  budget: { characters: number }
}

/** What a schema came to, and what it weighs. */
type Imported = { schema: JsonSchema; notes: ReadonlySet<string>; characters: number }

/** The reference that a schema is, and nothing else. */
function refOf(schema: unknown): string | undefined {
  const { $ref, ...beside } = asObject(schema)
  return typeof $ref === 'string' && Object.keys(beside).length === 0 ? $ref : undefined
}

/** Tried one after the other, until what a schema comes to is small enough. */
const depths = [sourceLimits.refDepthMax, 8, 5, 3]

/**
 * Makes the importer of a document's schemas. References are put in place (a circle ends in
 * "anything"), what OpenAPI writes its own way becomes JSON Schema, and whatever a validator of ours
 * would choke on is left to the server: patterns, which may take for ever to match, are told in words.
 */
export function createSchemaImport(root: unknown): ImportSchema {
  let charactersLeft: number = sourceLimits.schemasCharactersMax
  /** Whole components, which operations name again and again. */
  const whole = { input: new Map<string, Imported>(), output: new Map<string, Imported>() }

  return (schema, direction, note) => {
    const ref = refOf(schema)
    const known = ref === undefined ? undefined : whole[direction].get(ref)
    const imported = known ?? importWhole(schema, direction)
    if (ref !== undefined) whole[direction].set(ref, imported)
    charactersLeft -= imported.characters
    for (const loss of imported.notes) note(loss)
    return imported.schema
  }

  function importWhole(schema: unknown, direction: Direction): Imported {
    const most = Math.max(0, Math.min(sourceLimits.schemaCharactersMax, charactersLeft))
    for (const depthMax of depths) {
      const notes = new Set<string>()
      const budget = { characters: most }
      const note = (loss: string): void => void notes.add(loss)
      const made = importSchema(schema, { direction, note, trail: [], depth: 0, depthMax, budget })
      const isOver = budget.characters < 0
      if (isOver && depthMax !== depths.at(-1)) continue
      if (isOver || depthMax !== depths[0])
        note(`the ${direction} is too large to be shown whole: its depths are left open`)
      return { schema: made, notes, characters: most - Math.max(budget.characters, 0) }
    }
    return { schema: {}, notes: new Set(), characters: 0 }
  }

  function importSchema(schema: unknown, walk: Walk): JsonSchema {
    const { budget, note } = walk
    budget.characters -= 40
    if (budget.characters < 0 || walk.depth > walk.depthMax) return {}
    if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return {}
    const given = schema as JsonObject
    const ref = given['$ref'] ?? given['$dynamicRef']
    if (typeof ref !== 'string') return importPlain(given, { ...walk, depth: walk.depth + 1 })
    const found = resolvePointer(root, ref)
    if ('problem' in found) {
      note(found.problem)
      return importPlain({ ...given, $ref: undefined, $dynamicRef: undefined }, walk)
    }
    if (walk.trail.includes(ref) || walk.trail.length >= walk.depthMax) {
      const { type } = asObject(found.value)
      return {
        ...(typeof type === 'string' && jsonTypes.has(type) ? { type } : {}),
        description: 'The same kind of value again.',
      }
    }
    const { $ref: _ref, $dynamicRef: _dynamic, ...beside } = given
    return importSchema(
      { ...asObject(found.value), ...beside },
      { ...walk, depth: walk.depth + 1, trail: [...walk.trail, ref] },
    )
  }

  function importPlain(given: JsonObject, walk: Walk): JsonSchema {
    const made: JsonSchema = {
      ...typeOf(given, walk.note),
      ...words(given, walk),
      ...values(given, walk),
      ...bounds(given),
      ...objectParts(given, walk),
      ...arrayParts(given, walk),
    }
    for (const key of ['anyOf', 'oneOf', 'allOf'] as const) {
      const members = given[key]
      if (!Array.isArray(members) || members.length === 0) continue
      // Exactly one is the server's to tell: descriptions that say so often fit two.
      const name = key === 'oneOf' ? 'anyOf' : key
      made[name] = [
        ...((made[name] as unknown[] | undefined) ?? []),
        ...members.slice(0, 100).map(member => importSchema(member, walk)),
      ]
    }
    for (const key of leftToTheServer)
      if (key in given) walk.note(`the rule "${key}" is checked by the server alone`)
    return nullable(given, merged(made, walk))
  }

  function objectParts(given: JsonObject, walk: Walk): JsonSchema {
    const parts: JsonSchema = {}
    const hidden = walk.direction === 'input' ? 'readOnly' : 'writeOnly'
    const dropped = new Set<string>()
    if ('properties' in given) {
      const all = Object.entries(asObject(given['properties']))
      if (all.length > sourceLimits.propertiesMax)
        walk.note(`only the first ${sourceLimits.propertiesMax} properties are brought over`)
      parts['properties'] = Object.fromEntries(
        all.slice(0, sourceLimits.propertiesMax).flatMap(([name, property]) => {
          const isHidden = asObject(property)[hidden] === true
          if (isHidden || name === '__proto__') {
            dropped.add(name)
            return []
          }
          walk.budget.characters -= name.length
          return [[name, importSchema(property, walk)] as const]
        }),
      )
    }
    const required = given['required']
    if (Array.isArray(required)) {
      const names = required.filter(name => typeof name === 'string' && !dropped.has(name))
      if (names.length > 0) parts['required'] = [...new Set(names)].slice(0, 500)
    }
    const rest = restOf(given)
    if (typeof rest === 'boolean') parts['additionalProperties'] = rest
    else if (rest !== undefined) parts['additionalProperties'] = importSchema(rest, walk)
    return parts
  }

  function arrayParts(given: JsonObject, walk: Walk): JsonSchema {
    const tuple = Array.isArray(given['items']) ? given['items'] : given['prefixItems']
    if (Array.isArray(tuple))
      return { prefixItems: tuple.slice(0, 100).map(item => importSchema(item, walk)) }
    return 'items' in given ? { items: importSchema(given['items'], walk) } : {}
  }

  /** An `allOf` as one schema: its members may each be closed to what the others declare. */
  function merged(made: JsonSchema, walk: Walk): JsonSchema {
    if (!('allOf' in made)) return made
    const context = {
      root: made,
      direction: walk.direction,
      trail: [],
      depth: 0,
      budget: { nodes: 0 },
    }
    return combineAll(made, context)[0]
  }
}

const jsonTypes = new Set(['string', 'number', 'integer', 'boolean', 'object', 'array', 'null'])
const leftToTheServer = [
  'not',
  'if',
  'contains',
  'dependentRequired',
  'dependentSchemas',
  'dependencies',
  'propertyNames',
  'unevaluatedProperties',
]

function typeOf({ type }: JsonObject, note: (loss: string) => void): JsonSchema {
  if (type === undefined) return {}
  if (type === 'file') return { type: 'string', format: 'binary' }
  const types = [type].flat().filter(name => typeof name === 'string' && jsonTypes.has(name))
  if (types.length === 0) {
    note(`the type ${JSON.stringify(type)?.slice(0, 60)} is not known and taken as anything`)
    return {}
  }
  return { type: types.length === 1 ? types[0] : types }
}

function words(given: JsonObject, { budget, note }: Walk): JsonSchema {
  const max = sourceLimits.propertyDescriptionCharactersMax
  const title = cleanText(given['title'], sourceLimits.titleCharactersMax)
  const pattern =
    typeof given['pattern'] === 'string' ? `Matches ${cleanText(given['pattern'], 200)}` : ''
  const said = cleanText(given['description'], max)
  if (typeof given['description'] === 'string' && given['description'].length > max)
    note(`a description is cut at ${max} characters`)
  const description = [said, pattern].filter(Boolean).join(/[.!?。]$/.test(said) ? ' ' : '. ')
  budget.characters -= title.length + description.length
  return {
    ...(title ? { title } : {}),
    ...(description ? { description } : {}),
    ...(typeof given['format'] === 'string' ? { format: cleanText(given['format'], 64) } : {}),
    ...(given['deprecated'] === true ? { deprecated: true } : {}),
  }
}

function values(given: JsonObject, { budget, note }: Walk): JsonSchema {
  const kept: JsonSchema = {}
  for (const key of ['enum', 'const', 'default'] as const) {
    if (!(key in given)) continue
    const value = given[key]
    if (key === 'enum' && (!Array.isArray(value) || value.length === 0)) continue
    const size = JSON.stringify(value)?.length ?? 0
    const isTooMany = Array.isArray(value) && value.length > sourceLimits.valuesMax
    if (isTooMany || size > (key === 'enum' ? 10 : 1) * sourceLimits.valueCharactersMax) {
      note(`the values of "${key}" are too many or too long and are left to the server`)
      continue
    }
    budget.characters -= size
    kept[key] = value
  }
  return kept
}

const numbers = [
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
]

function bounds(given: JsonObject): JsonSchema {
  const kept: JsonSchema = {}
  for (const key of numbers) if (Number.isFinite(given[key])) kept[key] = given[key]
  for (const [bound, exclusive] of [
    ['minimum', 'exclusiveMinimum'],
    ['maximum', 'exclusiveMaximum'],
  ] as const) {
    if (Number.isFinite(given[exclusive])) kept[exclusive] = given[exclusive]
    else if (given[exclusive] === true && bound in kept) {
      kept[exclusive] = kept[bound]
      delete kept[bound]
    }
  }
  if (Number.isInteger(given['multipleOf']) && Number(given['multipleOf']) > 0)
    kept['multipleOf'] = given['multipleOf']
  if (typeof given['uniqueItems'] === 'boolean') kept['uniqueItems'] = given['uniqueItems']
  return kept
}

/** What further properties may be; patterns of names are the server's to match. */
function restOf({ additionalProperties: rest, patternProperties }: JsonObject): unknown {
  const patterns = Object.values(asObject(patternProperties))
  if (patterns.length === 0 || typeof rest === 'object') return rest
  return patterns.length === 1 ? patterns[0] : undefined
}

function nullable(given: JsonObject, made: JsonSchema): JsonSchema {
  if (given['nullable'] !== true) return made
  if (Array.isArray(made['enum']) && !made['enum'].includes(null))
    made = { ...made, enum: [...(made['enum'] as unknown[]), null] }
  const { type } = made
  if (typeof type === 'string') return { ...made, type: [type, 'null'] }
  if (Array.isArray(made['anyOf'])) return { ...made, anyOf: [...made['anyOf'], { type: 'null' }] }
  return made
}
