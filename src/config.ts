import { closest } from 'fastest-levenshtein'
import Type, { type Static } from 'typebox'
import { Compile } from 'typebox/schema'
import { expand } from './config/expand.ts'
import { Audit, seenVariables, Traces } from './config/seen.ts'
import { Allowances, type ConfiguredKey, Jwt, Key, Limits, LlmNode } from './config/parts.ts'

export {
  type Allowance,
  Allowance as allowanceSchema,
  type ConfiguredKey,
  KeyId as keyIdSchema,
  type Scopes,
  Scopes as scopesSchema,
} from './config/parts.ts'

/** The whole configuration, as `toolgate.config.json` may state it. */
const Config = Type.Object(
  {
    host: Type.String({ default: '127.0.0.1' }),
    port: Type.Integer({ default: 8642, minimum: 0, maximum: 65535 }),
    publicUrl: Type.Optional(Type.String()),
    /** `false` switches the AgentLego face off; absent = 16180 if it is free. */
    agentlegoPort: Type.Optional(
      Type.Union([Type.Integer({ minimum: 0, maximum: 65535 }), Type.Literal(false)]),
    ),
    redisUrl: Type.Optional(Type.String()),
    keys: Type.Array(Key, { default: [] }),
    keyFile: Type.String({
      default: '.toolgate/keys',
      description: 'File of keys made since',
    }),
    /** Tokens of an issuer that are taken in place of keys. */
    jwt: Type.Optional(Jwt),
    allowances: Allowances,
    /** Addresses or ranges of our own proxies, whose X-Forwarded-For is believed. */
    trustedProxies: Type.Array(Type.String(), { default: [] }),
    anonymous: Type.Boolean({ default: false }),
    keyInQuery: Type.Boolean({ default: false }),
    documents: Type.Enum(['public', 'key'], { default: 'public' }),
    secret: Type.Optional(Type.String({ minLength: 1 })),
    allowedHosts: Type.Array(Type.String(), { default: [] }),
    corsOrigins: Type.Array(Type.String(), { default: ['*'] }),
    /** `/mcp` and stdio list `find_tools` and `call_tool` alone, for a list too long for a model. */
    mcpSearch: Type.Boolean({ default: false }),
    tools: Type.Optional(Type.String({ description: "Folder of the operator's own tools" })),
    files: Type.String({ default: '.toolgate/files', description: 'Folder of stored files' }),
    logLevel: Type.Enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
      default: 'info',
    }),
    callLog: Type.Number({ default: 1, minimum: 0, maximum: 1 }),
    audit: Audit,
    traces: Traces,
    llm: Type.Object(
      {
        nodes: Type.Array(LlmNode, { default: [] }),
        registrars: Type.Array(Type.String(), { default: [] }),
        logPrompts: Type.Boolean({ default: false }),
      },
      { additionalProperties: false, default: {} },
    ),
    /** Servers whose tools are brought in; `docs/sources.md` has the members of each kind. */
    sources: Type.Array(Type.Record(Type.String(), Type.Unknown()), { default: [], maxItems: 100 }),
    /** MCP servers as Claude Desktop, Cursor and others write them, to be pasted as they are. */
    mcpServers: Type.Record(Type.String(), Type.Record(Type.String(), Type.Unknown()), {
      default: {},
      maxProperties: 100,
    }),
    /** What tools read: upstream addresses, keys, model paths. */
    settings: Type.Record(Type.String(), Type.String(), { default: {} }),
    limits: Limits,
  },
  { additionalProperties: false },
)

/** The same as a JSON Schema, for the manual and its test. */
export const configSchema = Config
/** The configuration of one gateway, every default filled in. */
export type Config = Static<typeof Config>
type Env = Readonly<Record<string, string | undefined>>

/** Addresses of the services that built-in tools call; an operator may put a mirror in their place. */
export const upstreams = {
  OPEN_METEO_FORECAST_URL: 'https://api.open-meteo.com',
  OPEN_METEO_ARCHIVE_URL: 'https://archive-api.open-meteo.com',
  OPEN_METEO_GEOCODING_URL: 'https://geocoding-api.open-meteo.com',
  ARXIV_URL: 'https://export.arxiv.org',
} as const

/** Settings of tools that the environment may give, beside those in the file. */
const settingNames = [
  ...Object.keys(upstreams),
  'QWEATHER_HOST',
  'QWEATHER_API_KEY',
  'QWEATHER_PROJECT_ID',
  'QWEATHER_KEY_ID',
  'QWEATHER_PRIVATE_KEY',
  'TOOLGATE_DETECT_MODEL',
]

