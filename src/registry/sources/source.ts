import Type, { type Static, type TSchema } from 'typebox'
import { Compile } from 'typebox/schema'
import { fail, type ToolError } from '../errors.ts'
import { type JsonObject, type JsonSchema, toolLimits } from '../tool.ts'
import { HttpTool } from './http-tool.ts'
import { sourceLimits } from './limits.ts'
import { slug } from './names.ts'
import type { CallPlan } from './plan.ts'

const closed = { additionalProperties: false }
const Text = (maxLength: number) => Type.String({ minLength: 1, maxLength })
const Globs = Type.Array(Text(200), { maxItems: sourceLimits.globsMax })
const Headers = Type.Record(Text(100), Type.String({ maxLength: 8_192 }), {
  maxProperties: sourceLimits.headersMax,
})

const shared = {
  name: Text(60),
  headers: Type.Optional(Headers),
  /** Globs over the tools' names, as the server writes them or as they come out here. */
  include: Type.Optional(Globs),
  exclude: Type.Optional(Globs),
  category: Type.Optional(Text(60)),
  tags: Type.Optional(Type.Array(Text(60), { maxItems: 8 })),
  timeoutMs: Type.Optional(Type.Integer({ minimum: 100, maximum: toolLimits.timeoutMsMax })),
  /** Calls at once to the whole server, in this process. */
  concurrency: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
  refreshMs: Type.Optional(Type.Integer({ minimum: 1_000, maximum: 86_400_000 })),
  cache: Type.Optional(
    Type.Object(
      {
        ttlMs: Type.Integer({ minimum: 1, maximum: 30 * 86_400_000 }),
        staleMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 30 * 86_400_000 })),
        scope: Type.Optional(Type.Enum(['public', 'caller'])),
        /** Globs of the tools whose answers may be stored; absent = those that only read. */
        tools: Type.Optional(Globs),
      },
      closed,
    ),
  ),
}
const url = Text(8_192)

const OpenapiSource = Type.Object(
  {
    ...shared,
    kind: Type.Literal('openapi'),
    url,
    /** Where calls go, in place of what the document says. */
    server: Type.Optional(url),
  },
  closed,
)
const AgentlegoSource = Type.Object({ ...shared, kind: Type.Literal('agentlego'), url }, closed)
const HttpSource = Type.Object(
  {
    ...shared,
    kind: Type.Literal('http'),
    url,
    tools: Type.Array(HttpTool, { minItems: 1, maxItems: 500 }),
  },
  closed,
)
const McpSource = Type.Object(
  {
    ...shared,
    kind: Type.Literal('mcp'),
    url,
    transport: Type.Optional(Type.Enum(['http', 'sse'])),
  },
  closed,
)
const StdioSource = Type.Object(
  {
    ...shared,
    kind: Type.Literal('mcp'),
    command: Text(1_000),
    args: Type.Optional(Type.Array(Type.String({ maxLength: 8_192 }), { maxItems: 200 })),
    env: Type.Optional(Type.Record(Type.String(), Type.String({ maxLength: 32_768 }))),
    cwd: Type.Optional(Text(4_096)),
  },
  closed,
)

const schemas = {
  openapi: OpenapiSource,
  agentlego: AgentlegoSource,
  http: HttpSource,
  mcp: McpSource,
} as const

/** The kinds of server that tools come from. */
export type SourceKind = keyof typeof schemas
/** An MCP server that is started here. */
export type StdioDefinition = Static<typeof StdioSource>
/** A source with an address. */
export type UrlDefinition =
  | Static<typeof OpenapiSource>
  | Static<typeof AgentlegoSource>
  | Static<typeof HttpSource>
  | Static<typeof McpSource>
/** One source, as config or an admin states it. */
export type SourceDefinition = UrlDefinition | StdioDefinition

/** True for a source that is a process of ours. */
export const isStdio = (definition: SourceDefinition): definition is StdioDefinition =>
  'command' in definition

