import { closest } from 'fastest-levenshtein'
import { fail, type ToolError } from './errors.ts'
import { type JsonObject, type JsonSchema, propertiesOf, type Tool } from './tool.ts'
import { membersOf, normalise } from './views/normalise.ts'

/** An error as TypeBox words it. */
export type SchemaError = {
  keyword: string
  schemaPath: string
  instancePath: string
  params: object
  message: string
}

/** Bounds of an explanation: looking for every mistake of a huge value would take seconds. */
export const explainLimits = { entriesMax: 1_000, shownCharactersMax: 80 } as const

/** Says of arguments that do not fit what is wrong with the first of them. */
export function explain(
  tool: Tool,
  args: JsonObject,
  errorsOf: (value: unknown) => readonly SchemaError[],
): ToolError {
  const errors = errorsOf(clip(args, { left: explainLimits.entriesMax }))
  const error = worst(errors)
  if (!error)
    return invalidArgument(tool, longest(args), 'is too long, or holds an item that does not fit')
  const path = pathOf(error)
  if (isUnknown(error)) return unknownMember(tool, path, args)
  if (error.keyword === 'required') return missing(tool, path, error)
  return invalidArgument(tool, path.join('.') || 'arguments', say(error, tool, valueAt(args, path)))

  function say(error: SchemaError, tool: Tool, value: unknown): string {
    if (error.keyword !== 'anyOf' && error.keyword !== 'oneOf') return sayOne(error, value)
    // A member of the right type says more than the union.
    const near = errors.find(
      ({ keyword, schemaPath }) =>
        schemaPath.startsWith(`${error.schemaPath}/`) && !/^(type|const|enum|anyOf)$/.test(keyword),
    )
    if (near) return sayOne(near, valueAt(args, pathOf(near)))
    return `must be ${memberWords(tool, path)}, not ${show(value)}`
  }
}

/** The error of an argument, by its name or its path in the arguments. */
export function invalidArgument(tool: Tool, argument: string, text: string): ToolError {
  const schema = propertiesOf(tool.input)[argument.split('.')[0] ?? '']
  return fail('TG_ARGUMENT_INVALID', tool.name, argument, text, descriptionOf(schema))
}

const descriptionOf = (schema: JsonSchema | undefined): string | undefined =>
  schema?.['description'] as string | undefined

/** What a model mends first: a misspelt name, then a missing one, then a value. */
function worst(errors: readonly SchemaError[]): SchemaError | undefined {
  const outside = errors.filter(({ schemaPath }) => !/\/(anyOf|oneOf)\/\d/.test(schemaPath))
  const all = outside.length > 0 ? outside : errors
  return all.find(isUnknown) ?? all.find(({ keyword }) => keyword === 'required') ?? all.at(0)
}

const isUnknown = ({ keyword, schemaPath }: SchemaError): boolean =>
  keyword === 'boolean' && schemaPath.endsWith('/additionalProperties')

const pathOf = ({ instancePath }: SchemaError): string[] =>
  instancePath
    .split('/')
    .slice(1)
    .map(part => part.replaceAll('~1', '/').replaceAll('~0', '~'))

const valueAt = (args: JsonObject, path: readonly string[]): unknown =>
  path.reduce<unknown>((at, key) => (at as JsonObject | null | undefined)?.[key], args)

function unknownMember(tool: Tool, path: readonly string[], args: JsonObject): ToolError {
  const parent = path.slice(0, -1)
  const name = path.at(-1) ?? ''
  const known = membersOf(schemaAt(tool, parent)).flatMap(schema =>
    Object.keys(propertiesOf(schema)),
  )
  const given = Object.keys(Object(valueAt(args, parent)))
  const free = known.filter(member => !given.includes(member))
  const near =
    free.length > 0 ? [...parent, closest(name.slice(0, 100), free)].join('.') : undefined
  return fail('TG_ARGUMENT_UNKNOWN', tool.name, path.join('.').slice(0, 200), near, known)
}

function missing(tool: Tool, path: readonly string[], { params }: SchemaError): ToolError {
  const [name = ''] = (params as { requiredProperties?: string[] }).requiredProperties ?? []
  const schema = propertiesOf(schemaAt(tool, path))[name]
  return fail('TG_ARGUMENT_MISSING', tool.name, [...path, name].join('.'), descriptionOf(schema))
}

/** The normal form of what the arguments have at a path. */
const schemaAt = (tool: Tool, path: readonly string[]): JsonSchema =>
  path.reduce<JsonSchema>(
    (schema, key) => {
      const inside = membersOf(schema).map(member => propertiesOf(member)[key] ?? member['items'])
      return (inside.find(Boolean) ?? {}) as JsonSchema
    },
    normalise(tool.input, 'input'),
  )

const memberWords = (tool: Tool, path: readonly string[]): string =>
  membersOf(schemaAt(tool, path))
    .map(({ type, enum: values }) => (Array.isArray(values) ? oneOf(values) : article(type)))
    .join(' or ')

type Facts = { [name: string]: unknown; limit: number; comparison: string }

function sayOne({ keyword, params, message }: SchemaError, value: unknown): string {
  const facts = params as Facts
  switch (keyword) {
    case 'type':
      return `must be ${article(facts['type'])}, not ${show(value)}`
    case 'enum':
      return `must be ${oneOf(facts['allowedValues'] as unknown[])}, not ${show(value)}`
    case 'const':
      return `must be ${show(facts['allowedValue'])}, not ${show(value)}`
    case 'minLength':
      return facts['limit'] === 1
        ? 'must not be empty'
        : `must have at least ${facts['limit']} characters`
    case 'maxLength':
      return `must have at most ${facts['limit']} characters`
    case 'minItems':
      return `must have at least ${counted(facts['limit'], 'item')}`
    case 'maxItems':
      return `must have at most ${counted(facts['limit'], 'item')}`
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

const oneOf = (values: readonly unknown[]): string =>
  `one of ${values.map(value => String(value)).join(', ')}`
const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

const article = (types: unknown): string =>
  ((Array.isArray(types) ? types : [types ?? 'value']) as string[])
    .map(name => (name === 'null' ? name : `${/^[aeio]/.test(name) ? 'an' : 'a'} ${name}`))
    .join(' or ')

const show = (value: unknown): string => {
  const text = JSON.stringify(clip(value, { left: 100 })) ?? 'nothing'
  const { shownCharactersMax } = explainLimits
  return text.length > shownCharactersMax ? `${text.slice(0, shownCharactersMax)}…` : text
}

/** A copy with so many entries in all, so that its mistakes are found in little time. */
function clip(value: unknown, budget: { left: number }): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    const items: unknown[] = []
    while (items.length < value.length && budget.left-- > 0)
      items.push(clip(value[items.length], budget))
    return items
  }
  const members: [string, unknown][] = []
  for (const [name, member] of Object.entries(value)) {
    if (budget.left-- <= 0) break
    members.push([name, clip(member, budget)])
  }
  return Object.fromEntries(members)
}

/** The argument with the most in it. */
const longest = (args: JsonObject): string =>
  Object.entries(args).toSorted(([, a], [, b]) => sizeOf(b) - sizeOf(a))[0]?.[0] ?? 'arguments'
const sizeOf = (value: unknown): number =>
  Array.isArray(value) ? value.length : Object.keys(Object(value)).length
