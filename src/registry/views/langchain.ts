import { briefOf, viewLimits, type View } from './view.ts'
import { type OpenaiTool, toOpenaiTool } from './openai.ts'

/**
 * `/registry/langchain`: what every chat model's `bind_tools` takes. The parameters carry `title` and
 * `description` as well, so that one alone is a whole `args_schema` of a `StructuredTool`.
 */
export const langchain: View<OpenaiTool[]> = (tools, options) =>
  tools.map(tool => {
    const { function: plain, type } = toOpenaiTool(tool, options.strict)
    const description = briefOf(tool, viewLimits.functionCharactersMax)
    const parameters = { title: tool.name, description, ...plain.parameters }
    return { type, function: { ...plain, parameters } }
  })
