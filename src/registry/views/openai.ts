import type { JsonSchema, Tool } from '../tool.ts'
import { functionSchema } from './function-schema.ts'
import { strict } from './strict.ts'
import { briefOf, viewLimits, type View } from './view.ts'

/** A function as OpenAI's chat completions take it, and most servers after them. */
export type OpenaiTool = {
  type: 'function'
  function: { name: string; description: string; parameters: JsonSchema; strict?: boolean }
}

/** One tool as a function of OpenAI's; `strict` is stated only when it was asked for, and only if true to fact. */
export function toOpenaiTool(tool: Tool, asked = false): OpenaiTool {
  const { parameters, strict } = openaiParameters(tool, asked)
  const description = briefOf(tool, viewLimits.functionCharactersMax)
  return {
    type: 'function',
    function: { name: tool.name, description, parameters, ...(asked ? { strict } : {}) },
  }
}

/** A tool's parameters, strict where that was asked for and can be said. */
export function openaiParameters(
  tool: Tool,
  asked: boolean,
): { parameters: JsonSchema; strict: boolean } {
  const strictly = asked ? strict(tool.input, 'openai') : undefined
  return { parameters: strictly ?? functionSchema(tool.input), strict: strictly !== undefined }
}

/** `/registry/openai`: ready as `tools` of a chat completion. */
export const openai: View<OpenaiTool[]> = (tools, options) =>
  tools.map(tool => toOpenaiTool(tool, options.strict))
