import type { JsonObject } from '../tool.ts'
import { asObject } from '../views/walk.ts'
import { type ApiDocument, dereference } from './document.ts'
import { asText } from './text.ts'
import { swaggerServers, upgradeOperation, upgradeResponse, upgradeScheme } from './swagger.ts'

/** An operation of a document, of whichever version, in the words of OpenAPI 3. */
export type Operation = {
  method: string
  path: string
  operationId?: string
  summary?: string
  description?: string
  tags: string[]
  deprecated: boolean
  parameters: JsonObject[]
  requestBody?: JsonObject
  /** By status, in the document's order; looked up only as far as the response itself. */
  responses: [string, JsonObject][]
  /** The nearest `servers`: the operation's, the path's or the document's. */
  servers: JsonObject[]
  /** Alternatives; each wants all its schemes. */
  security: JsonObject[]
}

/** Where an operation stands in its document, before it is read. */
export type OperationPlace = { method: string; path: string; item: JsonObject; value: unknown }

const methods = new Set(['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'])

/** The places of all operations of a document, in its order. */
export function operationPlaces({ root }: ApiDocument, note: (loss: string) => void) {
  return Object.entries(asObject(root['paths'])).flatMap(([path, value]): OperationPlace[] => {
    if (!path.startsWith('/')) return []
    const item = dereference(root, value, note)
    return Object.entries(item)
      .filter(([method]) => methods.has(method))
      .map(([method, operation]) => ({
        method: method.toUpperCase(),
        path,
        item,
        value: operation,
      }))
  })
}

/** Reads one operation; throws when it is not one. */
export function readOperation(
  { root, isSwagger }: ApiDocument,
  place: OperationPlace,
  note: (loss: string) => void,
): Operation {
  const { method, path, item, value } = place
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('it is no operation object')
  const operation = value as JsonObject
  const parameters = parametersOf(root, item, operation, note)
  const upgraded = isSwagger
    ? upgradeOperation(root, operation, parameters)
    : { parameters, ...bodyOf(root, operation, note) }
  const responses = Object.entries(asObject(operation['responses'])).map(
    ([status, response]): [string, JsonObject] => {
      const found = dereference(root, response, note)
      return [status, isSwagger ? upgradeResponse(root, operation, found) : found]
    },
  )
  return {
    method,
    path,
    ...texts(operation),
    tags: stringsOf(operation['tags']),
    deprecated: operation['deprecated'] === true,
    ...upgraded,
    responses,
    servers: serversOf(root, item, operation, isSwagger),
    security: arrayOf(operation['security'] ?? root['security']),
  }
}

/** The document's security schemes, by name. */
export function securitySchemes({ root, isSwagger }: ApiDocument): Map<string, JsonObject> {
  const declared = isSwagger
    ? asObject(root['securityDefinitions'])
    : asObject(asObject(root['components'])['securitySchemes'])
  return new Map(
    Object.entries(declared).map(([name, value]) => {
      const scheme = dereference(root, value, () => undefined)
      return [name, isSwagger ? upgradeScheme(scheme) : scheme]
    }),
  )
}

/** Those of the path, then those of the operation, which replace equals. */
function parametersOf(
  root: JsonObject,
  item: JsonObject,
  operation: JsonObject,
  note: (loss: string) => void,
): JsonObject[] {
  const byPlace = new Map<string, JsonObject>()
  for (const list of [item['parameters'], operation['parameters']])
    for (const value of Array.isArray(list) ? list : []) {
      const parameter = dereference(root, value, note)
      byPlace.set(`${asText(parameter['in'])} ${asText(parameter['name'])}`, parameter)
    }
  return [...byPlace.values()]
}

function bodyOf(root: JsonObject, operation: JsonObject, note: (loss: string) => void) {
  const body = dereference(root, operation['requestBody'], note)
  return Object.keys(body).length > 0 ? { requestBody: body } : {}
}

function serversOf(
  root: JsonObject,
  item: JsonObject,
  operation: JsonObject,
  isSwagger: boolean,
): JsonObject[] {
  if (isSwagger) return swaggerServers(root).map(url => ({ url }))
  for (const { servers } of [operation, item, root])
    if (Array.isArray(servers) && servers.length > 0) return arrayOf(servers)
  return []
}

/** An address with its variables filled in by their defaults. */
export function serverUrl(server: JsonObject): string {
  const variables = asObject(server['variables'])
  return asText(server['url']).replace(/\{([^{}]+)\}/g, (whole, name: string) => {
    const variable = asObject(Object.hasOwn(variables, name) ? variables[name] : undefined)
    const [first] = stringsOf(variable['enum'])
    return asText(variable['default'] ?? first) || whole
  })
}

const texts = ({ operationId, summary, description }: JsonObject) => ({
  ...(typeof operationId === 'string' && operationId.trim() ? { operationId } : {}),
  ...(typeof summary === 'string' && summary.trim() ? { summary } : {}),
  ...(typeof description === 'string' && description.trim() ? { description } : {}),
})
const stringsOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter(item => typeof item === 'string') : []
const arrayOf = (value: unknown): JsonObject[] => (Array.isArray(value) ? value.map(asObject) : [])
