import type { IncomingHttpHeaders } from 'node:http'
import type { JsonObject } from '../../registry/tool.ts'
import { legacyVersions, metaKeys, modernVersion } from './protocol.ts'

/** A well-formed request for one of the two methods that carry nearly all traffic. */
export type HotRequest = HotList | HotCall
type HotList = Envelope & { method: 'tools/list' }
/** A call of one tool. */
export type HotCall = Envelope & { method: 'tools/call'; name: string; args: unknown }
type Envelope = { id: string | number; modern: boolean; meta: JsonObject }

type Headers = IncomingHttpHeaders

/**
 * Recognises a request that needs nothing of the protocol but its answer. Whatever is not exactly
 * that (another method, another shape, a header that does not fit) is undefined here and goes to
 * the SDK, which knows every rule and every error of both eras.
 */
export function readHot(headers: Headers, body: unknown): HotRequest | undefined {
  if (!isObject(body) || body['jsonrpc'] !== '2.0') return undefined
  const { id, method, params = {} } = body
  if (!isId(id) || !isObject(params)) return undefined
  const { name, arguments: args = {}, _meta: meta = {}, ...others } = params
  if (!isObject(meta) || !isObject(args) || !hasNothing(others)) return undefined
  if (!isToken(meta['progressToken'])) return undefined
  const modern = metaKeys.protocolVersion in meta
  if (modern ? !fitsModern(headers, body, meta) : !fitsLegacy(headers)) return undefined
  if (method === 'tools/list' && name === undefined) return { id, modern, meta, method }
  if (method !== 'tools/call' || typeof name !== 'string') return undefined
  if (modern && headers['mcp-name'] !== name) return undefined
  return { id, modern, meta, method, name, args }
}

function fitsModern(headers: Headers, body: JsonObject, meta: JsonObject): boolean {
  return (
    meta[metaKeys.protocolVersion] === modernVersion &&
    headers['mcp-protocol-version'] === modernVersion &&
    headers['mcp-method'] === body['method'] &&
    isClientInfo(meta[metaKeys.clientInfo]) &&
    isCapabilities(meta[metaKeys.clientCapabilities]) &&
    !(metaKeys.logLevel in meta)
  )
}

function fitsLegacy(headers: Headers): boolean {
  const version = headers['mcp-protocol-version']
  return version === undefined || (typeof version === 'string' && legacyVersions.has(version))
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isId = (value: unknown): value is string | number =>
  typeof value === 'string' || Number.isSafeInteger(value)
const isToken = (value: unknown): boolean => value === undefined || isId(value)
const isClientInfo = (value: unknown): boolean =>
  value === undefined ||
  (isObject(value) && typeof value['name'] === 'string' && typeof value['version'] === 'string')
const isCapabilities = (value: unknown): boolean =>
  isObject(value) && Object.values(value).every(isObject)
function hasNothing(object: JsonObject): boolean {
  for (const name in object) if (object[name] !== undefined) return false
  return true
}