type Loose = Record<string, unknown>
type Read = (value: string, config: Loose) => void
const text =
  (name: keyof Config): Read =>
  (value, config) => {
    config[name] = value
  }
const list = (value: string): string[] => value.split(',').flatMap(part => part.trim() || [])
const flag =
  (variable: string, name: keyof Config): Read =>
  (value, config) => {
    const isOn = /^(1|true|yes|on)$/i.test(value)
    if (!isOn && !/^(0|false|no|off)$/i.test(value))
      throw new Error(`${variable}: must be 1 or 0, not "${value}"`)
    config[name] = isOn
  }

/** What each environment variable means. A variable that is set beats the file. */
const environment: Record<string, Read> = {
  HOST: text('host'),
  PORT: (value, config) => (config['port'] = wholeNumber('PORT', value)),
  PUBLIC_URL: text('publicUrl'),
  REDIS_URL: text('redisUrl'),
  TOOLGATE_AGENTLEGO_PORT: (value, config) =>
    (config['agentlegoPort'] =
      value === 'off' ? false : wholeNumber('TOOLGATE_AGENTLEGO_PORT', value)),
  TOOLGATE_KEY: (key, config) => {
    const others = listIn(config, 'keys').filter(other => other['id'] !== 'default')
    config['keys'] = [{ id: 'default', key }, ...others]
  },
  TOOLGATE_KEYS: text('keyFile'),
  TOOLGATE_ANONYMOUS: flag('TOOLGATE_ANONYMOUS', 'anonymous'),
  TOOLGATE_KEY_IN_QUERY: flag('TOOLGATE_KEY_IN_QUERY', 'keyInQuery'),
  TOOLGATE_DOCUMENTS: text('documents'),
  TOOLGATE_SECRET: text('secret'),
  TOOLGATE_ALLOWED_HOSTS: (value, config) => (config['allowedHosts'] = list(value)),
  TOOLGATE_CORS_ORIGINS: (value, config) => (config['corsOrigins'] = list(value)),
  TOOLGATE_MCP_SEARCH: flag('TOOLGATE_MCP_SEARCH', 'mcpSearch'),
  TOOLGATE_TOOLS: text('tools'),
  TOOLGATE_FILES: text('files'),
  TOOLGATE_LOG_LEVEL: text('logLevel'),
  ...seenVariables,
}

/** Every environment variable that is read, for the manual and its test. */
export const variableNames: readonly string[] = [
  ...Object.keys(environment),
  ...settingNames,
  'LMDEPLOY_URL',
  'LMDEPLOY_API_KEY',
  'TOOLGATE_CONFIG',
]

/**
 * Reads the configuration: defaults, then the file's object, then the environment. `${NAME}` in a
 * string of the file is the environment's NAME. Throws an Error whose lines each name one mistake.
 */
export function parseConfig(env: Env, file: unknown = {}): Config {
  if (!isObject(file)) throw new Error('the configuration: must be an object')
  const config = expand(file, env) as Loose
  config['limits'] ??= {}
  for (const [name, read] of Object.entries(environment)) {
    const value = env[name]
    if (value !== undefined && value !== '') read(value, config)
  }
  const { settings = {} } = config
  const given = settingNames.flatMap(name => (env[name] ? [[name, env[name]] as const] : []))
  if (isObject(settings))
    config['settings'] = { ...upstreams, ...settings, ...Object.fromEntries(given) }
  addNodes(config, list(env['LMDEPLOY_URL'] ?? ''), env['LMDEPLOY_API_KEY'])
  fill(config, Config)
  if (!validator.Check(config)) throw new Error(mistakes(validator.Errors(config)[1]).join('\n'))
  const checked = config as Config
  checkTogether(checked)
  return checked.publicUrl ? { ...checked, publicUrl: new URL(checked.publicUrl).origin } : checked
}

const isObject = (value: unknown): value is Loose =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const listIn = (config: Loose, name: string): Loose[] =>
  Array.isArray(config[name]) ? (config[name] as unknown[]).filter(isObject) : []

const validator = Compile(Config)

function wholeNumber(name: string, value: string): number {
  if (!/^\d+$/.test(value)) throw new Error(`${name}: must be a whole number, not "${value}"`)
  return Number(value)
}

