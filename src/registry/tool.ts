import Type, { type Static, type TObject } from 'typebox'
import type { ToolContext } from './context.ts'
import { artifactKeyword, type FileKind, fileKeyword, type FileRef } from './file.ts'

// A tool's author imports one module.
export {
  Artifact,
  artifactKeyword,
  AudioFile,
  DocumentFile,
  type FileKind,
  fileKeyword,
  type FileRef,
  ImageFile,
} from './file.ts'
export type { GetJson, NewFile, ToolContext, ToolLog, UpstreamOptions } from './context.ts'

/** A JSON Schema as it stands in a record or a document. */
export type JsonSchema = { [keyword: string]: unknown }
/** An object of arguments or results. */
export type JsonObject = { [name: string]: unknown }

/** MCP's meanings: hints about what a call does to the world. */
export type Annotations = {
  readOnly: boolean
  destructive: boolean
  idempotent: boolean
  openWorld: boolean
}

/** How long an answer may be reused. Absent on a tool = never stored, never shared. */
export type CachePolicy = {
  /** Fresh for this long, milliseconds. */
  ttlMs: number
  /** After that, served stale for this long while it is fetched anew or the upstream fails. */
  staleMs?: number
  /** `caller`: one caller's answer never reaches another. */
  scope?: 'public' | 'caller'
  /** Settings that change the answers, such as a model's path: with another value, nothing stored fits. */
  settings?: readonly string[]
}

/** Why a tool cannot work here, and what would mend it. */
export type Unavailable = { reason: string; remedy: string }
/** The operator's settings: upstream addresses, keys, model paths, by their env-style names. */
export type Settings = Readonly<Record<string, string>>

/** The names a tool answers to on faces that have older ones. */
export type Aliases = {
  /** Tool name on the AgentLego face, e.g. `ObjectDetection`. */
  agentlego?: Alias
  /** `Action` or `Action.method` on the Lagent face. */
  lagent?: Alias
}
/** A bare name, or a name with the arguments and the text its clients expect. */
export type Alias =
  | string
  | {
      name: string
      description?: string
      /** The inputs under which old clients know them; absent = the tool's own. */
      input?: JsonSchema
      /** Their arguments, already parsed against `input`, as the tool's. */
      arguments?(input: JsonObject): JsonObject
      /** The text grammar that old clients parse. */
      text?(output: JsonObject, input: JsonObject): string
    }

/** An input as callers write it: file inputs are strings on the wire. */
export type Wire<Value> = {
  [Name in keyof Value]: [Extract<Value[Name], FileRef>] extends [never] ? Value[Name] : string
}
/** A worked example, run by the tests and shown in every document. */
export type Example<Input = JsonObject, Output = JsonObject> = {
  title?: string
  input: Wire<Input>
  output: Output
}

/** What an author writes: see `defineTool`. */
export type ToolDefinition<I extends TObject, O extends TObject> = {
  /** `^[a-z][a-z0-9_]{0,59}$`, unique: operationId, function name and MCP name. */
  name: string
  title: string
  /** At most 300 characters: when to use it, and when not. */
  description: string
  /** Semver; a new version empties its cache. */
  version?: string
  category?: string
  tags?: string[]
  /** Chinese and English synonyms for search. */
  keywords?: string[]
  input: I
  output: O
  /** What a model should read; default: compact JSON. */
  text?(output: Static<O>, input: Static<I>): string
  examples?: Example<Static<I>, Static<O>>[]
  annotations?: Partial<Annotations>
  cache?: CachePolicy
  /** Deadline of one run, milliseconds. */
  timeoutMs?: number
  /** How many runs at once in this process. */
  concurrency?: number
  /** `worker`: CPU work, run in a thread that imports `module`. */
  runsOn?: 'loop' | 'worker'
  /** `import.meta.url` of the module whose default export is this tool; needed by `worker`. */
  module?: string
  /** A worker that watches its signal is told to end; others are killed. Native code must watch. */
  endsBySignal?: boolean
  /** Milliseconds between requests to the origin in a setting, over all replicas: `{ ARXIV_URL: 3_000 }`. */
  pace?: Record<string, number>
  /** What is missing for it to work; undefined when nothing is. */
  requires?(settings: Settings): Unavailable | undefined
  aliases?: Aliases
  run(input: Static<I>, context: ToolContext): Promise<Static<O>>
}

/** A tool as the rest of the gateway sees it: every default filled in, types erased. */
export type Tool = {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly version: string
  readonly category: string
  readonly tags: readonly string[]
  readonly keywords: readonly string[]
  readonly input: JsonSchema
  readonly output: JsonSchema
  readonly examples: readonly Example[]
  readonly annotations: Annotations
  readonly cache?: CachePolicy
  readonly timeoutMs: number
  readonly concurrency: number
  readonly runsOn: 'loop' | 'worker'
  readonly module?: string
  readonly endsBySignal?: boolean
  readonly pace: Readonly<Record<string, number>>
  /** `builtin`, `local` (a folder of the user's), or the name of the source it came from. */
  readonly source: string
  /** Names the code of a tool that may change while its version stays: another build, other answers. */
  readonly build?: string
  readonly aliases: Aliases
  text(output: JsonObject, input: JsonObject): string
  requires(settings: Settings): Unavailable | undefined
  run(input: JsonObject, context: ToolContext): Promise<JsonObject>
}

/** True for tools that are held to their word: built in, or of a folder of the operator's. */
export const isOurs = ({ source }: Pick<Tool, 'source'>): boolean =>
  source === 'builtin' || source === 'local'

