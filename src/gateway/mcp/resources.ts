import type { Readable } from 'node:stream'
import {
  type ListResourcesResult,
  type ListResourceTemplatesResult,
  type ReadResourceResult,
  ResourceNotFoundError,
} from '@modelcontextprotocol/server'
import { fail, isToolError } from '../../registry/errors.ts'
import type { Registry } from '../../registry/registry.ts'
import { toCard } from '../../registry/views/card.ts'
import { readAll } from '../http/body.ts'
import type { OpenArtifact } from './content.ts'
import type { Scope } from './scope.ts'

/** Bounds of resources. */
export const resourceLimits = {
  pageSize: 500,
  /** A file over this is fetched by its URL. */
  bytesMax: 8 * 1024 * 1024,
} as const

const toolUri = 'toolgate://tools/'
/** How a file is named where it has no URL. */
export const fileUri = 'toolgate://files/'

/** What resources stand on. */
export type ResourceOptions = {
  registry: Registry
  scope: Scope
  openArtifact: OpenArtifact
  /** Where this caller reaches us over HTTP; undefined over stdio. */
  origin: string | undefined
  secured: boolean
}
/** The resources of one caller: each tool's document, and the files that tools made. */
export type Resources = {
  list(cursor: string | undefined): ListResourcesResult
  templates(): ListResourceTemplatesResult
  read(uri: string): Promise<ReadResourceResult>
}

/** Makes them; documents are the registry's cards. */
export function createResources(options: ResourceOptions): Resources {
  const { registry, scope, openArtifact, origin, secured } = options
  const fileUris = [fileUri, ...(origin ? [`${origin}/files/`] : [])]

  return {
    list(cursor) {
      const start = cursor !== undefined && /^\d{1,9}$/.test(cursor) ? Number(cursor) : 0
      const tools = scope.list()
      const end = start + resourceLimits.pageSize
      return {
        resources: tools.slice(start, end).map(({ name, title, description }) => ({
          uri: `${toolUri}${name}`,
          name,
          title: `Document of ${title}`,
          description,
          mimeType: 'application/json',
        })),
        ...(end < tools.length ? { nextCursor: String(end) } : {}),
      }
    },
    templates: () => ({
      resourceTemplates: [
        {
          uriTemplate: `${toolUri}{name}`,
          name: 'tool',
          title: 'Document of a tool',
          description: 'Schemas, examples and addresses of one tool',
          mimeType: 'application/json',
        },
        {
          uriTemplate: `${fileUris.at(-1)}{id}`,
          name: 'file',
          title: 'File',
          description: 'A file that a tool made or that was uploaded',
        },
      ],
    }),
    async read(uri) {
      if (uri.startsWith(toolUri)) return document(uri)
      const prefix = fileUris.find(start => uri.startsWith(start))
      if (prefix === undefined) throw new ResourceNotFoundError(uri)
      const [id = ''] = uri.slice(prefix.length).split('?')
      return file(uri, id)
    },
  }

  function document(uri: string): ReadResourceResult {
    const name = uri.slice(toolUri.length)
    const tool = scope.holds(name) ? registry.get(name) : undefined
    if (!tool) throw new ResourceNotFoundError(uri)
    const unavailable = registry.unavailable(name)
    const card = toCard(tool, { origin: origin ?? 'http://127.0.0.1:8642', secured, unavailable })
    return { contents: [{ uri, mimeType: 'application/json', text: JSON.stringify(card) }] }
  }

  async function file(uri: string, id: string): Promise<ReadResourceResult> {
    const { stream, mediaType } = await openArtifact(id).catch((error: unknown) => {
      throw isToolError(error) && error.status === 404 ? new ResourceNotFoundError(uri) : error
    })
    const bytes = await readAll(stream as Readable, resourceLimits.bytesMax)
    if (!bytes)
      throw fail(
        'TG_TOO_LARGE',
        'the file',
        `${resourceLimits.bytesMax} bytes as a resource`,
        'fetch its URL instead',
      )
    return {
      contents: [
        mediaType.startsWith('text/') || mediaType === 'application/json'
          ? { uri, mimeType: mediaType, text: bytes.toString() }
          : { uri, mimeType: mediaType, blob: bytes.toString('base64') },
      ],
    }
  }
}
