import t from 'tap'
import Type, { type TSchema } from 'typebox'
import { Check, Errors } from 'typebox/value'
import type { Tool } from '../../../src/registry/tool.ts'
import { type DialectName, dialects } from '../../../src/registry/views/dialects.ts'
import { nested } from '../../../src/registry/views/walk.ts'
import { awkwardTools } from '../../fixtures/awkward-tools.ts'

const origin = 'https://tools.example'
const open = { origin, secured: false }
const closed = { additionalProperties: false }
const Name = Type.String({ pattern: '^[a-z][a-z0-9_]{0,59}$' })
const Words = Type.String({ minLength: 1, maxLength: 4_096 })
const Parameters = Type.Object({
  type: Type.Literal('object'),
  properties: Type.Record(Type.String(), Type.Object({})),
  required: Type.Array(Type.String()),
})
const Function = Type.Object(
  {
    name: Name,
    description: Type.String({ minLength: 1, maxLength: 1_024 }),
    parameters: Parameters,
    strict: Type.Optional(Type.Boolean()),
  },
  closed,
)
const Chat = Type.Array(Type.Object({ type: Type.Literal('function'), function: Function }, closed))
const LagentType = Type.Enum(['STRING', 'NUMBER', 'FLOAT', 'BOOLEAN', 'Array'])
const LegoParameter = {
  name: Type.Union([Type.String(), Type.Null()]),
  type: Type.Enum(['str', 'int', 'float', 'bool', 'ImageIO', 'AudioIO', 'File']),
  desc: Type.Union([Type.String(), Type.Null()]),
  filetype: Type.Union([Type.String(), Type.Null()]),
}

