import { pipeline, type Readable } from 'node:stream'
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
} from 'node:zlib'

/** Header fields as undici gives them. */
export type ResponseHeaders = Record<string, string | string[] | undefined>

/** One header field as text; undefined when absent. */
export const headerOf = (headers: ResponseHeaders, name: string): string | undefined => {
  const value = headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

/** The encodings that are asked for and read. */
export const acceptEncoding = 'gzip, br'

const decoders: Record<string, () => NodeJS.ReadWriteStream> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  br: createBrotliDecompress,
  deflate: createInflate,
  zstd: createZstdDecompress,
}

/**
 * The body unpacked, or undefined for an encoding that is not known here. Unpacking is lazy: a bomb
 * costs no more than what is read of it, so the reader's bound is the bound of both.
 */
export function decodeBody(headers: ResponseHeaders, body: Readable): Readable | undefined {
  const encoding = headerOf(headers, 'content-encoding')?.trim().toLowerCase()
  if (!encoding || encoding === 'identity') return body
  const decoder = Object.hasOwn(decoders, encoding) ? decoders[encoding] : undefined
  if (!decoder) return undefined
  // The error, if any, reaches whoever reads the last stream.
  return pipeline(body, decoder(), () => undefined) as unknown as Readable
}

/** All bytes of a stream, or undefined once there are more than `bytesMax`; the rest is not read. */
export async function readAll(stream: Readable, bytesMax: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > bytesMax) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, bytes)
}

/** Lets go of a body that nobody will read on; what was read to its end is left as it is. */
export const discard = (body: Readable): void => {
  // To end a body early is an error to undici, and to nobody here.
  body.on('error', () => undefined).destroy()
}
