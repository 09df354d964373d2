import { isOurs, type JsonSchema, type Tool, toolLimits } from '../tool.ts'
import { functionSchema } from './function-schema.ts'
import { normalise } from './normalise.ts'
import { briefOf, type View } from './view.ts'

/** A tool as MCP's `tools/list` shows it. */
export type McpTool = {
  name: string
  title: string
  description: string
  inputSchema: JsonSchema
  outputSchema: JsonSchema
  annotations: {
    title: string
    readOnlyHint: boolean
    destructiveHint: boolean
    idempotentHint: boolean
    openWorldHint: boolean
  }
}

/** One tool as MCP shows it; `description`, `properties` and `required` are always there. */
export const toMcpTool = (tool: Tool): McpTool => ({
  name: tool.name,
  title: tool.title,
  description: briefOf(tool, toolLimits.importedDescriptionCharactersMax),
  inputSchema: functionSchema(tool.input),
  outputSchema: outputOf(tool),
  annotations: {
    title: tool.title,
    readOnlyHint: tool.annotations.readOnly,
    destructiveHint: tool.annotations.destructive,
    idempotentHint: tool.annotations.idempotent,
    openWorldHint: tool.annotations.openWorld,
  },
})

/**
 * What another server declares is shown, but not promised: a client that checks answers would throw
 * away one that the server let differ, and the official ones do.
 */
function outputOf(tool: Tool): JsonSchema {
  const declared = normalise(tool.output, 'output')
  return isOurs(tool) ? declared : { type: 'object', anyOf: [declared, unpromised] }
}
const unpromised = { description: 'Or another object: what the server declares is not checked.' }

/** `/registry/mcp`: the result of `tools/list`, all on one page. */
export const mcp: View<{ tools: McpTool[] }> = tools => ({ tools: tools.map(toMcpTool) })