/** Limits and defaults of a record. */
export const toolLimits = {
  timeoutMs: 30_000,
  timeoutMsMax: 600_000,
  concurrency: 16,
  descriptionCharactersMax: 300,
  importedDescriptionCharactersMax: 4_096,
} as const

/**
 * Makes a tool out of what its author states; everything else is derived.
 * Inputs and outputs are closed: an argument that is not declared is a 400.
 */
export function defineTool<I extends TObject, O extends TObject>(
  definition: ToolDefinition<I, O>,
): Tool {
  return {
    version: '1.0.0',
    category: 'other',
    tags: [],
    keywords: [],
    examples: [],
    timeoutMs: toolLimits.timeoutMs,
    concurrency: toolLimits.concurrency,
    runsOn: 'loop',
    pace: {},
    source: 'builtin',
    aliases: {},
    ...definition,
    input: close(definition.input),
    output: growable(close(definition.output)),
    annotations: { ...defaultAnnotations(definition.cache), ...definition.annotations },
    text: (output, input) =>
      definition.text?.(output as Static<O>, input as Static<I>) ?? JSON.stringify(output),
    requires: settings => definition.requires?.(settings),
    run: (input, context) => definition.run(input as Static<I>, context) as Promise<JsonObject>,
  } as Tool
}

/** Stating a cache says that equal calls may share an answer: that is read-only and idempotent. */
const defaultAnnotations = (cache: CachePolicy | undefined): Annotations => ({
  readOnly: cache !== undefined,
  destructive: false,
  idempotent: cache !== undefined,
  openWorld: true,
})

/** Closes every object of a schema of ours that does not say otherwise, and drops TypeBox's own keys. */
function close(schema: unknown): JsonSchema {
  return JSON.parse(
    JSON.stringify(schema, (_key, value: unknown) => {
      if (!isObjectSchema(value) || 'additionalProperties' in value) return value
      return { ...value, required: value['required'] ?? [], additionalProperties: false }
    }),
  ) as JsonSchema
}

const isObjectSchema = (value: unknown): value is JsonSchema =>
  typeof value === 'object' &&
  value !== null &&
  (value as JsonSchema)['type'] === 'object' &&
  typeof (value as JsonSchema)['properties'] === 'object'

/** The property under which an answer that was over the bound names the file with the whole of it. */
export const truncatedKey = 'truncated'
/** What a cut answer says of itself. */
export const Truncated = Type.Object(
  {
    file: Type.String({ description: 'URL of the whole answer as JSON' }),
    bytes: Type.Integer({ description: 'Size of the whole answer, bytes' }),
  },
  { description: 'Present only when the answer was over the limit and is an excerpt' },
)

/** An output with a list in it can outgrow any bound; it then has a place to say that it was cut. */
function growable(schema: JsonSchema): JsonSchema {
  const lists = JSON.stringify(schema).includes('"type":"array"')
  if (!lists) return schema
  return {
    ...schema,
    properties: { ...propertiesOf(schema), [truncatedKey]: close(Truncated) },
  }
}

/** The properties of an object schema, by name. */
export const propertiesOf = (schema: JsonSchema): Record<string, JsonSchema> =>
  (schema['properties'] ?? {}) as Record<string, JsonSchema>
/** The names of the required properties. */
export const requiredOf = (schema: JsonSchema): string[] => (schema['required'] ?? []) as string[]
/** Remembers a fact derived from a schema, since calls ask for it again and again. */
function memo<Fact>(derive: (schema: JsonSchema) => Fact): (schema: JsonSchema) => Fact {
  const facts = new WeakMap<JsonSchema, { fact: Fact }>()
  return schema => {
    let known = facts.get(schema)
    if (!known) facts.set(schema, (known = { fact: derive(schema) }))
    return known.fact
  }
}

const marked = (schema: JsonSchema, keyword: string): [string, unknown][] =>
  Object.entries(propertiesOf(schema)).flatMap(([name, property]) =>
    // An imported property may be `true`, a schema that is no object.
    Object.hasOwn(Object(property), keyword)
      ? [[name, property[keyword]] satisfies [string, unknown]]
      : [],
  )
const fileInputs = memo(schema =>
  marked(schema, fileKeyword).map(([name, kind]) => ({ name, kind: kind as FileKind })),
)
const artifacts = memo(schema =>
  marked(schema, artifactKeyword).map(([name, type]) => ({ name, mediaType: type as string })),
)
const growing = memo(schema => {
  const mark = propertiesOf(schema)[truncatedKey]
  // A tool of somebody else's may mean another thing by that name.
  return mark ? 'file' in propertiesOf(mark) : schema['additionalProperties'] !== false
})
/** The file inputs of a tool. */
export const fileInputsOf = (tool: Tool): { name: string; kind: FileKind }[] =>
  fileInputs(tool.input)
/** The file outputs of a tool. */
export const artifactsOf = (tool: Tool): { name: string; mediaType: string }[] =>
  artifacts(tool.output)
/** What a cut answer says of itself; undefined for a whole one. */
export function cutOf(tool: Tool, output: JsonObject): Static<typeof Truncated> | undefined {
  const cut = output[truncatedKey] as Partial<Static<typeof Truncated>> | null | undefined
  return canGrow(tool) && typeof cut?.file === 'string' && typeof cut.bytes === 'number'
    ? { file: cut.file, bytes: cut.bytes }
    : undefined
}
/** The ids of the files that an output names. */
export function filesIn(tool: Tool, output: JsonObject): string[] {
  const values = [...artifactsOf(tool).map(({ name }) => output[name]), cutOf(tool, output)?.file]
  return values.filter(value => typeof value === 'string')
}
/** True when an output may be cut to the bound of results and then say so under `truncated`. */
export const canGrow = (tool: Tool): boolean => growing(tool.output)
