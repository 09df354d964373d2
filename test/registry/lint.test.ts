import t from 'tap'
import Type from 'typebox'
import { lintDocument, lintImported, lintTool } from '../../src/registry/lint.ts'
import { Artifact, defineTool, ImageFile, type Tool } from '../../src/registry/tool.ts'
import { core } from '../../src/registry/views/core.ts'
import type { Document } from '../../src/registry/views/openapi.ts'
import { type ProfileName, profiles, noFixedRoutes } from '../../src/registry/views/profiles.ts'
import { rules } from '../../src/registry/views/rules.ts'
import { awkwardTools, imported, importedTools, ownTools } from '../fixtures/awkward-tools.ts'

const fine = defineTool({
  name: 'fine',
  title: 'Fine',
  description: 'Says fine.',
  input: Type.Object({ it: Type.String({ description: 'It' }) }),
  output: Type.Object({ said: Type.String({ description: 'Said' }) }),
  examples: [{ input: { it: 'a' }, output: { said: 'b' } }],
  run: async () => ({ said: 'b' }),
})
const object = (properties: object, rest: object = {}) => ({
  type: 'object',
  properties,
  required: [],
  additionalProperties: false,
  ...rest,
})
const text = { type: 'string', description: 'T' }

t.test('tools that are written well have no problems', async t => {
  for (const tool of [fine, ...awkwardTools]) t.same(lintTool(tool), [], tool.name)
})

const refusals: [why: string, change: Partial<Tool>, problem: RegExp][] = [
  ['a bad name', { name: 'Bad-Name' }, /use a name of a-z/],
  ['a name too long', { name: 'a'.repeat(61) }, /at most 60 characters/],
  ['no title', { title: ' ' }, /give it a title/],
  ['no description', { description: '' }, /give it a description/],
  ['a long description', { description: 'x'.repeat(301) }, /has 301 characters: use at most 300/],
  ['a version that is none', { version: 'new' }, /is no semver/],
  ['a cache of no time', { cache: { ttlMs: 0 } }, /cache\.ttlMs must be more than 0/],
  ['an input that is no object', { input: { type: 'string' } }, /make its input an object/],
  ['an output that is no object', { output: { type: 'array' } }, /make its output an object/],
  ['a reference', { input: object({ a: { $ref: '#/x' } }) }, /without \$ref/],
  ['recursion', { input: object({ a: { $ref: '#' } }) }, /to a fixed depth/],
  [
    'an open object',
    { input: object({ a: text }, { additionalProperties: true }) },
    /input: close the object/,
  ],
  [
    'an open object within',
    { output: object({ a: { type: 'object', properties: {}, description: 'A' } }) },
    /output: a: close the object/,
  ],
  [
    'a property without a description',
    { input: object({ a: { type: 'string' } }) },
    /input: a: describe it/,
  ],
  [
    'a property described at length',
    { input: object({ a: { type: 'string', description: 'x'.repeat(701) } }) },
    /at most 700 characters/,
  ],
  ['a property that Python cannot name', { input: object({ class: text }) }, /no Python keyword/],
  ['a property in capitals', { output: object({ aB: text }) }, /use a name of a-z, 0-9 and _/],
  [
    'more schemas than one can read',
    {
      input: object(
        Object.fromEntries(Array.from({ length: 5_001 }, (_, index) => [`a${index}`, text])),
      ),
    },
    /has 5002 schemas/,
  ],
  [
    'a file that faces would not find',
    { input: object({ a: { type: 'array', description: 'A', items: ImageFile() } }) },
    /put its file inputs at the top/,
  ],
  [
    'an artifact that faces would not find',
    { output: object({ a: { type: 'array', description: 'A', items: Artifact('image/png') } }) },
    /put its artifacts at the top/,
  ],
  ['an alias with two dots', { aliases: { lagent: 'A.b.c' } }, /at most one dot/],
  [
    'an alias with a sign',
    { aliases: { agentlego: { name: 'A-b' } } },
    /use letters, digits and _/,
  ],
  [
    'an example that is no input',
    { examples: [{ input: { it: 1 }, output: { said: 'b' } }] },
    /example 1: its input does not fit/,
  ],
  [
    'an example that is no output',
    { examples: [{ input: { it: 'a' }, output: {} }] },
    /example 1: its output does not fit/,
  ],
  ['a text that says nothing', { text: () => '' }, /text\(\) must return/],
]

