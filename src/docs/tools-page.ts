import {
  artifactKeyword,
  fileKeyword,
  type JsonSchema,
  propertiesOf,
  requiredOf,
  type Tool,
} from '../registry/tool.ts'

const head = `# Tools

<!-- Written by npm run generate from src/tools. -->

The tools that come with the gateway. Each is called by \`POST /tools/NAME\` with its input as one
JSON object, and answers with its output as one JSON object; \`Accept: text/plain\` gives what a model
should read instead. A file input is one string: an https URL, a \`data:\` URL, or the id that
\`POST /files\` gave.
`

/** The page of all tools: what each takes, what it gives, an example. */
export function toolsPage(tools: readonly Tool[]): string {
  return [
    head,
    '| tool | what it does |',
    '| --- | --- |',
    ...tools.map(({ name, description }) => `| [\`${name}\`](#${name}) | ${cell(description)} |`),
    '',
    ...tools.flatMap(section),
  ].join('\n')
}

function section(tool: Tool): string[] {
  const { name, title, description, input, output, examples } = tool
  return [
    `## ${name}`,
    '',
    `**${title}.** ${description}`,
    '',
    facts(tool),
    '',
    ...table('input', input),
    ...table('output', output),
    ...(examples[0]
      ? [
          'Example:',
          '',
          ...json(`POST /tools/${name}`, examples[0].input),
          ...json('200 OK', examples[0].output),
        ]
      : []),
  ]
}

const seconds = (ms: number): string => `${ms / 1000} s`

function facts(tool: Tool): string {
  const { version, category, tags, cache, timeoutMs } = tool
  const stale = cache?.staleMs ? `, ${seconds(cache.staleMs)} more while it is fetched anew` : ''
  const missing = tool.requires({})
  return [
    `Version ${version}`,
    `category ${category}`,
    ...(tags.length ? [`tags ${tags.join(', ')}`] : []),
    cache ? `answers kept ${seconds(cache.ttlMs)}${stale}` : 'answers are not kept',
    `deadline ${seconds(timeoutMs)}`,
    ...(missing ? [`needs: ${missing.remedy}`] : []),
  ]
    .join(' · ')
    .concat('.')
}

function table(what: string, schema: JsonSchema): string[] {
  const rows = rowsOf(schema, '')
  if (rows.length === 0) return [`No ${what}.`, '']
  return [`| ${what} | type | meaning |`, '| --- | --- | --- |', ...rows, '']
}

/** A row for each property; those of nested objects and of lists stand under a path. */
function rowsOf(schema: JsonSchema, prefix: string): string[] {
  const required = requiredOf(schema)
  return Object.entries(propertiesOf(schema)).flatMap(([name, property]) => {
    const path = `${prefix}${name}`
    const optional = required.includes(name) ? '' : '?'
    const words = [property['description'], ...rules(property)].filter(Boolean).join(' · ')
    const nested = (property['items'] ?? property) as JsonSchema
    return [
      `| \`${path}${optional}\` | ${cell(typeOf(property))} | ${cell(words)} |`,
      ...rowsOf(nested, `${path}${property['items'] ? '[]' : ''}.`),
    ]
  })
}

function typeOf(schema: JsonSchema): string {
  if (fileKeyword in schema) return `file (${said(schema[fileKeyword])})`
  if (artifactKeyword in schema) return `URL of a file (${said(schema[artifactKeyword])})`
  if (schema['items']) return `${typeOf(schema['items'] as JsonSchema)}[]`
  const values = valuesOf(schema)
  if (values.length) return values.map(value => `\`${JSON.stringify(value)}\``).join(' or ')
  return typeof schema['type'] === 'string' ? schema['type'] : 'any'
}

function valuesOf(schema: JsonSchema): unknown[] {
  if ('const' in schema) return [schema['const']]
  if (Array.isArray(schema['enum'])) return schema['enum']
  const options = (schema['anyOf'] ?? []) as JsonSchema[]
  return options.every(option => 'const' in option) ? options.map(option => option['const']) : []
}

/** The bounds of a value, as words. */
function rules(schema: JsonSchema): string[] {
  const { minimum, maximum, minLength, maxLength, minItems, maxItems } = schema
  return [
    ...range(minimum, maximum, ''),
    ...range(minLength === 1 ? undefined : minLength, maxLength, ' characters'),
    ...range(minItems, maxItems, ' items'),
    ...(schema['default'] === undefined ? [] : [`default ${said(schema['default'])}`]),
  ]
}

function range(min: unknown, max: unknown, unit: string): string[] {
  if (min !== undefined && max !== undefined)
    return [`${said(min)}${min === max ? '' : ` to ${said(max)}`}${unit}`]
  if (max !== undefined) return [`at most ${said(max)}${unit}`]
  return min === undefined ? [] : [`at least ${said(min)}${unit}`]
}

const said = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

const json = (line: string, value: unknown): string[] => [
  '```http',
  line,
  '',
  // Numbers of a list, such as a box, stay on one line.
  JSON.stringify(value, null, 2).replaceAll(/\[[\s\d.,-]+\]/g, list =>
    list.replaceAll(/\s+/g, ' '),
  ),
  '```',
  '',
]

/** Text that stays in its cell. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ')
