import { closest, distance } from 'fastest-levenshtein'
import { Compile } from 'typebox/schema'
import { fail, type ToolError } from './errors.ts'
import type { JsonObject, JsonSchema, Tool } from './tool.ts'
import { propertiesOf, requiredOf } from './tool.ts'
import { membersOf, normalise } from './views/normalise.ts'

/** A problem with one value, said without naming the argument. */
type Problem = { problem: string }
const isProblem = (value: unknown): value is Problem =>
  typeof value === 'object' && value !== null && problemMark in value
const problemMark = Symbol('problem')
const problem = (text: string): Problem => ({ problem: text, [problemMark]: true }) as Problem

type Coerce = (value: unknown) => unknown
type Field = {
  name: string
  schema: JsonSchema
  required: boolean
  nullable: boolean
  coerce: Coerce
}
type Parser = (args: unknown) => JsonObject

const parsers = new WeakMap<Tool, Parser>()

/**
 * Reads the arguments of a call. Form is forgiven (`"3"` for 3, `""` for an absent optional, a JSON
 * string for an object), meaning never: an unknown argument is an error that names the nearest one.
 * Throws TG_ARGUMENT_UNKNOWN, TG_ARGUMENT_MISSING or TG_ARGUMENT_INVALID.
 */
export function parseArguments(tool: Tool, args: unknown): JsonObject {
  let parser = parsers.get(tool)
  if (!parser) parsers.set(tool, (parser = compileParser(tool)))
  return parser(args)
}

function compileParser(tool: Tool): Parser {
  const required = new Set(requiredOf(tool.input))
  // Forms are told by the one normal form of a schema, which knows the type of an enum or a $ref.
  const normal = propertiesOf(normalise(tool.input, 'input'))
  const fields = Object.entries(propertiesOf(tool.input)).map(([name, schema]): Field => ({
    name,
    schema,
    required: required.has(name),
    nullable: typesOf(schema).includes('null'),
    coerce: coercerOf(normal[name] ?? schema),
  }))
  const names = new Set(fields.map(({ name }) => name))
  const open = tool.input['additionalProperties'] !== false
  const validator = Compile(tool.input)

  return args => {
    const given = toObject(args)
    const parsed: JsonObject = {}
    for (const field of fields) {
      const value = readField(tool, field, given)
      if (value !== undefined) parsed[field.name] = value
    }
    for (const name of Object.keys(given)) {
      if (names.has(name)) continue
      if (!open || name === '__proto__') throw unknownArgument(tool, name, given)
      parsed[name] = given[name]
    }
    if (validator.Check(parsed)) return parsed
    throw explain(tool, parsed, validator.Errors(parsed)[1])
  }
}

function toObject(args: unknown): JsonObject {
  if (args === undefined || args === null || args === '') return {}
  if (typeof args === 'string') {
    const parsed = parseJson(args)
    if (!isProblem(parsed)) return toObject(parsed)
  }
  if (typeof args !== 'object' || Array.isArray(args))
    throw fail('TG_BODY_INVALID', 'the arguments are not an object')
  return args as JsonObject
}

function readField(tool: Tool, field: Field, given: JsonObject): unknown {
  const value = Object.hasOwn(given, field.name) ? given[field.name] : undefined
  const absent =
    value === undefined ||
    (!field.required && (value === '' || (value === null && !field.nullable)))
  if (absent) return structuredClone(field.schema['default'])
  const coerced = field.coerce(value)
  if (isProblem(coerced)) throw invalid(tool, field.name, coerced.problem)
  return coerced
}

const typesOf = (schema: JsonSchema): string[] => {
  const type = schema['type']
  if (Array.isArray(type)) return type as string[]
  return typeof type === 'string' ? [type] : []
}

/** How a value of another form becomes one of the schema's type; what cannot is left for the check. */
function coercerOf(schema: JsonSchema): Coerce {
  const members = membersOf(schema).filter(({ type }) => type !== 'null')
  if (members.length > 1) return unionCoercer(members)
  if (members[0] && members[0] !== schema) return coercerOf(members[0])
  const types = typesOf(schema).filter(type => type !== 'null')
  if (types.includes('string') || types.length !== 1) return value => value
  switch (types[0]) {
    case 'integer':
    case 'number':
      return value => (typeof value === 'string' && numeric.test(value) ? Number(value) : value)
    case 'boolean':
      return value =>
        typeof value === 'string' ? (booleans.get(value.trim().toLowerCase()) ?? value) : value
    case 'array':
      return arrayCoercer(schema)
    case 'object':
      return objectCoercer(schema)
    default:
      return value => value
  }
}

const numeric = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i
const booleans = new Map<string, boolean>([
  ...['true', '1', 'yes', 'on'].map(word => [word, true] as const),
  ...['false', '0', 'no', 'off'].map(word => [word, false] as const),
])

/** A text stays one where the union takes it; else it is what a member makes of it. */
function unionCoercer(members: readonly JsonSchema[]): Coerce {
  if (members.some(({ type }) => type === 'string')) return value => value
  const coercers = members.map(coercerOf)
  return value => {
    if (typeof value !== 'string') return value
    const made = coercers.map(coerce => coerce(value))
    return made.find(result => typeof result !== 'string' && !isProblem(result)) ?? value
  }
}