t.test('each fault of a tool is a sentence that says how to mend it', async t => {
  for (const [why, change, problem] of refusals) {
    const problems = lintTool({
      ...fine,
      ...('examples' in change || 'text' in change ? {} : { examples: [] }),
      ...change,
    })
    t.equal(problems.length, 1, why)
    t.match(problems[0], problem, why)
    t.match(problems[0], /^tool "/, why)
  }
})

t.test('an imported tool is refused only for what no view can say', async t => {
  for (const tool of importedTools) t.same(lintImported(tool), [], tool.name)
  t.match(lintTool(imported('far', { properties: { 'a b': {} }, required: ['a b'] }, {})), [
    /"a b" has a name that no client can send/,
  ])
  t.match(lintTool({ ...imported('far', {}, {}), name: 'far-away' }), [/use a name of a-z/])
  t.same(
    lintTool({ ...imported('far', { properties: { 'a b': {} } }, {}), description: '', title: '' }),
    [],
    'a name is a description if it must be',
  )
})

const origin = 'https://tools.example'
const documents = Object.fromEntries(
  Object.entries(profiles).map(([name, make]) => [
    name,
    make(ownTools, { origin, secured: true }, noFixedRoutes),
  ]),
) as Record<ProfileName, Document>

/** A document that breaks one rule: the JSON of a good one, changed. */
type Breakage = [rule: string, profile: ProfileName, change: (document: Loose) => unknown]
type Loose = { [key: string]: Loose } & { [index: number]: Loose }
const tool = (document: Loose): Loose =>
  document['paths']![Object.keys(document['paths']!)[0]!]!['post']!
const schema = (document: Loose): Loose =>
  tool(document)['requestBody']!['content']!['application/json']!['schema']!
const property = (document: Loose): Loose => schema(document)['properties']!['tags']!
const set = (target: Loose | undefined, values: object): unknown =>
  Object.assign(target as object, values)

const breakages: Breakage[] = [
  ['1.version', 'core', document => set(document, { openapi: '3.0.3' })],
  ['1.types', 'full', document => set(property(document), { type: ['string', 'null'] })],
  ['1.types', 'core', document => set(property(document), { type: undefined })],
  ['1.types', 'full', document => set(property(document), { const: 'a' })],
  ['1.types', 'full', document => set(schema(document)['properties'], { tags: true })],
  ['2', 'coze', document => set(document['info'], { description: '' })],
  ['3', 'core', document => set(document, { servers: [{ url: '/' }] })],
  ['3', 'core', document => set(document, { servers: [{ url: `${origin}/` }] })],
  ['3', 'core', document => set(document, { servers: [{ url: `${origin}/v1` }] })],
  ['3', 'core', document => set(document, { servers: [{ url: origin }, { url: origin }] })],
  ['3', 'core', document => set(document, { servers: undefined })],
  ['4', 'core', document => set(document['paths']!['/tools/lists'], { parameters: [] })],
  ['5.names', 'core', document => set(tool(document), { operationId: 'nested' })],
  ['5.names', 'core', document => set(tool(document), { operationId: 'A.b' })],
  ['5.texts', 'full', document => set(tool(document), { summary: 'x'.repeat(301) })],
  ['5.texts', 'full', document => set(tool(document), { responses: {} })],
  [
    '6.gpt',
    'gpt',
    document => {
      for (let index = 0; index < 30; index++)
        set(document['paths'], { [`/x${index}`]: { post: tool(document) } })
    },
  ],
  ['6.gpt', 'gpt', document => set(document, { 'x-much': 'x'.repeat(1_000_000) })],
  [
    '6.dify',
    'dify',
    document => {
      for (let index = 0; index < 99; index++)
        set(document['paths'], { [`/x${index}`]: { post: tool(document) } })
    },
  ],
  ['7', 'core', document => set(document['paths'], { '/tools/lists': { get: tool(document) } })],
  ['7', 'core', document => set(tool(document), { parameters: [{ in: 'query' }] })],
  ['7', 'full', document => set(tool(document)['requestBody'], { content: { 'text/plain': {} } })],
  [
    '8',
    'core',
    document => set(tool(document)['requestBody']!['content'], { 'multipart/form-data': {} }),
  ],
  ['8', 'core', document => set(schema(document), { required: undefined })],
  ['8', 'core', document => set(schema(document), { type: 'array' })],
  ['9', 'core', document => set(property(document), { $ref: '#/x' })],
  ['10', 'core', document => set(property(document), { type: 'array' })],
  ['10', 'core', document => set(property(document), { description: undefined })],
  ['10', 'core', document => set(property(document), { default: ['red'] })],
  ['10', 'core', document => set(property(document), { enum: [1] })],
  ['10', 'core', document => set(property(document), { enum: ['crimson'] })],
  ['10', 'core', document => set(property(document), { minimum: 77 })],
  [
    '11',
    'core',
    document =>
      set(schema(document)['properties'], { 'a-b': { type: 'string', description: 'A' } }),
  ],
  ['12', 'coze', document => set(tool(document)['responses'], { 404: { description: 'x' } })],
  [
    '12',
    'core',
    document => set(tool(document)['responses']!['200']!['content'], { 'text/plain': {} }),
  ],
  [
    '12',
    'core',
    document =>
      set(tool(document)['responses']!['200']!['content']!['application/json'], {
        schema: { type: 'object' },
      }),
  ],
  ['13', 'core', document => set(property(document), { format: 'binary' })],
  ['14', 'full', document => set(tool(document), { 'x-openai-isConsequential': undefined })],
  ['15', 'core', document => set(tool(document), { security: [{ other: [] }] })],
  [
    '15',
    'core',
    document => set(document['components']!['securitySchemes'], { key: { type: 'apiKey' } }),
  ],
  ['16', 'core', document => set(document, { 'x-odd': Number.NaN })],
  ['16', 'core', document => set(document, { 'x-odd': () => 1 })],
  ['10.1', 'core', document => set(tool(document), { security: undefined })],
  ['10.1', 'core', document => set(document, { components: {} })],
]

t.test('each rule finds what breaks it, in the profiles that must keep it', async t => {
  for (const [rule, profile, change] of breakages) {
    const broken = structuredClone(documents[profile]) as unknown as Loose
    change(broken)
    const found = lintDocument(broken, profile)
    t.ok(
      found.some(
        problem => problem.startsWith(`${profile}: `) && problem.includes(`(rule ${rule}: `),
      ),
      `${rule} in ${profile}: ${found.join('; ')}`,
    )
  }
  const tested = new Set(breakages.map(([rule]) => rule))
  for (const { id } of rules) t.ok(tested.has(id), `rule ${id} has a document that breaks it`)
})

t.test('a document that is no document has problems, not a crash', async t => {
  for (const odd of [
    {},
    { paths: null },
    { paths: { '/tools/a': { post: null } }, servers: {}, info: [] },
    {
      paths: {
        '/tools/a': { post: { requestBody: { content: { x: null } }, responses: { 200: 1 } } },
      },
    },
  ])
    for (const name of Object.keys(profiles) as ProfileName[])
      t.ok(lintDocument(odd, name).length > 0)
})

t.test('a slice of nothing is a good document', async t => {
  t.same(lintDocument(core([], { origin, secured: false }), 'core'), [])
})
