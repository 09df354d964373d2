import { type JsonObject, type JsonSchema, toolLimits } from '../tool.ts'
import { functionSchema } from './function-schema.ts'
import { normalise } from './normalise.ts'
import { briefOf, viewDefaults, type View } from './view.ts'

/** A UTCP manual: how to call each tool, with no server between. */
export type UtcpManual = {
  utcp_version: string
  manual_version: string
  tools: {
    name: string
    description: string
    inputs: JsonSchema
    outputs: JsonSchema
    tags: readonly string[]
    tool_call_template: JsonObject
  }[]
}

/** `/utcp` and `/registry/utcp`. Its one input property, named by `body_field`, is the whole body. */
export const utcp: View<UtcpManual> = (tools, { origin, secured, version }) => ({
  utcp_version: '1.0.1',
  manual_version: version ?? viewDefaults.version,
  tools: tools.map(tool => ({
    name: tool.name,
    description: briefOf(tool, toolLimits.importedDescriptionCharactersMax),
    inputs: {
      type: 'object',
      properties: { body: functionSchema(tool.input) },
      required: ['body'],
    },
    outputs: normalise(tool.output, 'output'),
    tags: tool.tags,
    tool_call_template: {
      call_template_type: 'http',
      http_method: 'POST',
      url: `${origin}/tools/${tool.name}`,
      content_type: 'application/json',
      body_field: 'body',
      ...(secured ? { auth } : {}),
    },
  })),
})

const auth = {
  auth_type: 'api_key',
  api_key: 'Bearer ${TOOLGATE_KEY}',
  var_name: 'Authorization',
  location: 'header',
}
