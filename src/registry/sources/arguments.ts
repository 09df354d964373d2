import { fileKeyword, type JsonObject, type JsonSchema, propertiesOf, requiredOf } from '../tool.ts'
import { pythonKeywords } from '../views/flatten.ts'
import { asObject } from '../views/walk.ts'
import { dereference } from './document.ts'
import { bareType, binaryType, fileName, isJson, isText, kindOf, pickMedia } from './media.ts'
import { createArgumentNames } from './names.ts'
import type { Operation } from './operations.ts'
import type { BodyPlan, Credential, Member, Placed, Style } from './plan.ts'
import type { ImportSchema } from './schema.ts'
import { sourceLimits } from './limits.ts'
import { cleanText } from './text.ts'

/** An operation's parameters and body as flat arguments, and where each goes. */
export type Arguments = { input: JsonSchema; parameters: Placed[]; body?: BodyPlan }

type Reader = {
  root: unknown
  schemas: ImportSchema
  note: (loss: string) => void
}

/** Lays an operation's parameters and body out as one flat object of uniquely named arguments. */
export function argumentsOf(
  operation: Operation,
  reader: Reader,
  credentials: readonly Credential[],
): Arguments {
  const nameOf = createArgumentNames(pythonKeywords)
  const properties: [string, JsonSchema][] = []
  const required: string[] = []
  const add = (name: string, place: string, schema: JsonSchema, isRequired: boolean): string => {
    const argument = nameOf(name, place)
    properties.push([argument, schema])
    if (isRequired) required.push(argument)
    return argument
  }

  const declared = operation.parameters.filter(
    parameter => !isGivenByUs(parameter, credentials, reader.note),
  )
  const parameters = [...declared, ...undeclared(operation, reader.note)]
    .toSorted((a, b) => order(a) - order(b))
    .map(parameter => placeParameter(parameter, reader, add))
  const body = operation.requestBody
    ? readBody(operation.requestBody, operation.method, reader, add)
    : undefined
  return {
    input: {
      type: 'object',
      properties: Object.fromEntries(properties),
      required,
      additionalProperties: body?.rest ?? false,
    },
    parameters,
    ...(body ? { body: body.plan } : {}),
  }
}

type Add = (name: string, place: string, schema: JsonSchema, isRequired: boolean) => string

const places = ['path', 'query', 'header', 'cookie'] as const
const order = (parameter: JsonObject): number =>
  (places as readonly unknown[]).indexOf(parameter['in'])

/** Headers that the gateway writes itself, and those that credentials of the source fill. */
function isGivenByUs(
  parameter: JsonObject,
  credentials: readonly Credential[],
  note: (loss: string) => void,
): boolean {
  const name = parameter['name']
  if (typeof name !== 'string' || order(parameter) < 0) {
    note(`a parameter in "${String(parameter['in']).slice(0, 40)}" has no place in a request`)
    return true
  }
  const place = parameter['in']
  if (
    place === 'header' &&
    ['accept', 'content-type', 'authorization'].includes(name.toLowerCase())
  )
    return true
  return credentials.some(
    credential => credential.in === place && credential.name.toLowerCase() === name.toLowerCase(),
  )
}

/** Names in the path that no parameter declares. */
function undeclared(operation: Operation, note: (loss: string) => void): JsonObject[] {
  const known = new Set(
    operation.parameters.flatMap(({ in: place, name }) => (place === 'path' ? [name] : [])),
  )
  return [...operation.path.matchAll(/\{([^{}/]+)\}/g)].flatMap(([, name]) => {
    if (known.has(name)) return []
    known.add(name)
    note(`the path parameter "${name}" is not declared and taken as text`)
    return [{ name, in: 'path', required: true, schema: { type: 'string' } }]
  })
}

