import type { Tool } from '../tool.ts'
import type { Flat } from './flatten.ts'
import { documentOf, type Document, fileKindsOf, type Schema, toSchema } from './openapi.ts'
import type { View } from './view.ts'

/** `/openapi/coze.json`: the common core under OpenAPI 3.0.3, with Coze's mark on file inputs. */
export const coze: View<Document> = (tools, options) => ({
  ...documentOf(tools, options, { prefix: '', audience: 'for Coze', arguments: withAssistTypes }),
  openapi: '3.0.3',
})

const assistTypes = new Map([
  ['image', 'image'],
  ['audio', 'audio'],
  ['document', 'doc'],
])

function withAssistTypes(tool: Tool, flat: Flat): Schema {
  const kinds = fileKindsOf(tool)
  const properties = Object.entries(flat.properties).map(([name, property]) => {
    const kind = kinds.get(name)
    return [
      name,
      kind ? { ...property, 'x-assist-type': assistTypes.get(kind) ?? 'default' } : property,
    ]
  })
  const { required, ...rest } = flat
  return toSchema({
    ...rest,
    properties: Object.fromEntries(properties) as object,
    // OpenAPI 3.0 forbids an empty list, and its readers refuse the document over one.
    ...(required.length > 0 ? { required } : {}),
  })
}
