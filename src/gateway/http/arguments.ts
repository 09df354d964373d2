import '@fastify/multipart'
import type { FastifyRequest } from 'fastify'
import { fail, failFrom, isToolError } from '../../registry/errors.ts'
import { depthMax, nestsDeeper } from '../../registry/json-text.ts'
import type { FileRef, JsonObject } from '../../registry/tool.ts'
import { readAll } from './body.ts'
import { dropRest } from './linger.ts'

/** Bounds of a form. */
export const formLimits = { filesMax: 10, fieldsMax: 200, plainFormBytesMax: 1024 * 1024 } as const

/** Stores the file part of a form while it arrives. */
export type StoreUpload = (upload: {
  stream: NodeJS.ReadableStream
  name: string
  mediaType: string
}) => Promise<FileRef>

/**
 * The arguments of a call as they came: a JSON object, a form, or a multipart form whose file parts
 * are stored and replaced by their ids. A request without a body has none. A promise only where the
 * body is still to come, and it rejects; else what is wrong is thrown.
 */
export function readArguments(request: FastifyRequest, storeUpload: StoreUpload): unknown {
  if (!request.isMultipart()) return bodyArguments(request)
  const boundary = /boundary=/i.test(request.headers['content-type'] ?? '')
  return boundary ? readParts(request, storeUpload) : readPlainForm(request)
}

/**
 * The arguments of a body that has been read, as all but multipart forms are. curl names a body a form
 * unless told otherwise; JSON in it would be one odd argument.
 */
function bodyArguments(request: Pick<FastifyRequest, 'body'>): unknown {
  const body = request.body ?? {}
  const [name = ''] = typeof body === 'object' ? Object.keys(body) : []
  if (!name.startsWith('{"')) return body
  throw fail('TG_BODY_INVALID', 'it is JSON, but its content-type is not application/json')
}

async function readParts(request: FastifyRequest, storeUpload: StoreUpload): Promise<JsonObject> {
  const entries: [string, unknown][] = []
  const { bodyLimit: bytesMax } = request.routeOptions
  let bytes = 0
  try {
    for await (const part of request.parts()) {
      if (part.type === 'field') {
        bytes += Buffer.byteLength(textOf(part.value))
        // The parser bounds each field, and cuts a longer one without a word.
        if (part.valueTruncated || bytes > bytesMax)
          throw fail('TG_TOO_LARGE', 'what the form holds beside files', `${bytesMax} bytes`)
        entries.push([part.fieldname, part.value])
      } else {
        const { file: stream, filename: name, mimetype: mediaType } = part
        entries.push([part.fieldname, (await storeUpload({ stream, name, mediaType })).id])
      }
    }
  } catch (error) {
    // The parser throws plain errors at a form that is cut off or malformed.
    const known = isToolError(error) || 'statusCode' in (error as object)
    throw known ? error : failFrom(error, 'TG_BODY_INVALID', (error as Error).message)
  }
  dropRest(request)
  return joined(entries)
}

/** A field that says it is JSON has been parsed already, however deep it nests. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  const text = JSON.stringify(value)
  if (!nestsDeeper(text, depthMax)) return text
  throw fail('TG_BODY_INVALID', `it nests deeper than ${depthMax} levels`)
}

/** A name that comes again makes a list, as in any form. */
const joined = (entries: readonly [string, unknown][]): JsonObject =>
  Object.fromEntries(
    [...Map.groupBy(entries, ([name]) => name)].map(([name, all]) => [
      name,
      all.length === 1 ? all[0]?.[1] : all.map(([, value]) => value),
    ]),
  )

/** Some clients say multipart, name no boundary and send a plain form. */
async function readPlainForm(request: FastifyRequest): Promise<JsonObject> {
  const bytes = await readAll(request.raw, formLimits.plainFormBytesMax)
  if (!bytes)
    throw fail('TG_TOO_LARGE', 'a form without a boundary', `${formLimits.plainFormBytesMax} bytes`)
  return joined([...new URLSearchParams(bytes.toString())])
}
