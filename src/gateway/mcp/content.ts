import type { Readable } from 'node:stream'
import type { ContentBlock } from '@modelcontextprotocol/server'
import type { Answer, CacheReport, Presented } from '../../registry/call.ts'
import { errorText, type ToolError } from '../../registry/errors.ts'
import { artifactsOf, canGrow, truncatedKey } from '../../registry/tool.ts'
import { readAll } from '../http/body.ts'
import { cacheStatus } from '../http/cache-headers.ts'

/** Bounds of what an answer carries inline. */
export const contentLimits = {
  /** A picture over this is a link instead: a block travels as base64 inside JSON. */
  pictureBytesMax: 4 * 1024 * 1024,
} as const

/** The bytes of an artifact. */
export type OpenArtifact = (
  id: string,
) => Promise<{ stream: NodeJS.ReadableStream; mediaType: string }>
/** What a face says of files. */
export type FileWays = {
  fileUrl: (id: string) => string
  openArtifact: OpenArtifact
  /** False for clients older than 2025-06-18, which fail on a block of a kind unknown to them. */
  links: boolean
}

/**
 * An answer as content blocks: first what a model should read, since many clients look no further;
 * then pictures as pictures and every other file as a link.
 */
export async function toContent(
  answer: Answer,
  shown: Presented,
  ways: FileWays,
): Promise<ContentBlock[]> {
  const text: ContentBlock = { type: 'text', text: shown.text }
  const { tool, result } = answer
  const artifacts = artifactsOf(tool)
  if (artifacts.length === 0 && !canGrow(tool)) return [text]
  const files = artifacts.flatMap(({ name, mediaType }) => {
    const id = result.output[name]
    return typeof id === 'string' ? [{ name, mediaType, id }] : []
  })
  const whole = result.output[truncatedKey] as { file: string } | undefined
  if (whole) files.push({ name: 'whole_answer', mediaType: 'application/json', id: whole.file })
  return [text, ...(await Promise.all(files.map(file => fileBlock(file, ways))))]
}

async function fileBlock(
  file: { name: string; mediaType: string; id: string },
  { fileUrl, openArtifact, links }: FileWays,
): Promise<ContentBlock> {
  const { name, mediaType, id } = file
  if (mediaType.startsWith('image/')) {
    const { stream, mediaType: mimeType } = await openArtifact(id)
    const bytes = await readAll(stream as Readable, contentLimits.pictureBytesMax)
    if (bytes) return { type: 'image', data: bytes.toString('base64'), mimeType }
  }
  const uri = fileUrl(id)
  return links
    ? { type: 'resource_link', uri, name, mimeType: mediaType }
    : { type: 'text', text: `${name}: ${uri}` }
}

/** Under this key of `_meta` an answer says what the cache did, as HTTP's `Cache-Status` and `Age`. */
export const cacheMetaKey = 'toolgate/cache'
/** Under this key of a request's `_meta` a caller states what `Cache-Control` states over HTTP. */
export const cacheControlMetaKey = 'toolgate/cache-control'
/** Under this key of `_meta` a failed call says its code, hint and details as data. */
export const errorMetaKey = 'toolgate/error'

/** What the cache did, for `_meta`. */
export const cacheMeta = (report: CacheReport) => ({
  status: cacheStatus(report),
  ...(report.ageMs === undefined ? {} : { age: Math.floor(report.ageMs / 1000) }),
})

/** A failed call as a result that a model reads and mends in its next turn. */
export const errorResult = (error: ToolError) => ({
  content: [{ type: 'text' as const, text: errorText(error) }],
  isError: true,
  _meta: {
    [errorMetaKey]: {
      code: error.code,
      message: error.message,
      ...(error.hint ? { hint: error.hint } : {}),
      ...(error.details ? { details: error.details } : {}),
      ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    },
  },
})
