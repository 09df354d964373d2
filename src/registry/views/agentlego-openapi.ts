import type { JsonSchema, Tool } from '../tool.ts'
import {
  agentlegoInputs,
  type AgentlegoOutput,
  agentlegoOutputs,
  formFormat,
  outputSchema,
  ownWords,
} from './agentlego.ts'
import { knownAs } from './alias.ts'
import { type Document, type Operation, pathItem, type Schema, toSchema } from './openapi.ts'
import type { View } from './view.ts'

/**
 * The document of the AgentLego face, as `agentlego-server` writes it: one form per tool, bare values
 * back, 422 beside 200, and no `servers`, so that a client goes on where it fetched this.
 */
export const agentlegoDocument: View<Document> = tools => {
  const schemas = tools.flatMap(tool => {
    const body = bodyOf(tool)
    return body ? [[`Body_${knownAs(tool, 'agentlego').name}`, body] as const] : []
  })
  return {
    openapi: '3.1.0',
    info: { title: 'AgentLego', version: '0.1.0' },
    paths: Object.fromEntries(
      tools.map(tool => [`/${knownAs(tool, 'agentlego').name}`, pathItem(operationOf(tool))]),
    ),
    components: { schemas: { ...Object.fromEntries(schemas), ...validationSchemas } },
  }
}

function operationOf(tool: Tool): Operation {
  const { name, description } = knownAs(tool, 'agentlego')
  const inputs = agentlegoInputs(tool)
  const form = inputs.some(({ file }) => file !== undefined)
    ? 'multipart/form-data'
    : 'application/x-www-form-urlencoded'
  const body = {
    required: true,
    content: { [form]: { schema: { $ref: `#/components/schemas/Body_${name}` } } },
  }
  return {
    summary: description,
    operationId: name,
    ...(inputs.length > 0 ? { requestBody: body } : {}),
    responses: {
      200: {
        description: 'Successful Response',
        content: { 'application/json': { schema: answerOf(name, agentlegoOutputs(tool)) } },
      },
      422: {
        description: 'Validation Error',
        content: {
          'application/json': { schema: { $ref: '#/components/schemas/HTTPValidationError' } },
        },
      },
    },
  }
}

/** `top_left` as FastAPI titles it: `Top Left`. */
const titleOf = (name: string): string =>
  name
    .replaceAll('_', ' ')
    .replace(/[A-Za-z]+/g, word => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase())

function bodyOf(tool: Tool): Schema | undefined {
  const inputs = agentlegoInputs(tool)
  if (inputs.length === 0) return undefined
  const multipart = inputs.some(({ file }) => file !== undefined)
  const properties = inputs.map(({ name, property, file }): [string, JsonSchema] => {
    const description = file === undefined ? property.description : ownWords(tool, name)
    return [
      name,
      {
        // AgentLego's own client cannot send a float in a multipart form.
        type: multipart && property.type === 'number' ? 'string' : property.type,
        ...(file === undefined ? {} : { format: formFormat(file) }),
        title: titleOf(name),
        ...(description ? { description } : {}),
        ...(property['default'] === undefined ? {} : { default: property['default'] }),
      },
    ]
  })
  const required = inputs.filter(input => input.required).map(({ name }) => name)
  return toSchema({
    properties: Object.fromEntries(properties),
    type: 'object',
    ...(required.length > 0 ? { required } : {}),
    title: `Body_${knownAs(tool, 'agentlego').name}`,
  })
}

function answerOf(name: string, outputs: readonly AgentlegoOutput[]): Schema {
  const title = `Response ${titleOf(name)}`
  const values = outputs.map(output => ({
    ...outputSchema(output),
    ...(output.description ? { description: output.description } : {}),
  }))
  if (values.length === 1) return toSchema({ ...values[0], title })
  return toSchema({
    type: 'array',
    prefixItems: values,
    minItems: values.length,
    maxItems: values.length,
    title,
  })
}

const validationSchemas: Record<string, Schema> = {
  HTTPValidationError: {
    properties: {
      detail: {
        items: { $ref: '#/components/schemas/ValidationError' },
        type: 'array',
        title: 'Detail',
      },
    },
    type: 'object',
    title: 'HTTPValidationError',
  },
  ValidationError: {
    properties: {
      loc: {
        items: { anyOf: [{ type: 'string' }, { type: 'integer' }] },
        type: 'array',
        title: 'Location',
      },
      msg: { type: 'string', title: 'Message' },
      type: { type: 'string', title: 'Error Type' },
    },
    type: 'object',
    required: ['loc', 'msg', 'type'],
    title: 'ValidationError',
  },
}
