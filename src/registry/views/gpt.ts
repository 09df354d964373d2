import { fileInputsOf, type Tool } from '../tool.ts'
import type { Flat } from './flatten.ts'
import { documentOf, type Document, type Schema, toSchema } from './openapi.ts'
import { viewLimits, type View } from './view.ts'

/** The argument under which a GPT hands over the files of its conversation. */
export const gptFilesArgument = 'openaiFileIdRefs'

/** `/openapi/gpt.json`: at most 30 operations under `/gpt`, which take the files of a conversation. */
export const gpt: View<Document> = (tools, options) =>
  documentOf(tools, options, {
    prefix: '/gpt',
    audience: 'for the actions of a GPT, which takes at most 30',
    operationsMax: viewLimits.gptOperationsMax,
    bytesMax: viewLimits.gptBytesMax,
    arguments: withConversationFiles,
  })

/** A file comes out of the conversation or by URL, so neither of the two is required. */
function withConversationFiles(tool: Tool, flat: Flat): Schema {
  const files = fileInputsOf(tool).map(({ name }) => name)
  if (files.length === 0) return toSchema(flat)
  return toSchema({
    ...flat,
    properties: {
      ...flat.properties,
      [gptFilesArgument]: {
        type: 'array',
        description: `Files of the conversation, used in this order for ${files.join(', ')}. Needed unless a URL is given there.`,
        items: { type: 'string' },
      },
    },
    required: flat.required.filter(name => !files.includes(name)),
  })
}
