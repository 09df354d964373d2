import type { FileKind, JsonObject, JsonSchema } from '../tool.ts'
import { asObject } from '../views/walk.ts'
import { asText } from './text.ts'

/** A media type without its parameters, lower case. */
export const bareType = (mediaType: string): string => mediaType.split(';')[0]!.trim().toLowerCase()
/** True for JSON under any of its names. */
export const isJson = (mediaType: string): boolean =>
  /^(application|text)\/([\w.+-]+\+)?json$/.test(bareType(mediaType))
/** True for a type whose bytes a person can read. */
export const isText = (mediaType: string): boolean =>
  /^text\/|[/+](xml|yaml|x-yaml|csv|javascript|x-ndjson|graphql)$/.test(bareType(mediaType))

/** The kind of file that a media type, or the word before `;binary`, stands for. */
export function kindOf(mediaType: string): FileKind {
  const type = bareType(mediaType)
  if (type === 'image' || type.startsWith('image/')) return 'image'
  if (type === 'audio' || type.startsWith('audio/')) return 'audio'
  if (type === 'application/pdf' || /officedocument|msword/.test(type)) return 'document'
  return 'any'
}

/** The name of the property that holds a file of a media type. */
export const fileName = (mediaType: string): string => {
  const kind = kindOf(mediaType)
  return kind === 'image' || kind === 'audio' ? kind : 'file'
}

/**
 * The media type of a schema that is a file's bytes, or undefined. FastAPI and AgentLego write
 * `image;binary`, OpenAPI 3.0 `binary`, 3.1 `contentMediaType` without an encoding.
 */
export function binaryType(schema: JsonSchema): string | undefined {
  const { type, format, contentMediaType, contentEncoding } = schema
  const isText = type === undefined || [type].flat().includes('string')
  if (isText && typeof format === 'string' && /(^|;)binary$/.test(format))
    return format.includes(';') ? format.split(';')[0] : asText(contentMediaType) || '*/*'
  if (isText && typeof contentMediaType === 'string' && contentEncoding === undefined)
    return isJson(contentMediaType) ? undefined : contentMediaType
  for (const key of ['anyOf', 'oneOf', 'allOf'])
    for (const member of Array.isArray(schema[key]) ? (schema[key] as unknown[]) : []) {
      const found = binaryType(asObject(member))
      if (found) return found
    }
  return undefined
}

/** One of some media types, in the order in which they serve best. */
export function pickMedia(
  content: JsonObject,
  order: readonly ((type: string, media: JsonObject) => boolean)[],
): [string, JsonObject] | undefined {
  const all = Object.entries(content).map(
    ([type, media]) => [type, asObject(media)] as [string, JsonObject],
  )
  for (const fits of order) {
    const found = all.find(([type, media]) => fits(bareType(type), media))
    if (found) return found
  }
  return all[0]
}
