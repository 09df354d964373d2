import type { JsonSchema } from '../tool.ts'
import { openaiParameters } from './openai.ts'
import { briefOf, viewLimits, type View } from './view.ts'

/** A function as OpenAI's Responses API takes it: flat, and `strict` always stated. */
export type OpenaiResponsesTool = {
  type: 'function'
  name: string
  description: string
  parameters: JsonSchema
  /** The API takes an absent one for true. */
  strict: boolean
}

/** `/registry/openai-responses`: ready as `tools` of a response. */
export const openaiResponses: View<OpenaiResponsesTool[]> = (tools, options) =>
  tools.map(tool => ({
    type: 'function',
    name: tool.name,
    description: briefOf(tool, viewLimits.functionCharactersMax),
    ...openaiParameters(tool, options.strict ?? false),
  }))
