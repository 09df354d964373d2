import { type JsonSchema, toolLimits } from '../tool.ts'
import { functionSchema } from './function-schema.ts'
import { pick } from './normalise.ts'
import { briefOf, type View } from './view.ts'

/** A function as Qwen-Agent takes it: these keys and no others, in the parameters too. */
export type QwenTool = { name: string; description: string; parameters: JsonSchema }

/** `/registry/qwen`: ready as the `function_list` of a Qwen agent. */
export const qwen: View<QwenTool[]> = tools =>
  tools.map(tool => ({
    name: tool.name,
    description: briefOf(tool, toolLimits.importedDescriptionCharactersMax),
    parameters: pick(functionSchema(tool.input), ['type', 'properties', 'required']),
  }))
