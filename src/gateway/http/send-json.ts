import { hash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** A document made once: its text, mostly JSON, and its entity tag. */
export type JsonDocument = { json: string; etag: string }

/** Writes a document down, with a tag by which a client asks whether it changed. */
export const toDocument = (value: unknown): JsonDocument => toText(JSON.stringify(value))
/** As `toDocument`, for what is text already. */
export const toText = (json: string): JsonDocument => ({
  json,
  etag: `"${hash('sha256', json, 'base64url').slice(0, 27)}"`,
})

/** Sends a document, or 304 to a client that has it. */
export function sendDocument(
  request: FastifyRequest,
  reply: FastifyReply,
  { json, etag }: JsonDocument,
  mediaType = 'application/json; charset=utf-8',
) {
  reply.header('etag', etag).header('cache-control', 'no-cache')
  // A proxy that compresses makes the tag weak; the document is the same.
  const tags = (request.headers['if-none-match'] ?? '')
    .split(',')
    .map(tag => tag.trim().replace(/^W\//, ''))
  if (tags.includes(etag) || tags.includes('*')) return reply.status(304).send()
  // Fastify adds a charset to text, and some types have none.
  const body = mediaType.includes('charset') ? json : Buffer.from(json)
  return reply.header('content-type', mediaType).send(body)
}
