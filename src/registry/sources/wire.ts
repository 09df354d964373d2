import { randomUUID } from 'node:crypto'
import { fail } from '../errors.ts'
import type { FileRef, JsonObject } from '../tool.ts'

/** A request, ready to go out. */
export type WireRequest = {
  method: string
  url: string
  headers: Record<string, string>
  body?: string | Uint8Array
}

/** What a request is made for. */
export type RequestOptions = {
  /** The tool's name, for errors. */
  tool: string
  input: JsonObject
  /** The source's headers, lower case; sent only where `sendsCredentials`. */
  headers: Readonly<Record<string, string>>
  sendsCredentials: boolean
  readFile: (file: FileRef) => Promise<Uint8Array>
}

/** A body as it goes out. */
export type Written = { mediaType: string; content: string | Uint8Array }

/** An argument that was given; one named `constructor` is not there just because all objects have it. */
export const own = (input: JsonObject, name: string): unknown =>
  Object.hasOwn(input, name) ? input[name] : undefined

/** A text for a header, or TG_ARGUMENT_INVALID: a line break would begin another header. */
export function headerText(tool: string, argument: string, text: string): string {
  if (/^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(text)) return text
  throw fail('TG_ARGUMENT_INVALID', tool, argument, 'has characters that a header cannot hold')
}

/** One part of a multipart body. */
export type Part = {
  name: string
  content: string | Uint8Array
  filename?: string
  mediaType?: string
}

/** A file as a part; its name ends as its type does, since servers tell types by that. */
export async function filePart(
  name: string,
  file: FileRef,
  readFile: RequestOptions['readFile'],
): Promise<Part> {
  const extension = file.id.includes('.') ? file.id.slice(file.id.lastIndexOf('.')) : ''
  const isNamed = /\.[A-Za-z0-9]{1,8}$/.test(file.name)
  return {
    name,
    content: await readFile(file),
    filename: isNamed ? file.name : `${file.name || name}${extension}`,
    mediaType: file.mediaType,
  }
}

/** Writes multipart/form-data, names quoted as browsers do. */
export function writeMultipart(
  parts: readonly Part[],
  boundary = `toolgate-${randomUUID()}`,
): Written {
  const quoted = (text: string): string =>
    text.replaceAll('\n', '%0A').replaceAll('\r', '%0D').replaceAll('"', '%22')
  const chunks = parts.flatMap(({ name, content, filename, mediaType }) => {
    const file = filename === undefined ? '' : `; filename="${quoted(filename)}"`
    const type = mediaType === undefined ? '' : `content-type: ${mediaType}\r\n`
    return [
      Buffer.from(
        `--${boundary}\r\ncontent-disposition: form-data; name="${quoted(name)}"${file}\r\n${type}\r\n`,
      ),
      Buffer.from(content),
      Buffer.from('\r\n'),
    ]
  })
  return {
    mediaType: `multipart/form-data; boundary=${boundary}`,
    content: Buffer.concat([...chunks, Buffer.from(`--${boundary}--\r\n`)]),
  }
}
