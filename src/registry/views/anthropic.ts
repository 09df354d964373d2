import { type JsonSchema, toolLimits } from '../tool.ts'
import { functionSchema } from './function-schema.ts'
import { strict } from './strict.ts'
import { briefOf, type View } from './view.ts'

/** A tool as Anthropic's Messages API takes it. */
export type AnthropicTool = {
  name: string
  description: string
  input_schema: JsonSchema
  strict?: boolean
}

/** `/registry/anthropic`: ready as `tools` of a message. */
export const anthropic: View<AnthropicTool[]> = (tools, options) =>
  tools.map(tool => {
    const strictly = options.strict ? strict(tool.input, 'anthropic') : undefined
    return {
      name: tool.name,
      description: briefOf(tool, toolLimits.importedDescriptionCharactersMax),
      input_schema: strictly ?? functionSchema(tool.input),
      ...(options.strict ? { strict: strictly !== undefined } : {}),
    }
  })
