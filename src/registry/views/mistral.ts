import { type OpenaiTool, toOpenaiTool } from './openai.ts'
import type { View } from './view.ts'

/** `/registry/mistral`: Mistral takes OpenAI's form, `strict` included. */
export const mistral: View<OpenaiTool[]> = (tools, options) =>
  tools.map(tool => toOpenaiTool(tool, options.strict))