/** What each SDK takes, written by hand from its own types. */
const shapes: Record<DialectName, TSchema> = {
  openai: Chat,
  mistral: Chat,
  langchain: Chat,
  'openai-responses': Type.Array(
    Type.Object(
      {
        type: Type.Literal('function'),
        name: Name,
        description: Words,
        parameters: Parameters,
        strict: Type.Boolean(),
      },
      closed,
    ),
  ),
  anthropic: Type.Array(
    Type.Object(
      {
        name: Name,
        description: Words,
        input_schema: Parameters,
        strict: Type.Optional(Type.Boolean()),
      },
      closed,
    ),
  ),
  gemini: Type.Tuple([
    Type.Object(
      {
        functionDeclarations: Type.Array(
          Type.Object(
            {
              name: Name,
              description: Words,
              parameters: Type.Optional(Type.Object({ type: Type.Literal('OBJECT') })),
            },
            closed,
          ),
        ),
      },
      closed,
    ),
  ]),
  qwen: Type.Array(
    Type.Object(
      { name: Name, description: Words, parameters: Type.Object(Parameters.properties, closed) },
      closed,
    ),
  ),
  mcp: Type.Object(
    {
      tools: Type.Array(
        Type.Object(
          {
            name: Name,
            title: Words,
            description: Words,
            inputSchema: Parameters,
            // That of an imported tool is the declared one, or anything.
            outputSchema: Type.Union([
              Parameters,
              Type.Object({
                type: Type.Literal('object'),
                anyOf: Type.Tuple([Parameters, Type.Object({})]),
              }),
            ]),
            annotations: Type.Object(
              {
                title: Words,
                readOnlyHint: Type.Boolean(),
                destructiveHint: Type.Boolean(),
                idempotentHint: Type.Boolean(),
                openWorldHint: Type.Boolean(),
              },
              closed,
            ),
          },
          closed,
        ),
      ),
    },
    closed,
  ),
  utcp: Type.Object(
    {
      utcp_version: Words,
      manual_version: Words,
      tools: Type.Array(
        Type.Object(
          {
            name: Name,
            description: Words,
            inputs: Type.Object({
              type: Type.Literal('object'),
              properties: Type.Object({ body: Parameters }),
              required: Type.Array(Type.Literal('body')),
            }),
            outputs: Parameters,
            tags: Type.Array(Type.String()),
            tool_call_template: Type.Object(
              {
                call_template_type: Type.Literal('http'),
                http_method: Type.Literal('POST'),
                url: Type.String({ pattern: '^https://tools.example/tools/' }),
                content_type: Words,
                body_field: Type.Literal('body'),
                auth: Type.Optional(Type.Object({ auth_type: Type.Literal('api_key') })),
              },
              closed,
            ),
          },
          closed,
        ),
      ),
    },
    closed,
  ),
  lagent: Type.Array(
    Type.Object(
      {
        name: Type.String({ pattern: '^\\w+(\\.\\w+)?$' }),
        description: Words,
        parameters: Type.Array(
          Type.Object({ name: Words, type: LagentType, description: Type.String() }, closed),
        ),
        required: Type.Array(Type.String()),
        return_data: Type.Optional(
          Type.Array(
            Type.Object({ name: Words, description: Type.String(), type: LagentType }, closed),
          ),
        ),
        parameter_description: Words,
      },
      closed,
    ),
  ),
  agentlego: Type.Array(
    Type.Object(
      {
        cls: Words,
        module: Words,
        desc: Words,
        inputs: Type.Array(
          Type.Object(
            { ...LegoParameter, optional: Type.Boolean(), default: Type.Unknown() },
            closed,
          ),
        ),
        outputs: Type.Array(Type.Object(LegoParameter, closed), { minItems: 1 }),
        init: Words,
        agent_desc: Words,
      },
      closed,
    ),
  ),
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
/** Tools with schemas of their own, so that nothing remembered is shared. */
const structuredCopies = (): Tool[] =>
  awkwardTools.map(tool => ({
    ...tool,
    input: structuredClone(tool.input),
    output: structuredClone(tool.output),
  }))

t.test(
  'every dialect has the shape that its SDK takes, strict or not, with a key or without',
  async t => {
    for (const [name, shape] of Object.entries(shapes))
      for (const strict of [false, true])
        for (const secured of [false, true]) {
          const shown = plain(
            dialects[name as DialectName](awkwardTools, { origin, secured, strict }),
          )
          t.ok(
            Check(shape, shown),
            `${name}: ${JSON.stringify([...Errors(shape, shown)].slice(0, 2))}`,
          )
        }
  },
)

t.test('no dialect has references, internal keywords or boolean schemas in it', async t => {
  for (const [name, view] of Object.entries(dialects)) {
    const json = JSON.stringify(view(awkwardTools, open))
    t.notMatch(json, /x-toolgate|"\$ref"|"\$defs"|"oneOf"|"allOf"|"const":/, name)
  }
})

t.test('lists have items everywhere, since one without them fails the whole request', async t => {
  for (const {
    function: { name, parameters },
  } of dialects.openai(awkwardTools, open))
    for (const { at, schema } of nested(parameters, name)) {
      t.ok(schema['type'] !== 'array' || 'items' in schema, at)
      t.notOk(Array.isArray(schema['type']), at)
    }
})

t.test('the same tools give the same bytes', async t => {
  for (const [name, view] of Object.entries(dialects))
    t.equal(
      JSON.stringify(view(awkwardTools, open)),
      JSON.stringify(view(structuredCopies(), open)),
      name,
    )
})

t.test('strict is stated as it is', async t => {
  const strictness = Object.fromEntries(
    dialects
      .openai(awkwardTools, { ...open, strict: true })
      .map(({ function: { name, strict } }) => [name, strict]),
  )
  t.match(strictness, {
    lists: true,
    choices: true,
    no_arguments: true,
    nested: false,
    far_unions: false,
    far_cycle: false,
  })
  t.notOk(
    dialects.openai(awkwardTools, open).some(tool => 'strict' in tool.function),
    'not a word of it unasked',
  )
  t.ok(
    dialects['openai-responses'](awkwardTools, open).every(({ strict }) => !strict),
    'but where the API takes none for yes',
  )
})

t.test('a tuple becomes a list with words, a name that providers refuse is left out', async t => {
  const tool: Tool = {
    ...awkwardTools[0]!,
    input: {
      type: 'object',
      properties: {
        box: { type: 'array', prefixItems: [{ type: 'number' }, { type: 'number' }] },
        two: { type: 'array', prefixItems: [{ type: 'string' }, { type: 'number' }] },
        'filter[x]': { type: 'string' },
      },
    },
  }
  const [shown] = dialects.anthropic([tool], open)
  t.same(shown?.input_schema, {
    type: 'object',
    description: 'Left out here, as they cannot be named: filter[x].',
    properties: {
      box: {
        type: 'array',
        description: 'In this order: [number, number].',
        items: { type: 'number' },
        minItems: 0,
        maxItems: 2,
      },
      two: {
        type: 'array',
        description: 'In this order: [string, number].',
        items: { anyOf: [{ type: 'string' }, { type: 'number' }] },
        minItems: 0,
        maxItems: 2,
      },
    },
    required: [],
  })
})

t.test('a LangChain tool is whole in its parameters alone', async t => {
  const [shown] = dialects.langchain(awkwardTools, open)
  t.match(shown?.function.parameters, {
    title: 'lists',
    description: 'Takes lists of every kind.',
    type: 'object',
  })
})

t.test('UTCP speaks of a key only where one is needed', async t => {
  t.notMatch(JSON.stringify(dialects.utcp(awkwardTools, open)), 'auth_type')
  t.match(dialects.utcp(awkwardTools, { ...open, secured: true, version: '2.0.0' }), {
    manual_version: '2.0.0',
    tools: [{ tool_call_template: { auth: { api_key: 'Bearer ${TOOLGATE_KEY}' } } }],
  })
})
