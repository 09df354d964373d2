import Type from 'typebox'
import { defineTool, type JsonObject, type Tool } from '../../registry/tool.ts'
import type { Search } from '../../registry/search.ts'
import { toMcpTool } from '../../registry/views/mcp.ts'
import type { Scope } from './scope.ts'

/** Search as a tool: what a model gets in place of a list too long for its context. */
export const findToolsName = 'find_tools'
/** Calls a tool that was found. */
export const callToolName = 'call_tool'

const anyObject = (description: string) =>
  Type.Unsafe<JsonObject>({ type: 'object', description, additionalProperties: true })

/** Makes `find_tools` over the tools of a scope. */
export const createFindTools = (search: Search, scope: Scope): Tool =>
  defineTool({
    name: findToolsName,
    title: 'Find tools',
    description:
      'Finds tools by what they do. Say the task in a few words, then use call_tool with a name and the arguments of its inputSchema.',
    input: Type.Object({
      query: Type.String({
        description: 'What the tool should do, e.g. weather in a city',
        minLength: 1,
        maxLength: 500,
      }),
      limit: Type.Optional(
        Type.Integer({ description: 'How many at most', minimum: 1, maximum: 20, default: 5 }),
      ),
    }),
    output: Type.Object({
      tools: Type.Array(
        Type.Object({
          name: Type.String({ description: 'For call_tool' }),
          title: Type.String({ description: 'For people' }),
          description: Type.String({ description: 'When to use it' }),
          inputSchema: anyObject('JSON Schema of its arguments'),
        }),
        { description: 'Best first' },
      ),
    }),
    annotations: { readOnly: true, idempotent: true, openWorld: false },
    async run({ query, limit = 5 }) {
      const listed = new Set(scope.list())
      const found = (await search(query)).filter(({ tool }) => listed.has(tool))
      return {
        tools: found.slice(0, limit).map(({ tool }) => {
          const { name, title, description, inputSchema } = toMcpTool(tool)
          return { name, title, description, inputSchema }
        }),
      }
    },
  })

/** `call_tool`, whose answer is the called tool's: it has no output of its own. */
export const callTool = defineTool({
  name: callToolName,
  title: 'Call a tool',
  description: 'Calls a tool that find_tools found.',
  input: Type.Object({
    name: Type.String({ description: 'Name of the tool', minLength: 1, maxLength: 120 }),
    arguments: Type.Optional(anyObject('Its arguments, as its inputSchema has them')),
  }),
  output: Type.Object({}),
  async run() {
    return {}
  },
})
