import type { FileKind, JsonSchema } from '../tool.ts'
import { propertiesOf, requiredOf } from '../tool.ts'
import { cut, viewLimits } from './view.ts'

/** How a caller gives a file, in every document and dialect. */
export const fileWords =
  'an https URL, a data: URL, or the id of an uploaded file (POST /files)' as const

const fileNouns: Record<FileKind, string> = {
  image: 'A picture',
  audio: 'A recording',
  document: 'A document',
  any: 'A file',
}

/** The description of a file input: what it is, and how it is given. */
export const describeFile = (description: unknown, kind: FileKind): string =>
  `${sentence(description) || `${fileNouns[kind] ?? fileNouns.any}.`} Given as ${fileWords}.`

/** The description of a file output. */
export const describeArtifact = (description: unknown, mediaType: string): string =>
  `${sentence(description) || 'A file.'} A URL of type ${mediaType}.`

/** A text ended as a sentence; what is no text is nothing. */
export function sentence(text: unknown): string {
  if (typeof text !== 'string' || text.trim() === '') return ''
  const trimmed = text.trim()
  return /[.!?。！？…:]$/.test(trimmed) ? trimmed : `${trimmed}.`
}

/** Puts facts behind a description within the limit; the description gives way, the facts stay. */
export function withWords(
  description: unknown,
  words: readonly string[],
  charactersMax: number = viewLimits.propertyCharactersMax,
): string {
  const facts = cut(words.join(' '), charactersMax)
  if (facts === '') return cut(typeof description === 'string' ? description : '', charactersMax)
  const room = charactersMax - facts.length - 1
  const text = room > 20 ? cut(sentence(description), room) : ''
  return text ? `${text} ${facts}` : facts
}

/** What a schema's keywords say, as sentences; what the description says already is left out. */
export function describe(schema: JsonSchema, subject = ''): string[] {
  const said = typeof schema['description'] === 'string' ? schema['description'] : ''
  const words = [
    enumWords(schema, said),
    rangeWords(schema, said),
    lengthWords(schema),
    countWords(schema),
    formatWords(schema),
    defaultWords(schema, said),
  ].flatMap(word => word ?? [])
  return subject ? words.map(word => `${subject} ${lower(word)}`) : words
}

const lower = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)
const show = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
const numberIn = (text: string, value: unknown): boolean =>
  new RegExp(`(?<![\\d.])${show(value).replace('.', '\\.')}(?![\\d]|\\.\\d)`).test(text)

function enumWords(schema: JsonSchema, said: string): string | undefined {
  const values = schema['enum']
  if (!Array.isArray(values) || values.length === 0) return undefined
  if (values.every(value => said.includes(show(value)))) return undefined
  const list = values.map(show).join(', ')
  const few = list.length <= 400 ? list : `${cut(list, 400)} (${values.length} in all)`
  return values.length === 1 ? `Always ${few}.` : `One of: ${few}.`
}

function rangeWords(schema: JsonSchema, said: string): string | undefined {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema
  const parts: string[] = []
  const both = minimum !== undefined && maximum !== undefined
  if (both && !(numberIn(said, minimum) && numberIn(said, maximum)))
    parts.push(`${show(minimum)} to ${show(maximum)}`)
  else if (!both && minimum !== undefined) parts.push(`at least ${show(minimum)}`)
  else if (!both && maximum !== undefined) parts.push(`at most ${show(maximum)}`)
  if (exclusiveMinimum !== undefined) parts.push(`more than ${show(exclusiveMinimum)}`)
  if (exclusiveMaximum !== undefined) parts.push(`less than ${show(exclusiveMaximum)}`)
  if (multipleOf !== undefined) parts.push(`a multiple of ${show(multipleOf)}`)
  return toSentence(parts)
}

function lengthWords({ minLength, maxLength }: JsonSchema): string | undefined {
  const least = typeof minLength === 'number' && minLength > 1 ? minLength : undefined
  if (least !== undefined && maxLength !== undefined)
    return `${least} to ${show(maxLength)} characters.`
  if (least !== undefined) return `At least ${least} characters.`
  return maxLength === undefined ? undefined : `At most ${show(maxLength)} characters.`
}

