import type { JsonObject } from '../tool.ts'
import { asObject } from '../views/walk.ts'
import { asText } from './text.ts'

/** An operation of Swagger 2 in the words of OpenAPI 3, its parameters already looked up. */
export function upgradeOperation(
  root: JsonObject,
  operation: JsonObject,
  parameters: readonly JsonObject[],
): { parameters: JsonObject[]; requestBody?: JsonObject } {
  const consumes = listOf(operation['consumes'] ?? root['consumes'])
  const plain = parameters.filter(({ in: place }) => place !== 'body' && place !== 'formData')
  const requestBody = bodyOf(parameters, consumes)
  return { parameters: plain.map(upgradeParameter), ...(requestBody ? { requestBody } : {}) }
}

/** A response of Swagger 2 with its content. */
export function upgradeResponse(
  root: JsonObject,
  operation: JsonObject,
  response: JsonObject,
): JsonObject {
  const { schema } = response
  if (schema === undefined) return response
  const produces = listOf(operation['produces'] ?? root['produces'])
  const isFile = asObject(schema)['type'] === 'file'
  const types =
    produces.length > 0 ? produces : [isFile ? 'application/octet-stream' : 'application/json']
  const content = types.map(type => [type, { schema }] as const)
  return { ...response, content: Object.fromEntries(content) }
}

/** Where a Swagger 2 document says that its server is; relative without a host. */
export function swaggerServers({ host, basePath, schemes }: JsonObject): string[] {
  const path = typeof basePath === 'string' ? basePath : '/'
  if (typeof host !== 'string' || host === '') return [path]
  const known = listOf(schemes).filter(scheme => scheme === 'https' || scheme === 'http')
  const [scheme = ''] = known.toSorted((a, b) => b.length - a.length)
  return [`${scheme ? `${scheme}:` : ''}//${host}${path}`]
}

/** A security scheme of Swagger 2: `basic` is now one of HTTP's. */
export const upgradeScheme = (scheme: JsonObject): JsonObject =>
  scheme['type'] === 'basic' ? { ...scheme, type: 'http', scheme: 'basic' } : scheme

const listOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter(item => typeof item === 'string') : []

const schemaKeys = [
  'type',
  'format',
  'items',
  'default',
  'maximum',
  'exclusiveMaximum',
  'minimum',
  'exclusiveMinimum',
  'maxLength',
  'minLength',
  'pattern',
  'maxItems',
  'minItems',
  'uniqueItems',
  'enum',
  'multipleOf',
]

const schemaOf = (parameter: JsonObject): JsonObject =>
  Object.fromEntries(schemaKeys.flatMap(key => (key in parameter ? [[key, parameter[key]]] : [])))

const styles: Record<string, { style: string; explode: boolean }> = {
  csv: { style: 'form', explode: false },
  ssv: { style: 'spaceDelimited', explode: false },
  tsv: { style: 'tabDelimited', explode: false },
  pipes: { style: 'pipeDelimited', explode: false },
  multi: { style: 'form', explode: true },
}

/** A list is written with commas unless `collectionFormat` says otherwise. */
function styleOf(parameter: JsonObject): JsonObject {
  if (parameter['type'] !== 'array') return {}
  const format = asText(parameter['collectionFormat']) || 'csv'
  const isSimple = parameter['in'] === 'path' || parameter['in'] === 'header'
  if (isSimple) return { style: 'simple', explode: false }
  return (Object.hasOwn(styles, format) ? styles[format] : undefined) ?? {}
}

const upgradeParameter = (parameter: JsonObject): JsonObject => ({
  name: parameter['name'],
  in: parameter['in'],
  required: parameter['required'],
  description: parameter['description'],
  schema: schemaOf(parameter),
  ...styleOf(parameter),
})

function bodyOf(
  parameters: readonly JsonObject[],
  consumes: readonly string[],
): JsonObject | undefined {
  const body = parameters.find(({ in: place }) => place === 'body')
  if (body) {
    const types = consumes.length > 0 ? consumes : ['application/json']
    return {
      required: body['required'] === true,
      description: body['description'],
      content: Object.fromEntries(types.map(type => [type, { schema: body['schema'] }])),
    }
  }
  const fields = parameters.filter(({ in: place }) => place === 'formData')
  if (fields.length === 0) return undefined
  const isMultipart =
    fields.some(({ type }) => type === 'file') ||
    (consumes.includes('multipart/form-data') &&
      !consumes.includes('application/x-www-form-urlencoded'))
  const schema = {
    type: 'object',
    properties: Object.fromEntries(
      fields.map(field => [
        asText(field['name']),
        { ...schemaOf(field), description: field['description'] },
      ]),
    ),
    required: fields.filter(({ required }) => required === true).map(({ name }) => name),
  }
  const encoding = Object.fromEntries(
    fields.flatMap(field => (field['type'] === 'array' ? [[field['name'], styleOf(field)]] : [])),
  ) as JsonObject
  const type = isMultipart ? 'multipart/form-data' : 'application/x-www-form-urlencoded'
  return { required: schema.required.length > 0, content: { [type]: { schema, encoding } } }
}