/** A tool of another server as plain data: what it is and how it is called. */
export type Draft = {
  /** Its name without the source's, before it is made unique. */
  local: string
  /** What its server calls it: an operationId, `GET /pets`, a name. */
  origin: string
  title: string
  description: string
  tags: string[]
  input: JsonSchema
  output: JsonSchema
  readOnly: boolean
  destructive: boolean
  idempotent: boolean
  /** Its name on the AgentLego face, where it came from one. */
  alias?: string
  call: CallPlan
  /** What could not be brought over as it stands. */
  losses: string[]
}
/** A tool that cannot be brought in, and why. */
export type Quarantined = { name: string; reason: string }
/** Which share of a description is read: the `index`th of `count`. */
export type Share = { index: number; count: number }

/** That share of a list, in its order. */
export function shareOf<Item>(
  items: readonly Item[],
  { index, count }: Share = { index: 0, count: 1 },
): Item[] {
  const size = Math.ceil(items.length / count)
  return items.slice(index * size, (index + 1) * size)
}

/** All that a description came to. */
export type Described = {
  drafts: Draft[]
  quarantined: Quarantined[]
  /** What is true of the source as a whole. */
  notes: string[]
  version?: string
}

const compiled = new Map<TSchema, ReturnType<typeof Compile>>()
const reserved = new Set(['builtin', 'local', 'worker'])

/**
 * Reads the statement of a source. A user and password in the URL become a header. Throws
 * TG_REQUEST_INVALID with what is wrong; a process to be started is refused unless `stdio`.
 */
export function parseSource(value: unknown, options: { stdio?: boolean } = {}): SourceDefinition {
  const given = isObject(value) ? value : {}
  const isProcess = given['kind'] === 'mcp' && 'command' in given
  if (isProcess && !options.stdio)
    throw malformed('a server that is started by a command can only be stated in the configuration')
  const kind = String(given['kind'])
  if (!Object.hasOwn(schemas, kind))
    throw malformed(`kind must be one of ${Object.keys(schemas).join(', ')}`)
  const schema = isProcess ? StdioSource : schemas[kind as SourceKind]
  let validator = compiled.get(schema)
  if (!validator) compiled.set(schema, (validator = Compile(schema)))
  if (!validator.Check(given)) throw malformed(explain(validator.Errors(given)[1]))
  const definition = withUserInHeader(given as SourceDefinition)
  if (reserved.has(sourceId(definition)))
    throw malformed(`the name "${definition.name}" is taken: give it another`)
  return definition
}

/** Under which a source is known, and with which its tools' names begin. */
export const sourceId = ({ name }: Pick<SourceDefinition, 'name'>): string =>
  slug(name, { first: 'letter', charactersMax: 30 })

const malformed = (problem: string): ToolError => fail('TG_REQUEST_INVALID', problem)
const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

type SchemaError = { keyword: string; instancePath: string; params: object; message: string }
function explain(errors: readonly SchemaError[]): string {
  const said = errors
    .filter(({ keyword }) => keyword !== 'boolean')
    .map(({ keyword, instancePath, params, message }) => {
      const at = instancePath.slice(1).replaceAll('/', '.') || 'the source'
      const names = (params as { additionalProperties?: string[] }).additionalProperties
      return keyword === 'additionalProperties' && names
        ? `${at} has no ${names.map(name => `"${name.slice(0, 60)}"`).join(', ')}`
        : `${at} ${message}`
    })
  return [...new Set(said)].slice(0, 3).join('; ') || 'the source is malformed'
}

function withUserInHeader(definition: SourceDefinition): SourceDefinition {
  if (isStdio(definition)) return definition
  const address = URL.parse(definition.url)
  if (!address)
    throw malformed(`url must be an absolute URL, not "${definition.url.slice(0, 100)}"`)
  if (!address.username && !address.password) return definition
  const user = `${decodeURIComponent(address.username)}:${decodeURIComponent(address.password)}`
  address.username = ''
  address.password = ''
  return {
    ...definition,
    url: address.href,
    headers: {
      authorization: `Basic ${Buffer.from(user).toString('base64')}`,
      ...definition.headers,
    },
  }
}