function countWords({ minItems, maxItems, uniqueItems }: JsonSchema): string | undefined {
  const parts: string[] = []
  if (minItems !== undefined && minItems === maxItems) parts.push(`exactly ${show(minItems)} items`)
  else if (minItems !== undefined && maxItems !== undefined)
    parts.push(`${show(minItems)} to ${show(maxItems)} items`)
  else if (minItems !== undefined && minItems !== 0) parts.push(`at least ${show(minItems)} items`)
  else if (maxItems !== undefined) parts.push(`at most ${show(maxItems)} items`)
  if (uniqueItems === true) parts.push('no item twice')
  return toSentence(parts)
}

const formats = new Map([
  ['date', 'A date, YYYY-MM-DD.'],
  ['date-time', 'A time such as 2026-01-31T09:00:00Z.'],
  ['time', 'A time of day such as 09:00:00Z.'],
  ['uri', 'A URL.'],
  ['url', 'A URL.'],
  ['email', 'An e-mail address.'],
  ['uuid', 'A UUID.'],
])
const silentFormats = new Set(['int32', 'int64', 'float', 'double', 'binary'])

function formatWords({ format, pattern }: JsonSchema): string | undefined {
  const words: string[] = []
  if (typeof format === 'string' && !silentFormats.has(format))
    words.push(formats.get(format) ?? `Format: ${format}.`)
  if (typeof pattern === 'string') words.push(`Must match ${cut(pattern, 120)}.`)
  return words.join(' ') || undefined
}

function defaultWords(schema: JsonSchema, said: string): string | undefined {
  const value = schema['default']
  if (value === undefined || value === null || value === '') return undefined
  const text =
    Array.isArray(value) && value.every(isScalar) ? value.map(show).join(', ') : show(value)
  if (/default/i.test(said) && said.includes(text)) return undefined
  return `Default ${cut(text, 120)}.`
}

const toSentence = (parts: readonly string[]): string | undefined => {
  const text = parts.join(', ')
  return text ? `${text.charAt(0).toUpperCase()}${text.slice(1)}.` : undefined
}

/** True for text, numbers and booleans. */
export const isScalar = (value: unknown): value is string | number | boolean =>
  ['string', 'number', 'boolean'].includes(typeof value)

/** A picture of a nested value in one line: `{"name": string, "age"?: integer}`. */
export function sketch(schema: JsonSchema, depth = 4): string {
  return cut(draw(schema, depth), viewLimits.sketchCharactersMax)
}

function draw(schema: JsonSchema, depth: number): string {
  if (Array.isArray(schema['enum']))
    return schema['enum']
      .slice(0, 12)
      .map(value => JSON.stringify(value))
      .join(' | ')
  if (Array.isArray(schema['anyOf']))
    return (schema['anyOf'] as JsonSchema[]).map(member => draw(member, depth)).join(' | ')
  if (depth === 0) return '…'
  switch (schema['type']) {
    case 'array':
      return drawArray(schema, depth)
    case 'object':
      return drawObject(schema, depth)
    default:
      return typeof schema['type'] === 'string' ? schema['type'] : 'any value'
  }
}

function drawArray(schema: JsonSchema, depth: number): string {
  if (Array.isArray(schema['prefixItems']))
    return `[${(schema['prefixItems'] as JsonSchema[]).map(item => draw(item, depth - 1)).join(', ')}]`
  return `[${draw((schema['items'] ?? {}) as JsonSchema, depth - 1)}, …]`
}

function drawObject(schema: JsonSchema, depth: number): string {
  const required = new Set(requiredOf(schema))
  const members = Object.entries(propertiesOf(schema)).map(
    ([name, property]) =>
      `${JSON.stringify(name)}${required.has(name) ? '' : '?'}: ${draw(property, depth - 1)}`,
  )
  const rest = schema['additionalProperties']
  if (typeof rest === 'object' && rest !== null)
    members.push(`any name: ${draw(rest as JsonSchema, depth - 1)}`)
  return `{${members.join(', ')}}`
}