/** The nodes of the environment, beside those of the file. Their key is for no other host. */
function addNodes(config: Loose, urls: string[], key: string | undefined): void {
  const { llm = {} } = config
  if (urls.length === 0 || !isObject(llm)) return
  const known = listIn(llm, 'nodes')
  const added = urls
    .filter(url => !known.some(node => node['url'] === url))
    .map(url => ({ url, ...(key ? { key } : {}) }))
  config['llm'] = { ...llm, nodes: [...known, ...added] }
}

type Schema = { properties?: object; default?: unknown }

/** Puts the defaults where nothing is stated. */
function fill(config: Loose, schema: Schema): void {
  for (const [name, property] of Object.entries<Schema>(
    (schema.properties ?? {}) as Record<string, Schema>,
  )) {
    if (config[name] === undefined && property.default !== undefined)
      config[name] = structuredClone(property.default)
    if (property.properties && typeof config[name] === 'object' && config[name] !== null)
      fill(config[name] as Loose, property)
  }
}

type SchemaError = {
  keyword: string
  schemaPath: string
  instancePath: string
  params: object
  message: string
}

/** Each mistake once: TypeBox tells a union and its members, an object and its unknown keys. */
const mistakes = (errors: readonly SchemaError[]): string[] =>
  errors
    .filter(({ keyword }) => keyword !== 'additionalProperties' && keyword !== 'anyOf')
    .map(explain)

function explain({ keyword, instancePath, params, message }: SchemaError): string {
  const path = instancePath.slice(1).replaceAll('/', '.')
  const { allowedValues = [] } = params as { allowedValues?: string[] }
  if (keyword === 'boolean') return `unknown configuration key "${path}"${nearest(path)}`
  if (keyword === 'enum') return `${path}: must be one of ${allowedValues.join(', ')}`
  return `${path || 'the configuration'}: ${message}`
}

function nearest(path: string): string {
  const [name = '', parent = '', ...above] = path.split('.').toReversed()
  const objects: Record<string, object> = { '': Config.properties, limits: Limits.properties }
  const known = above.length > 0 ? undefined : objects[parent]
  return known ? `: did you mean "${closest(name, Object.keys(known))}"?` : ''
}

const loopback = /^(127(\.\d+){3}|localhost|::1|\[::1\])$/i

/** True when only this machine can reach the address. */
export const isLoopback = (host: string): boolean => loopback.test(host)

function checkTogether(config: Config): void {
  if (config.publicUrl !== undefined) checkOrigin(config.publicUrl)
  for (const { url } of config.llm.nodes) checkAddress('LMDEPLOY_URL', url)
  if (config.traces.endpoint !== undefined)
    checkAddress('OTEL_EXPORTER_OTLP_ENDPOINT', config.traces.endpoint)
  for (const name of Object.keys(upstreams)) checkAddress(name, config.settings[name])
  const ids = config.keys.map(({ id }) => id)
  const twice = ids.find((id, index) => ids.indexOf(id) !== index)
  if (twice !== undefined) throw new Error(`keys: two have the id "${twice}"`)
  for (const key of config.keys) checkKey(key)
}

function checkKey({ id, key, hash, expiresAt }: ConfiguredKey): void {
  if ((key === undefined) === (hash === undefined))
    throw new Error(`keys: "${id}" must have either "key" or "hash"`)
  if (expiresAt !== undefined && Number.isNaN(Date.parse(expiresAt)))
    throw new Error(`keys: "${id}" has an "expiresAt" that is no date: "${expiresAt}"`)
}

/** Throws an Error where others could reach a gateway that lets everybody in. Only listening asks. */
export function checkReach(
  { host, anonymous }: Pick<Config, 'host' | 'anonymous'>,
  hasKeys: boolean,
): void {
  if (isLoopback(host) || hasKeys || anonymous) return
  throw new Error(
    `HOST=${host} is reachable from other machines: set TOOLGATE_KEY, or make a key with \`toolgate keys create\`, or set TOOLGATE_ANONYMOUS=1 to go without a key`,
  )
}

function checkAddress(name: string, value = ''): void {
  if (!/^https?:$/.test(URL.parse(value)?.protocol ?? ''))
    throw new Error(`${name}: must be an http or https URL, not "${value}"`)
}

function checkOrigin(value: string): void {
  const url = URL.parse(value)
  const plain =
    url && /^https?:$/.test(url.protocol) && url.pathname === '/' && !url.search && !url.hash
  if (!plain || url.username || url.password || value.endsWith('/'))
    throw new Error(
      `PUBLIC_URL: must be an origin such as https://tools.example.org, without a path or a slash at its end, not "${value}"`,
    )
}
