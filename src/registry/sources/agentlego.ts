import { artifactKeyword, fileKeyword, type JsonSchema, propertiesOf, requiredOf } from '../tool.ts'
import { pythonKeywords } from '../views/flatten.ts'
import { asObject } from '../views/walk.ts'
import { successOf } from './answers.ts'
import { dereference, parseDocument } from './document.ts'
import { binaryType, fileName, kindOf } from './media.ts'
import { createArgumentNames } from './names.ts'
import { type DraftReader, headingOf, type ImportOptions, readOperations } from './openapi.ts'
import type { Operation } from './operations.ts'
import type { AnswerPart, BodyPlan, Member } from './plan.ts'
import type { Described, Draft } from './source.ts'

/**
 * The tools of an agentlego-server, or of a fork of it (GTA): POST operations with form or multipart
 * bodies and bare answers. What its document says of servers is ignored, since it is often an address
 * of that machine's own network.
 */
export function describeAgentlego(text: string, options: ImportOptions): Described {
  const document = parseDocument(text, new URL(options.url).host)
  return readOperations(document, options, draftOf, ({ method }) => method === 'POST')
}

function draftOf(operation: Operation, reader: DraftReader): Draft {
  const { schemas, document, note, options } = reader
  const success = asObject(
    asObject(successOf(operation.responses)?.['content'])['application/json'],
  )
  const parts = partsOf(dereference(document.root, success['schema'], note), reader)
  const base = new URL('.', options.url).href.replace(/\/+$/, '')
  return {
    ...headingOf(operation, note),
    ...argumentsOf(operation, reader),
    output: {
      type: 'object',
      properties: Object.fromEntries(parts.map(({ part, schema }) => [part.name, schema])),
      ...(parts.length === 1 ? { required: [parts[0]!.part.name] } : {}),
    },
    readOnly: false,
    destructive: false,
    idempotent: false,
    ...(/^[A-Za-z_]\w{0,63}$/.test(operation.operationId ?? '')
      ? { alias: operation.operationId! }
      : {}),
    call: {
      kind: 'operation',
      method: 'POST',
      server: base,
      path: operation.path,
      parameters: [],
      ...bodyOf(operation, reader),
      credentials: [],
      accept: 'application/json',
      answer: { as: 'parts', parts: parts.map(({ part }) => part) },
      errors: 'agentlego',
    },
    losses: [],
  }

  /** The input and how it becomes a form; the names of arguments are AgentLego's own. */
  function argumentsOf(operation: Operation, { note }: DraftReader): Pick<Draft, 'input'> {
    const { schema } = formOf(operation, reader)
    const made = schemas(schema, 'input', note)
    const nameOf = createArgumentNames(pythonKeywords)
    const names = new Map(
      Object.keys(propertiesOf(made)).map(name => [name, nameOf(name, 'argument')]),
    )
    return {
      input: {
        type: 'object',
        properties: Object.fromEntries(
          Object.entries(propertiesOf(made)).map(([name, property]) => [
            names.get(name),
            fileOr(property),
          ]),
        ),
        required: requiredOf(made).flatMap(name => names.get(name) ?? []),
        additionalProperties: false,
      },
    }
  }
}

/** The body's media type and schema; older servers wrap the reference in an `allOf`. */
function formOf({ requestBody }: Operation, { document, note }: DraftReader) {
  const [entry] = Object.entries(asObject(requestBody?.['content']))
  const schema = dereference(document.root, asObject(entry?.[1])['schema'], note)
  const [first] = Array.isArray(schema['allOf']) ? (schema['allOf'] as unknown[]) : []
  return {
    mediaType: entry?.[0] ?? 'application/x-www-form-urlencoded',
    hasBody: entry !== undefined,
    schema: 'properties' in schema ? schema : dereference(document.root, first, note),
  }
}

function fileOr(property: JsonSchema): JsonSchema {
  const type = binaryType(property)
  if (type === undefined) return property
  const { description } = property
  return {
    type: 'string',
    minLength: 1,
    ...(description ? { description } : {}),
    [fileKeyword]: kindOf(type),
  }
}

function bodyOf(operation: Operation, reader: DraftReader): { body?: BodyPlan } {
  const { mediaType, schema, hasBody } = formOf(operation, reader)
  if (!hasBody) return {}
  const nameOf = createArgumentNames(pythonKeywords)
  const members = Object.entries(propertiesOf(schema)).map(([name, property]): Member => ({
    argument: nameOf(name, 'argument'),
    name,
    ...(binaryType(asObject(property)) ? { file: true } : {}),
  }))
  const as = members.some(({ file }) => file) ? 'multipart' : 'form'
  return {
    body: {
      mediaType: as === 'multipart' ? 'multipart/form-data' : mediaType.split(';')[0]!,
      as: mediaType.startsWith('multipart') ? 'multipart' : as,
      members,
    },
  }
}

/** The values of an answer; AgentLego's document has lost their names, so they are named by kind. */
function partsOf(
  schema: JsonSchema,
  { schemas, note }: DraftReader,
): { part: AnswerPart; schema: JsonSchema }[] {
  const several = Array.isArray(schema['prefixItems'])
    ? (schema['prefixItems'] as unknown[])
    : [schema]
  const counts = new Map<string, number>()
  return several.map(item => {
    const made = schemas(item, 'output', note)
    const { format, description } = made
    const mediaType =
      typeof format === 'string' && format.endsWith(';base64') ? format.split(';')[0] : undefined
    const kind = mediaType === undefined ? 'result' : fileName(mediaType)
    const count = (counts.get(kind) ?? 0) + 1
    counts.set(kind, count)
    const name = count === 1 ? kind : `${kind}_${count}`
    if (mediaType === undefined) return { part: { name }, schema: made }
    const full = mediaType.includes('/') ? mediaType : 'application/octet-stream'
    return {
      part: { name, mediaType: full },
      schema: { type: 'string', ...(description ? { description } : {}), [artifactKeyword]: full },
    }
  })
}
