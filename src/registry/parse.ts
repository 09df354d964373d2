import { closest, distance } from 'fastest-levenshtein'
import { Compile } from 'typebox/schema'
import { fieldsOf, isProblem, parseJson, readField } from './coerce.ts'
import { fail, type ToolError } from './errors.ts'
import { explain, invalidArgument } from './explain.ts'
import { isOurs, type JsonObject, propertiesOf, requiredOf, type Tool } from './tool.ts'
import { normalise } from './views/normalise.ts'

type Parser = (args: unknown) => JsonObject

const parsers = new WeakMap<Tool, Parser>()

/**
 * Reads the arguments of a call. Form is forgiven (`"3"` for 3, `""` for an absent optional, a JSON
 * string for an object), meaning never: an unknown argument is an error that names the nearest one.
 * Throws TG_BODY_INVALID, TG_ARGUMENT_UNKNOWN, TG_ARGUMENT_MISSING or TG_ARGUMENT_INVALID.
 */
export function parseArguments(tool: Tool, args: unknown): JsonObject {
  let parser = parsers.get(tool)
  if (!parser) parsers.set(tool, (parser = compileParser(tool)))
  return parser(args)
}

function compileParser(tool: Tool): Parser {
  // Forms are told by the one normal form of a schema, which knows the type of an enum or a $ref.
  const fields = fieldsOf(normalise(tool.input, 'input'), { schema: tool.input, root: tool.input })
  const names = new Set(fields.map(({ name }) => name))
  const isOpen = tool.input['additionalProperties'] !== false || 'patternProperties' in tool.input
  const validator = compileCheck(tool)

  return args => {
    const given = toObject(args)
    const parsed: JsonObject = {}
    for (const field of fields) {
      const value = readField(field, given)
      if (isProblem(value))
        throw invalidArgument(tool, [field.name, ...value.path].join('.'), value.text)
      if (value !== undefined) parsed[field.name] = value
    }
    for (const name of Object.keys(given)) {
      if (names.has(name)) continue
      if (!isOpen || name === '__proto__') throw unknownArgument(tool, name, given)
      parsed[name] = given[name]
    }
    if (validator.Check(parsed)) return parsed
    throw explain(tool, parsed, value => validator.Errors(value)[1])
  }
}

/** A schema of somebody else's that no check can be made of is checked by them, who declared it. */
function compileCheck(tool: Tool): Pick<ReturnType<typeof Compile>, 'Check' | 'Errors'> {
  try {
    return Compile(tool.input)
  } catch (cause) {
    if (isOurs(tool)) throw cause
    return Compile({})
  }
}

function toObject(args: unknown): JsonObject {
  if (args === undefined || args === null || args === '') return {}
  if (typeof args === 'string') {
    const parsed = parseJson(args)
    if (isProblem(parsed))
      throw fail('TG_BODY_INVALID', `the arguments are not a JSON object: ${parsed.text}`)
    return toObject(parsed)
  }
  if (typeof args !== 'object' || Array.isArray(args))
    throw fail('TG_BODY_INVALID', 'the arguments are not an object')
  return args as JsonObject
}

/** A longer name is no misspelling, and comparing it would cost what its sender likes. */
const nameCharactersMax = 100
const comparable = (name: string): string => name.slice(0, nameCharactersMax).toLowerCase()

function unknownArgument(tool: Tool, name: string, given: JsonObject): ToolError {
  const known = Object.keys(propertiesOf(tool.input))
  const shown = name.slice(0, nameCharactersMax)
  return fail('TG_ARGUMENT_UNKNOWN', tool.name, shown, nearestArgument(tool, name, given), known)
}

/** The closest spelling; else the required argument that is missing, which it was probably meant for. */
function nearestArgument(tool: Tool, name: string, given: JsonObject): string | undefined {
  const free = Object.keys(propertiesOf(tool.input)).filter(known => !Object.hasOwn(given, known))
  if (free.length === 0) return undefined
  const spelt = comparable(name)
  const near = closest(spelt, free)
  if (distance(spelt, near) <= Math.max(2, spelt.length / 3)) return near
  return requiredOf(tool.input).find(required => free.includes(required)) ?? near
}

/** The nearest of some names, when one is near enough to be a misspelling. */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined
  const spelt = comparable(name)
  const near = closest(spelt, names)
  return distance(spelt, near) <= Math.max(2, spelt.length / 2) ? near : undefined
}
