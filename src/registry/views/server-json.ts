import type { JsonObject } from '../tool.ts'
import { cut, viewDefaults, type ViewOptions } from './view.ts'

const schemaUrl = 'https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json'
const officialKey = 'io.modelcontextprotocol.registry/official'
/** The registry's own limits. */
const limits = { descriptionCharactersMax: 100, titleCharactersMax: 100 } as const

/** This gateway as an entry of the MCP registry, named by its host turned around. */
export function serverJson(options: ViewOptions): JsonObject {
  const { origin, secured, title = viewDefaults.title, version = viewDefaults.version } = options
  const host = new URL(origin).hostname
  const namespace = /^[\d.]+$|:/.test(host) ? 'local' : host.split('.').reverse().join('.')
  return {
    $schema: schemaUrl,
    name: `${namespace}/toolgate`,
    title: cut(title, limits.titleCharactersMax),
    description: cut(
      'One gateway for every tool: over MCP, OpenAPI and every function-calling dialect.',
      limits.descriptionCharactersMax,
    ),
    version,
    websiteUrl: `${origin}/docs`,
    remotes: [
      {
        type: 'streamable-http',
        url: `${origin}/mcp`,
        ...(secured ? { headers: [keyHeader] } : {}),
      },
    ],
  }
}

const keyHeader = {
  name: 'Authorization',
  description: 'Bearer and a key of this gateway',
  isRequired: true,
  isSecret: true,
}

/** An entry as the registry's API wraps it; `at` is when this process published it, RFC 3339. */
export const serverEntry = (options: ViewOptions & { readonly at?: string }): JsonObject => ({
  server: serverJson(options),
  _meta: {
    [officialKey]: {
      status: 'active',
      ...(options.at === undefined ? {} : { publishedAt: options.at, updatedAt: options.at }),
      isLatest: true,
    },
  },
})

/** `/v0.1/servers` and `/v0.1/servers/{name}/versions`: a registry with this one server in it. */
export const serverList = (options: ViewOptions & { readonly at?: string }): JsonObject => ({
  servers: [serverEntry(options)],
  metadata: { count: 1 },
})
