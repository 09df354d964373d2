import { artifactKeyword, type JsonObject, type JsonSchema, type NewFile } from '../tool.ts'
import { isPortableName, pythonKeywords } from '../views/flatten.ts'
import { asObject } from '../views/walk.ts'
import { kindOf } from './media.ts'
import { createArgumentNames, isWanted, slug } from './names.ts'
import { createSchemaImport } from './schema.ts'
import { type Described, type Draft, type Share, shareOf } from './source.ts'
import { sourceLimits } from './limits.ts'
import { asText, cleanText } from './text.ts'

/** What `tools/list` gave, all pages, as text; `serverInfo.version` if the server said it. */
export type McpListing = { tools: unknown[]; version?: string }

/** The tools of an MCP server. */
export function describeMcp(
  listing: McpListing,
  options: { include?: string[]; exclude?: string[]; share?: Share },
): Described {
  const described: Described = {
    drafts: [],
    quarantined: [],
    notes: [],
    ...(listing.version ? { version: cleanText(listing.version, 60) } : {}),
  }
  const wanted = listing.tools.map(asObject).filter(({ name }) => {
    const own = typeof name === 'string' ? name : ''
    return isWanted(options, [own, slug(own)])
  })
  for (const tool of shareOf(wanted.slice(0, sourceLimits.operationsMax), options.share)) {
    try {
      described.drafts.push(draftOf(tool))
    } catch (error) {
      described.quarantined.push({
        name: cleanText(tool['name'], 200) || 'a tool without a name',
        reason: (error as Error).message,
      })
    }
  }
  const over = wanted.length - sourceLimits.operationsMax
  if (over > 0)
    described.notes.push(
      `${over} tools over the limit of ${sourceLimits.operationsMax} are left out: choose with include`,
    )
  return described
}

function draftOf(tool: JsonObject): Draft {
  const { name } = tool
  if (typeof name !== 'string' || name.trim() === '') throw new Error('it has no name')
  if (name.length > 1_000) throw new Error('its name is over 1,000 characters')
  const losses = new Set<string>()
  const note = (loss: string) => losses.add(loss)
  const hints = asObject(tool['annotations'])
  const max = sourceLimits.descriptionCharactersMax
  const description = tool['description']
  if (typeof description === 'string' && description.length > max)
    note(`the description is cut at ${max} characters`)
  const title = cleanText(tool['title'] ?? hints['title'], sourceLimits.titleCharactersMax)
  const { input, renamed } = inputOf(tool['inputSchema'], note)
  const readOnly = hints['readOnlyHint'] === true
  return {
    local: slug(name),
    origin: name,
    title: title || name,
    description: cleanText(description, max) || title || name,
    tags: [],
    input,
    output: outputOf(tool['outputSchema'], note),
    readOnly,
    destructive: !readOnly && hints['destructiveHint'] !== false,
    idempotent: readOnly || hints['idempotentHint'] === true,
    call: { kind: 'mcp', tool: name, renamed, structured: tool['outputSchema'] !== undefined },
    losses: [...losses].slice(0, 20),
  }
}

/** The input as declared; arguments that no client could name get a name, and keep theirs on the wire. */
function inputOf(schema: unknown, note: (loss: string) => void) {
  const given = asObject(schema)
  const made = createSchemaImport(given)(given, 'input', note)
  const nameOf = createArgumentNames(pythonKeywords)
  const renamed: Record<string, string> = {}
  const rename = new Map<string, string>()
  const properties = Object.entries(asObject(made['properties'])).map(([name, property]) => {
    const own = isPortableName(name) ? name : nameOf(name, 'argument')
    if (own !== name) renamed[own] = name
    rename.set(name, own)
    return [own, property] as const
  })
  const required = Array.isArray(made['required']) ? (made['required'] as string[]) : []
  const input: JsonSchema = {
    ...made,
    type: 'object',
    properties: Object.fromEntries(properties),
    required: required.map(name => rename.get(name) ?? name),
  }
  return { input, renamed }
}

const pictures = ['image', 'image_2', 'image_3', 'image_4']
const fileTypes: [string, string][] = [
  ...pictures.map((name): [string, string] => [name, 'image/*']),
  ['audio', 'audio/*'],
  ['file', '*/*'],
]