function arrayCoercer(schema: JsonSchema): Coerce {
  const items = (schema['items'] ?? {}) as JsonSchema
  const coerceItem = coercerOf(items)
  const itemTypes = typesOf(items)
  const scalar =
    itemTypes.length > 0 && !itemTypes.some(type => type === 'array' || type === 'object')
  return value => {
    const list = typeof value === 'string' ? listFrom(value, scalar) : value
    return Array.isArray(list) ? list.map(coerceItem) : list
  }
}

function listFrom(text: string, scalar: boolean): unknown {
  if (text.trimStart().startsWith('[')) {
    const parsed = parseJson(text)
    return isProblem(parsed) ? problem(`is not a JSON array: ${parsed.problem}`) : parsed
  }
  if (!scalar) return text
  return text.split(/[,，]/).flatMap(part => part.trim() || [])
}

function objectCoercer(schema: JsonSchema): Coerce {
  const coercers = new Map(
    Object.entries(propertiesOf(schema)).map(([name, property]) => [name, coercerOf(property)]),
  )
  return value => {
    const object = typeof value === 'string' ? parseJson(value) : value
    if (isProblem(object)) return problem(`is not a JSON object: ${object.problem}`)
    if (typeof object !== 'object' || object === null || Array.isArray(object)) return object
    return Object.fromEntries(
      Object.entries(object).map(([name, member]) => [
        name,
        coercers.get(name)?.(member) ?? member,
      ]),
    )
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    return problem((cause as Error).message)
  }
}

function unknownArgument(tool: Tool, name: string, given: JsonObject): ToolError {
  const known = Object.keys(propertiesOf(tool.input))
  return fail('TG_ARGUMENT_UNKNOWN', tool.name, name, nearestArgument(tool, name, given), known)
}

/** The closest spelling; else the required argument that is missing, which it was probably meant for. */
function nearestArgument(tool: Tool, name: string, given: JsonObject): string | undefined {
  const free = Object.keys(propertiesOf(tool.input)).filter(known => !Object.hasOwn(given, known))
  if (free.length === 0) return undefined
  const near = closest(name.toLowerCase(), free)
  if (distance(name.toLowerCase(), near) <= Math.max(2, name.length / 3)) return near
  return requiredOf(tool.input).find(required => free.includes(required)) ?? near
}

/** The nearest of some names, when one is near enough to be a misspelling. */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined
  const near = closest(name.toLowerCase(), names)
  return distance(name.toLowerCase(), near) <= Math.max(2, name.length / 2) ? near : undefined
}

type SchemaError = { keyword: string; instancePath: string; params: object; message: string }

function explain(tool: Tool, parsed: JsonObject, errors: readonly SchemaError[]): ToolError {
  const error = errors.find(({ keyword }) => keyword === 'required') ?? errors.at(0)
  if (!error) return fail('TG_ARGUMENT_INVALID', tool.name, 'arguments', 'do not fit the schema')
  const path = error.instancePath.split('/').slice(1).map(unescapePointer)
  const params = error.params as Record<string, unknown>
  if (error.keyword === 'required') {
    const missing = (params['requiredProperties'] as string[] | undefined)?.[0] ?? ''
    const schema = propertiesOf(tool.input)[missing]
    if (path.length === 0)
      return fail('TG_ARGUMENT_MISSING', tool.name, missing, descriptionOf(schema))
    return invalid(tool, [...path, missing].join('.'), 'is missing')
  }
  const value = path.reduce<unknown>((at, key) => (at as JsonObject | undefined)?.[key], parsed)
  return invalid(tool, path.join('.') || 'arguments', say(error, value))
}

const unescapePointer = (part: string): string => part.replaceAll('~1', '/').replaceAll('~0', '~')
const descriptionOf = (schema: JsonSchema | undefined): string | undefined =>
  schema?.['description'] as string | undefined

function invalid(tool: Tool, argument: string, text: string): ToolError {
  const schema = propertiesOf(tool.input)[argument.split('.')[0] ?? '']
  return fail('TG_ARGUMENT_INVALID', tool.name, argument, text, descriptionOf(schema))
}

function say({ keyword, params, message }: SchemaError, value: unknown): string {
  const facts = params as Record<string, unknown>
  switch (keyword) {
    case 'type':
      return `must be ${article(facts['type'])}, not ${show(value)}`
    case 'enum':
      return `must be one of ${(facts['allowedValues'] as unknown[]).map(String).join(', ')}, not ${show(value)}`
    case 'minLength':
      return facts['limit'] === 1
        ? 'must not be empty'
        : `must have at least ${facts['limit']} characters`
    case 'maxLength':
      return `must have at most ${facts['limit']} characters`
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return `must be ${facts['comparison']} ${facts['limit']}, not ${show(value)}`
    case 'pattern':
      return `must match ${String(facts['pattern'])}, not ${show(value)}`
    default:
      return `${message}, not ${show(value)}`
  }
}

const article = (type: unknown): string =>
  [type]
    .flat()
    .map(name => (/^[aeio]/.test(String(name)) ? `an ${name}` : `a ${name}`))
    .join(' or ')

const show = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}
