import { type JsonSchema, type Tool, toolLimits } from '../tool.ts'
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
  outputSchema: normalise(tool.output, 'output'),
  annotations: {
    title: tool.title,
    readOnlyHint: tool.annotations.readOnly,
    destructiveHint: tool.annotations.destructive,
    idempotentHint: tool.annotations.idempotent,
    openWorldHint: tool.annotations.openWorld,
  },
})

/** `/registry/mcp`: the result of `tools/list`, all on one page. */
export const mcp: View<{ tools: McpTool[] }> = tools => ({ tools: tools.map(toMcpTool) })