const defaultStyles = { path: 'simple', query: 'form', header: 'simple', cookie: 'form' } as const
const knownStyles: Record<(typeof places)[number], readonly Style[]> = {
  path: ['simple', 'label', 'matrix'],
  query: ['form', 'spaceDelimited', 'pipeDelimited', 'tabDelimited', 'deepObject'],
  header: ['simple'],
  cookie: ['form'],
}

function placeParameter(parameter: JsonObject, { schemas, note }: Reader, add: Add): Placed {
  const place = parameter['in'] as (typeof places)[number]
  const name = String(parameter['name'])
  const [media] = Object.values(asObject(parameter['content']))
  const schema = describe(
    schemas(media === undefined ? parameter['schema'] : asObject(media)['schema'], 'input', note),
    parameter,
  )
  const stated = parameter['style']
  const style: Style =
    media === undefined
      ? (knownStyles[place].find(known => known === stated) ?? defaultStyles[place])
      : 'json'
  if (media === undefined && typeof stated === 'string' && style !== stated)
    note(`the style "${stated.slice(0, 40)}" of "${name}" is not one of a ${place}`)
  return {
    argument: add(name, place, schema, place === 'path' || parameter['required'] === true),
    name,
    in: place,
    style,
    explode: typeof parameter['explode'] === 'boolean' ? parameter['explode'] : style === 'form',
    ...(parameter['allowReserved'] === true ? { allowReserved: true } : {}),
  }
}

/** The words of a parameter are its own; its schema may have others. */
function describe(schema: JsonSchema, { description, deprecated }: JsonObject): JsonSchema {
  const text = cleanText(description, sourceLimits.propertyDescriptionCharactersMax)
  const own = typeof schema['description'] === 'string' ? schema['description'] : ''
  const joined = !text || own === text ? own : own && !text.includes(own) ? `${text} ${own}` : text
  return {
    ...schema,
    ...(joined ? { description: joined } : {}),
    ...(deprecated === true ? { deprecated: true } : {}),
  }
}

/** What a body adds, and whether it takes more than it declares. */
type Body = { plan: BodyPlan; rest?: JsonSchema | boolean }

function readBody(
  requestBody: JsonObject,
  method: string,
  reader: Reader,
  add: Add,
): Body | undefined {
  const picked = pickMedia(asObject(requestBody['content']), [
    isJson,
    type => type === 'multipart/form-data',
    type => type === 'application/x-www-form-urlencoded',
    type => !isText(type),
  ])
  if (!picked) return undefined
  const [mediaType, media] = picked
  if (method === 'GET' || method === 'HEAD') {
    reader.note(`a ${method} has no body: its arguments are left out`)
    return undefined
  }
  const type = bareType(mediaType)
  // Many documents forget to say that a body with required members is required.
  const isRequired = requestBody['required'] !== false
  const whole = (of: 'json' | 'text' | 'file', name: string, schema: JsonSchema): Body => ({
    plan: {
      mediaType: type.includes('*') ? 'application/octet-stream' : mediaType,
      as: 'whole',
      of,
      argument: add(name, 'body', describe(schema, requestBody), requestBody['required'] === true),
    },
  })
  if (isJson(type)) return readJson(media['schema'], { reader, add, whole, mediaType, isRequired })
  if (type === 'multipart/form-data' || type === 'application/x-www-form-urlencoded')
    return readForm(media, { reader, add, type, isRequired })
  if (isText(type)) {
    if (!type.startsWith('text/plain')) reader.note(`the body is given as text in ${type}`)
    return whole('text', 'body', { type: 'string', description: `The body, in ${type}` })
  }
  return whole('file', fileName(type), fileSchema(type))
}

const fileSchema = (mediaType: string, words?: unknown): JsonSchema => ({
  type: 'string',
  minLength: 1,
  ...(typeof words === 'string' ? { description: words } : {}),
  [fileKeyword]: kindOf(mediaType),
})

type JsonBody = {
  reader: Reader
  add: Add
  whole: (of: 'json', name: string, schema: JsonSchema) => Body
  mediaType: string
  isRequired: boolean
}

