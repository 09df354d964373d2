import { type Answer, type CallContext, type Invoke, resultOf } from '../../registry/call.ts'
import { fail, type ToolError } from '../../registry/errors.ts'
import { parseArguments } from '../../registry/parse.ts'
import type { Registry } from '../../registry/registry.ts'
import { searchOf } from '../../registry/search.ts'
import type { Tool, ToolContext } from '../../registry/tool.ts'
import { type McpTool, toMcpTool } from '../../registry/views/mcp.ts'
import { callTool, callToolName, createFindTools, findToolsName } from './search-tools.ts'
import type { Scope } from './scope.ts'

/** A tool as `tools/list` shows it; `call_tool` alone promises no structure. */
export type ListedTool = Omit<McpTool, 'outputSchema'> & Partial<Pick<McpTool, 'outputSchema'>>
/** What a call gave, and whether it is shown as structure too, as exactly those with an `outputSchema` are. */
export type Called = { answer: Answer; structured: boolean }
/** How an address offers its tools: each by name, or through search. */
export type Offer = { scope: Scope; search: boolean }

/** The tools as MCP offers and calls them; both eras and both transports end here. */
export type McpTools = {
  /** What is listed, in a stable order. */
  offered(offer: Offer): readonly Tool[]
  list(offer: Offer): readonly ListedTool[]
  /** The error for a name that is not offered here; undefined when it is. */
  missing(offer: Offer, name: string): ToolError | undefined
  /** Throws what `invoke` throws. */
  call(
    offer: Offer,
    request: { name: string; args: unknown },
    context: CallContext,
  ): Promise<Called>
}

/** One tool as it is listed. */
export function toListed(tool: Tool): ListedTool {
  const listed = toMcpTool(tool)
  if (tool !== callTool) return listed
  const { outputSchema: _, ...rest } = listed
  return rest
}

/** Makes them out of the registry and the one call. */
export function createMcpTools({
  registry,
  invoke,
}: {
  registry: Registry
  invoke: Invoke
}): McpTools {
  const search = searchOf(registry)

  return {
    offered,
    list: offer =>
      registry.memo(`mcp ${offer.scope.key} ${offer.search}`, () => offered(offer).map(toListed)),
    missing: ({ scope, search: searching }, name) =>
      searching && (name === findToolsName || name === callToolName)
        ? undefined
        : unknown(scope, name),
    async call({ scope, search: searching }, { name, args }, context) {
      if (searching && name === findToolsName) return find(scope, args)
      if (searching && name === callToolName) return relay(scope, args, context)
      return { answer: await invokeHeld(scope, name, args, context), structured: true }
    },
  }

  function offered({ scope, search: searching }: Offer): readonly Tool[] {
    return searching ? [callTool, findTools(scope)] : scope.list()
  }

  function findTools(scope: Scope): Tool {
    return registry.memo(`find_tools ${scope.key}`, () => createFindTools(search, scope))
  }

  async function find(scope: Scope, args: unknown): Promise<Called> {
    const tool = findTools(scope)
    const input = parseArguments(tool, args)
    const output = await tool.run(input, {} as ToolContext)
    return { answer: { tool, input, result: resultOf(output) }, structured: true }
  }

  async function relay(scope: Scope, args: unknown, context: CallContext): Promise<Called> {
    const input = parseArguments(callTool, args)
    const answer = await invokeHeld(scope, String(input['name']), input['arguments'] ?? {}, context)
    return { answer, structured: false }
  }

  async function invokeHeld(
    scope: Scope,
    name: string,
    args: unknown,
    context: CallContext,
  ): Promise<Answer> {
    const error = unknown(scope, name)
    if (error) throw error
    return invoke(name, args, context)
  }

  function unknown(scope: Scope, name: string): ToolError | undefined {
    if (scope.holds(name)) return undefined
    return fail('TG_TOOL_UNKNOWN', name, scope.nearest(name))
  }
}
