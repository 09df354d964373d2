import { asObject } from '../views/walk.ts'
import { describeAgentlego } from './agentlego.ts'
import { describeHttp } from './http.ts'
import { describeMcp } from './mcp.ts'
import { describeOpenapi } from './openapi.ts'
import type { Described, Share, SourceDefinition } from './source.ts'

/** What a server says of its tools: a document's text, or an MCP listing as JSON. */
export type Description = {
  text: string
  /** Where it was found, after redirects; a process has none. */
  url: string
}

/** Makes drafts of what a server says, or of a share of it. Pure, and safe to run in a thread. */
export function describe(
  definition: SourceDefinition,
  { text, url }: Description,
  share: Share = { index: 0, count: 1 },
): Described {
  const { include, exclude, headers = {} } = definition
  const wanted = { ...(include ? { include } : {}), ...(exclude ? { exclude } : {}), share }
  const options = { ...wanted, url, headerNames: Object.keys(headers) }
  switch (definition.kind) {
    case 'openapi': {
      const { server } = definition
      return describeOpenapi(text, { ...options, ...(server ? { server } : {}) })
    }
    case 'agentlego':
      return describeAgentlego(text, options)
    case 'mcp': {
      const { tools, version } = asObject(JSON.parse(text))
      return describeMcp(
        {
          tools: Array.isArray(tools) ? tools : [],
          ...(typeof version === 'string' ? { version } : {}),
        },
        wanted,
      )
    }
    case 'http':
      return describeHttp(definition)
  }
}
