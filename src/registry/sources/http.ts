import { fileKeyword, type FileKind, type JsonObject, type JsonSchema } from '../tool.ts'
import { fileOutput, resultOutput } from './answers.ts'
import type { HttpTool } from './http-tool.ts'
import { fileName } from './media.ts'
import { isWanted, slug } from './names.ts'
import type { AnswerPlan } from './plan.ts'
import { createSchemaImport } from './schema.ts'
import type { Described, Draft, SourceDefinition } from './source.ts'
import { cleanText } from './text.ts'

/** The tools of a source whose endpoints config spells out. */
export function describeHttp(definition: SourceDefinition & { kind: 'http' }): Described {
  const drafts = definition.tools
    .filter(({ name }) => isWanted(definition, [name, slug(name)]))
    .map(tool => draftOf(definition.url, tool))
  return { drafts, quarantined: [], notes: [] }
}

function draftOf(base: string, tool: HttpTool): Draft {
  const method = tool.method ?? (tool.body === undefined ? 'GET' : 'POST')
  const isSafe = tool.readOnly ?? method === 'GET'
  const losses = new Set<string>()
  const schemas = createSchemaImport(tool)
  const note = (loss: string) => losses.add(loss)
  return {
    local: slug(tool.name),
    origin: tool.name,
    title: tool.title ?? tool.name,
    description: cleanText(tool.description, 4_096),
    tags: [],
    input: inputOf(tool, schema => schemas(schema, 'input', note)),
    ...outputOf(tool, schema => schemas(schema, 'output', note)),
    readOnly: isSafe,
    destructive: method === 'DELETE',
    idempotent: isSafe || method === 'PUT' || method === 'DELETE',
    call: {
      kind: 'template',
      method,
      url: urlOf(base, tool.path),
      query: tool.query ?? {},
      headers: tool.headers ?? {},
      ...(tool.body === undefined ? {} : { body: tool.body }),
      bodyAs: tool.bodyAs ?? 'json',
      names: Object.keys(tool.input ?? {}).map(bare),
      answer: answerOf(tool),
    },
    losses: [...losses],
  }
}

/** The path behind the base, which may have one of its own; placeholders are left as they are. */
const urlOf = (base: string, path: string | undefined): string =>
  path === undefined || path === ''
    ? base
    : `${base.replace(/\/+$/, '')}/${path.replace(/^\/+/, '')}`

const fileKinds: Record<string, FileKind> = {
  image: 'image',
  audio: 'audio',
  document: 'document',
  file: 'any',
}

function inputOf(tool: HttpTool, schemas: (schema: unknown) => JsonSchema): JsonSchema {
  const stated = Object.entries(tool.input ?? {})
  const properties = stated.map(([name, value]): [string, JsonSchema] => {
    if (typeof value === 'string')
      return [bare(name), { type: 'string', minLength: 1, description: value }]
    const kind = typeof value['type'] === 'string' ? fileKinds[value['type']] : undefined
    if (!kind) return [bare(name), schemas(value)]
    const { description } = value
    return [
      bare(name),
      {
        type: 'string',
        minLength: 1,
        ...(typeof description === 'string' ? { description } : {}),
        [fileKeyword]: kind,
      },
    ]
  })
  const required = stated.flatMap(([name, value]) =>
    name.endsWith('?') || (typeof value === 'object' && 'default' in value) ? [] : [name],
  )
  return {
    type: 'object',
    properties: Object.fromEntries(properties),
    required,
    additionalProperties: false,
  }
}
const bare = (name: string): string => name.replace(/\?$/, '')

const mediaTypes = { image: 'image/*', audio: 'audio/*', file: '*/*' } as const

function answerOf({ answer = '', download }: HttpTool): AnswerPlan {
  const mediaType = download && mediaTypes[download]
  if (mediaType && answer === '') return { as: 'file', name: fileName(mediaType), mediaType }
  return {
    as: 'at',
    path: answer,
    ...(mediaType ? { file: { name: fileName(mediaType), mediaType } } : {}),
  }
}

function outputOf(
  { answer = '', download, output }: HttpTool,
  schemas: (schema: unknown) => JsonSchema,
): { output: JsonSchema } {
  if (download) return { output: fileOutput(mediaTypes[download]) }
  if (answer !== '') return { output: resultOutput(output ? schemas(output) : {}) }
  const whole: JsonObject = output ? schemas(output) : {}
  return { output: { ...whole, type: 'object', properties: whole['properties'] ?? {} } }
}