/** An object's members become arguments; any other JSON is one argument, `body`. */
function readJson(schema: unknown, { reader, add, whole, mediaType, isRequired }: JsonBody): Body {
  const made = reader.schemas(schema, 'input', reader.note)
  const properties = Object.entries(propertiesOf(made))
  const isPlain = !('anyOf' in made) && [made['type'] ?? 'object'].flat().includes('object')
  if (properties.length === 0 || !isPlain) return whole('json', 'body', made)
  const needed = requiredOf(made)
  const members = properties.map(([name, property]): Member => ({
    argument: add(name, 'body', property, isRequired && needed.includes(name)),
    name,
  }))
  const rest = made['additionalProperties'] as JsonSchema | boolean | undefined
  const open = rest !== undefined && rest !== false
  return {
    plan: { mediaType, as: 'json', members, open },
    ...(open ? { rest } : {}),
  }
}

type FormBody = { reader: Reader; add: Add; type: string; isRequired: boolean }

function readForm(media: JsonObject, { reader, add, type, isRequired }: FormBody): Body {
  const { root, schemas, note } = reader
  const isMultipart = type === 'multipart/form-data'
  const raw = rawProperties(root, media['schema'], note)
  const made = schemas(media['schema'], 'input', note)
  const encoding = asObject(media['encoding'])
  const needed = requiredOf(made)
  const members = Object.entries(propertiesOf(made)).map(([name, property]): Member => {
    const how = asObject(Object.hasOwn(encoding, name) ? encoding[name] : undefined)
    const contentType = typeof how['contentType'] === 'string' ? how['contentType'] : undefined
    const file = isMultipart ? fileTypeOf(raw.get(name) ?? property, contentType, root) : undefined
    if (file?.isList) note(`"${name}" takes several files: one at a time can be given`)
    const schema = file ? fileSchema(file.mediaType, property['description']) : property
    return {
      argument: add(name, 'body', schema, isRequired && needed.includes(name)),
      name,
      ...(file ? { file: true } : {}),
      ...(isMultipart && contentType && !contentType.includes(',')
        ? { mediaType: contentType.split(',')[0]!.trim() }
        : {}),
      ...styleOf(how),
    }
  })
  return { plan: { mediaType: type, as: isMultipart ? 'multipart' : 'form', members } }
}

function styleOf({ style, explode }: JsonObject): Pick<Member, 'style' | 'explode'> {
  const known = knownStyles.query.find(name => name === style)
  return {
    ...(known ? { style: known } : {}),
    ...(typeof explode === 'boolean' ? { explode } : {}),
  }
}

/** The properties as they are written, since what marks a file is no JSON Schema and is not brought over. */
function rawProperties(
  root: unknown,
  schema: unknown,
  note: (loss: string) => void,
): Map<string, JsonSchema> {
  const object = dereference(root, schema, note)
  const parts = Array.isArray(object['allOf'])
    ? object['allOf'].map(part => dereference(root, part, note))
    : []
  return new Map(
    [...parts, object].flatMap(part =>
      Object.entries(asObject(part['properties'])).map(([name, property]): [string, JsonSchema] => [
        name,
        dereference(root, property, note),
      ]),
    ),
  )
}

function fileTypeOf(
  schema: JsonSchema,
  contentType: string | undefined,
  root: unknown,
): { mediaType: string; isList: boolean } | undefined {
  const isList = schema['type'] === 'array'
  const item = isList ? dereference(root, schema['items'], () => undefined) : schema
  const declared = binaryType(item)
  if (declared) {
    const isKnown = declared !== '*/*' && declared !== 'application/octet-stream'
    return { mediaType: isKnown ? declared : (contentType ?? '*/*'), isList }
  }
  // A part of another type than JSON or text is a file, whatever its schema says.
  const isOther = contentType && !isJson(contentType) && !isText(contentType.split(',')[0]!)
  return isOther ? { mediaType: contentType, isList } : undefined
}
