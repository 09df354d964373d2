import type { OpenAPIV3_1 } from 'openapi-types'
import { artifactsOf, fileInputsOf, type JsonSchema, type Tool } from '../tool.ts'
import { flatten } from './flatten.ts'
import { fullSchema } from './full-schema.ts'
import { answersOf, errorResponses } from './full-errors.ts'
import {
  consequential,
  describeDocument,
  type Document,
  errorSchema,
  examplesOf,
  infoOf,
  type Operation,
  pathItem,
  securityOf,
  securitySchemes,
  shownOutput,
  toSchema,
} from './openapi.ts'
import { fixedPaths } from './full-fixed.ts'
import { briefOf, type ViewOptions } from './view.ts'

/**
 * `/openapi/full.json`: the fixed routes as `@fastify/swagger` describes them, and each tool with all
 * it can do: real lists, files as parts of a form, text and pictures as answers, every error.
 */
export function mergeFull(fixed: Document, tools: readonly Tool[], options: ViewOptions): Document {
  const categories = [...new Set(tools.map(({ category }) => category))].sort()
  const toolPaths = tools.map(tool => [`/tools/${tool.name}`, pathItem(operationOf(tool, options))])
  return {
    openapi: '3.1.0',
    info: infoOf(
      options,
      describeDocument('with all that they can do', tools.length, options.omitted ?? 0),
    ),
    servers: [{ url: options.origin }],
    tags: categories.map(name => ({ name, description: `Tools: ${name}` })),
    paths: { ...Object.fromEntries(toolPaths), ...fixedPaths(fixed, options) } as NonNullable<
      Document['paths']
    >,
    components: {
      ...fixed.components,
      schemas: { ...fixed.components?.schemas, Error: errorSchema },
      responses: { ...fixed.components?.responses, ...errorResponses(options) },
      ...(options.secured ? { securitySchemes } : {}),
    },
  }
}

function operationOf(tool: Tool, options: ViewOptions): Operation {
  const brief = briefOf(tool)
  const files = fileInputsOf(tool)
  return {
    tags: [tool.category],
    operationId: tool.name,
    summary: brief,
    description: brief,
    ...consequential(tool),
    ...securityOf(options),
    requestBody: {
      required: true,
      content: {
        'application/json': {
          schema: toSchema(fullSchema(tool.input, 'input')),
          ...examplesOf(tool, example => example.input),
        },
        ...(files.length > 0 ? { 'multipart/form-data': { schema: formOf(tool) } } : {}),
      },
    },
    responses: {
      200: {
        description: tool.title,
        headers: answerHeaders,
        content: contentOf(tool, options),
      },
      ...answersOf(options),
    },
  }
}

/** The same arguments as a form, with the files as parts. */
function formOf(tool: Tool) {
  const { properties, ...flat } = flatten(tool.input)
  const files = new Set(fileInputsOf(tool).map(({ name }) => name))
  const fields = Object.entries(properties).map(([name, property]): [string, JsonSchema] => [
    name,
    files.has(name)
      ? {
          ...property,
          format: 'binary',
          description: `${property.description} Here: the file itself as a part.`,
        }
      : property,
  ])
  return toSchema({ ...flat, properties: Object.fromEntries(fields) })
}

function contentOf(tool: Tool, options: ViewOptions): Record<string, OpenAPIV3_1.MediaTypeObject> {
  const pictures = artifactsOf(tool).filter(({ mediaType }) => mediaType.startsWith('image/'))
  return {
    'application/json': {
      schema: toSchema(fullSchema(tool.output, 'output')),
      ...examplesOf(tool, example => shownOutput(tool, example.output, options)),
    },
    'text/plain': {
      schema: { type: 'string', description: 'The answer as a model should read it.' },
      ...examplesOf(tool, ({ input, output }) => tool.text(output, input)),
    },
    ...Object.fromEntries(
      pictures.map(({ mediaType }) => [
        mediaType,
        {
          schema: { type: 'string', format: 'binary', description: 'The picture itself.' } as const,
        },
      ]),
    ),
  }
}

const answerHeaders: Record<string, OpenAPIV3_1.HeaderObject> = {
  'Cache-Status': {
    description: 'What the cache did, by RFC 9211: toolgate; hit; ttl=N, or fwd=miss.',
    schema: { type: 'string' },
  },
  Age: { description: 'Seconds since a stored answer was made.', schema: { type: 'integer' } },
  'X-Request-Id': { description: 'Names this request in the log.', schema: { type: 'string' } },
}