/** The names under which files stand beside a text. */
export const fileNames: ReadonlySet<string> = new Set(fileTypes.map(([name]) => name))

/** Structured content as declared, else the text; files beside it have places of their own. */
function outputOf(schema: unknown, note: (loss: string) => void): JsonSchema {
  const declared = asObject(schema)
  const made =
    schema === undefined ? textOutput : createSchemaImport(declared)(declared, 'output', note)
  const own = asObject(made['properties'])
  const files = fileTypes.filter(([name]) => !Object.hasOwn(own, name))
  return {
    ...made,
    type: 'object',
    properties: {
      ...own,
      ...Object.fromEntries(
        files.map(([name, mediaType]) => [name, { type: 'string', [artifactKeyword]: mediaType }]),
      ),
    },
  }
}

const textOutput: JsonSchema = {
  properties: {
    text: { type: 'string', description: 'What the tool says' },
    data: { description: 'The same as JSON, where the tool gives it' },
  },
  required: ['text'],
}

/** A tool's arguments under the server's own names. */
export const mcpArguments = (
  input: JsonObject,
  renamed: Readonly<Record<string, string>>,
): JsonObject =>
  Object.fromEntries(
    Object.entries(input).map(([name, value]) => [
      Object.hasOwn(renamed, name) ? renamed[name] : name,
      value,
    ]),
  )

/** What `tools/call` gave, as far as it is read here. */
export type McpResult = { content: unknown; structuredContent?: unknown }

/** The output of a call: structured content where it is an object, text, and files saved. */
export async function readMcpResult(
  { content, structuredContent }: McpResult,
  options: { structured: boolean; saveFile: (file: NewFile) => Promise<string> },
): Promise<JsonObject> {
  const blocks = (Array.isArray(content) ? content : []).map(asObject)
  const lines: string[] = []
  const files: [string, NewFile][] = []
  let left = 0
  for (const block of blocks) {
    const found = readBlock(block)
    if (found.text !== undefined) lines.push(found.text)
    if (!found.file) continue
    const kind = kindOf(found.file.mediaType)
    const places = kind === 'image' ? pictures : [kind === 'audio' ? 'audio' : 'file']
    const free = places.find(name => !files.some(([taken]) => taken === name))
    if (free) files.push([free, found.file])
    else left += 1
  }
  if (left > 0) lines.push(`(${left} more files of this answer are not shown.)`)
  const saved = await Promise.all(
    files.map(async ([name, file]) => [name, await options.saveFile(file)] as const),
  )
  const isObject =
    typeof structuredContent === 'object' &&
    structuredContent !== null &&
    !Array.isArray(structuredContent)
  if (options.structured && isObject)
    return { ...Object.fromEntries(saved), ...(structuredContent as JsonObject) }
  const text = lines.join('\n')
  return {
    text: text === '' && structuredContent !== undefined ? JSON.stringify(structuredContent) : text,
    ...(structuredContent === undefined ? {} : { data: structuredContent }),
    ...Object.fromEntries(saved),
  }
}

/** All text of a result, for errors. */
export const mcpText = (content: unknown): string =>
  (Array.isArray(content) ? content : [])
    .flatMap(block => readBlock(asObject(block)).text ?? [])
    .join('\n')

function readBlock(block: JsonObject): { text?: string; file?: NewFile } {
  switch (block['type']) {
    case 'text':
      return { text: asText(block['text']) }
    case 'image':
    case 'audio':
      return { file: fileOf(block['data'], block['mimeType'], '') }
    case 'resource': {
      const resource = asObject(block['resource'])
      if (typeof resource['text'] === 'string') return { text: resource['text'] }
      return { file: fileOf(resource['blob'], resource['mimeType'], asText(resource['uri'])) }
    }
    case 'resource_link':
      return { text: `[${asText(block['name'] ?? block['uri'])}](${asText(block['uri'])})` }
    default:
      return { text: `(content of the type ${cleanText(block['type'], 60)} is not shown.)` }
  }
}

const fileOf = (data: unknown, mediaType: unknown, uri: string): NewFile => ({
  bytes: Buffer.from(typeof data === 'string' ? data : '', 'base64'),
  mediaType: typeof mediaType === 'string' ? mediaType : 'application/octet-stream',
  name: uri.split(/[/\\]/).at(-1)?.slice(0, 100) ?? '',
})
