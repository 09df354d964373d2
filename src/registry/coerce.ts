import { depthMax, nestsDeeper } from './json-text.ts'
import { type JsonObject, type JsonSchema, propertiesOf, requiredOf } from './tool.ts'
import { type Declared, itemOf, propertyOf, takesNull } from './declared.ts'
import { membersOf } from './views/normalise.ts'

/** What keeps a value from being read, and where in it. */
export type Problem = { readonly text: string; readonly path: readonly string[] }
/** Reads a value that came in another form; what it cannot read it leaves to the check. */
export type Coerce = (value: unknown) => unknown

const problems = new WeakSet<object>()
const problem = (text: string, path: readonly string[] = []): Problem => {
  const made = { text, path }
  problems.add(made)
  return made
}
/** True for a problem that a coercion gave in place of a value. */
export const isProblem = (value: unknown): value is Problem =>
  typeof value === 'object' && value !== null && problems.has(value)
const within = (name: string, { text, path }: Problem): Problem => problem(text, [name, ...path])

/** One property of an object as it is read. */
export type Field = {
  readonly name: string
  readonly required: boolean
  readonly nullable: boolean
  readonly fallback: unknown
  readonly coerce: Coerce
}

/**
 * The properties of an object schema: their forms by its normal form, and by what is declared whether
 * null is a value of theirs, which the normal form takes from what may be left out.
 */
export function fieldsOf(schema: JsonSchema, declared: Declared): Field[] {
  const required = new Set(requiredOf(schema))
  return Object.entries(propertiesOf(schema)).map(([name, property]) => {
    const own = propertyOf(declared, name)
    return {
      name,
      required: required.has(name),
      nullable: takesNull(own),
      fallback: property['default'],
      coerce: coercerOf(property, own),
    }
  })
}

/** The value of a property; `""` and null stand for an optional one that is absent. */
export function readField(field: Field, given: JsonObject): unknown {
  const value = Object.hasOwn(given, field.name) ? given[field.name] : undefined
  const isAbsent =
    value === undefined ||
    (!field.required && (value === '' || (value === null && !field.nullable)))
  if (!isAbsent) return field.coerce(value)
  const { fallback } = field
  return typeof fallback === 'object' ? structuredClone(fallback) : fallback
}

const asIs: Coerce = value => value

/** How a value of another form becomes one of the schema's; the schema is in normal form. */
function coercerOf(schema: JsonSchema, declared: Declared): Coerce {
  const members = membersOf(schema).filter(({ type }) => type !== 'null')
  if (members.length > 1) return unionCoercer(members, declared)
  const [member = schema] = members
  switch (member['type']) {
    case 'integer':
    case 'number':
      return toNumber
    case 'boolean':
      return value =>
        typeof value === 'string' ? (booleans.get(value.trim().toLowerCase()) ?? value) : value
    case 'array':
      return arrayCoercer(member, declared)
    case 'object':
      return objectCoercer(member, declared)
    default:
      return asIs
  }
}

const numeric = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i
const booleans = new Map<string, boolean>([
  ...['true', '1', 'yes', 'on'].map(word => [word, true] as const),
  ...['false', '0', 'no', 'off'].map(word => [word, false] as const),
])

/** A number that cannot be held stays a text: it would become another number. */
function toNumber(value: unknown): unknown {
  if (typeof value !== 'string' || !numeric.test(value)) return value
  const number = Number(value)
  const isHeld = /[.e]/i.test(value) ? Number.isFinite(number) : Number.isSafeInteger(number)
  return isHeld ? number : value
}

/** A text stays one where the union takes it; else it is what a member makes of it. */
function unionCoercer(members: readonly JsonSchema[], declared: Declared): Coerce {
  if (members.some(({ type }) => type === undefined || type === 'string')) return asIs
  const coercers = members.map(member => coercerOf(member, declared))
  return value => {
    if (typeof value !== 'string') return value
    const made = coercers.map(coerce => coerce(value))
    return made.find(result => typeof result !== 'string' && !isProblem(result)) ?? value
  }
}

const isScalar = (schema: JsonSchema): boolean =>
  membersOf(schema).every(({ type }) =>
    ['string', 'number', 'integer', 'boolean'].includes(String(type)),
  )

function arrayCoercer(schema: JsonSchema, declared: Declared): Coerce {
  const items = (schema['items'] ?? {}) as JsonSchema
  const coerceItem = coercerOf(items, itemOf(declared))
  const scalar = isScalar(items)
  return value => {
    const list = typeof value === 'string' ? listFrom(value, scalar) : value
    if (!Array.isArray(list)) return list
    const read = list.map(coerceItem)
    const bad = read.findIndex(isProblem)
    return bad < 0 ? read : within(String(bad), read[bad] as Problem)
  }
}

/** A JSON array, else, for single values, a list with Western or Chinese commas between. */
function listFrom(text: string, scalar: boolean): unknown {
  if (text.trimStart().startsWith('[')) {
    const parsed = parseJson(text)
    return isProblem(parsed) ? problem(`is not a JSON array: ${parsed.text}`) : parsed
  }
  if (!scalar) return text
  return text.split(/[,，、]/).flatMap(part => part.trim() || [])
}

function objectCoercer(schema: JsonSchema, declared: Declared): Coerce {
  const fields = fieldsOf(schema, declared)
  const names = new Set(fields.map(({ name }) => name))
  return value => {
    const object = typeof value === 'string' ? parseJson(value) : value
    if (isProblem(object)) return problem(`is not a JSON object: ${object.text}`)
    if (typeof object !== 'object' || object === null || Array.isArray(object)) return object
    const read = fields.map(field => [field.name, readField(field, object as JsonObject)] as const)
    const bad = read.find(([, member]) => isProblem(member))
    if (bad) return within(bad[0], bad[1] as Problem)
    return Object.fromEntries([
      ...read.filter(([, member]) => member !== undefined),
      ...Object.entries(object).filter(([name]) => !names.has(name)),
    ])
  }
}

/** Parses a caller's text; a problem in place of what is not JSON. */
export function parseJson(text: string): unknown {
  if (nestsDeeper(text, depthMax)) return problem(`it nests deeper than ${depthMax} levels`)
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    return problem((cause as Error).message)
  }
}
