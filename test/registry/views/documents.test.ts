import t from 'tap'
import { Check } from 'typebox/schema'
import { lintDocument } from '../../../src/registry/lint.ts'
import type { Tool } from '../../../src/registry/tool.ts'
import type { Document, Operation } from '../../../src/registry/views/openapi.ts'
import { noFixedRoutes, type ProfileName, profiles } from '../../../src/registry/views/profiles.ts'
import {
  asObject,
  bodiesOf,
  contentOf,
  toolOperationsOf,
} from '../../../src/registry/views/walk.ts'
import { awkwardTools, ownTools } from '../../fixtures/awkward-tools.ts'

const origin = 'https://tools.example'
const options = { origin, secured: false }
const names = Object.keys(profiles) as ProfileName[]
const make = (
  name: ProfileName,
  tools: readonly Tool[] = awkwardTools,
  more: object = {},
): Document => profiles[name](tools, { ...options, ...more }, noFixedRoutes)
const post = (document: Document, path: string): Operation =>
  document.paths?.[path]?.post as Operation
const many = (count: number, like: Tool = ownTools[0]!): Tool[] =>
  Array.from({ length: count }, (_, index) => ({ ...like, name: `tool_${index}` }))

t.test('every profile meets its rules, however awkward the tools', async t => {
  for (const name of names)
    for (const secured of [false, true])
      for (const tools of [awkwardTools, [], ...awkwardTools.map(tool => [tool])])
        t.same(
          lintDocument(make(name, tools, { secured }), name),
          [],
          `${name}, ${secured ? 'key' : 'no key'}, ${tools.length} tools`,
        )
})

t.test('every example stands in every document and fits its schemas', async t => {
  for (const name of names)
    for (const found of toolOperationsOf(asObject(make(name)))) {
      const tool = awkwardTools.find(({ name }) => found.path.endsWith(`/${name}`))
      const media = [
        contentOf(found.operation['requestBody'])[0]?.[1],
        contentOf(asObject(found.operation['responses'])['200'])[0]?.[1],
      ]
      for (const part of media) {
        const examples = Object.values(asObject(part?.['examples']))
        t.equal(examples.length, tool?.examples.length, `${name} ${found.at}`)
        for (const example of examples)
          t.ok(Check(part?.['schema'] as object, asObject(example)['value']), `${name} ${found.at}`)
      }
    }
})

t.test('the same tools give the same bytes, and no internal keyword gets out', async t => {
  for (const name of names) {
    const copies = awkwardTools.map(tool => ({
      ...tool,
      input: structuredClone(tool.input),
      output: structuredClone(tool.output),
    }))
    const json = JSON.stringify(make(name))
    t.equal(json, JSON.stringify(make(name, copies)), name)
    t.notMatch(json, 'x-toolgate', name)
  }
})

t.test('the core is flat, speaks of files in words and shows artifacts as URLs', async t => {
  t.same(post(make('core'), '/tools/draw_boxes'), {
    operationId: 'draw_boxes',
    summary: 'Draws boxes on a picture.',
    description: 'Draws boxes on a picture.',
    'x-openai-isConsequential': false,
    requestBody: {
      required: true,
      content: {
        'application/json': {
          schema: {
            type: 'object',
            properties: {
              image: {
                type: 'string',
                description:
                  'The picture. Given as an https URL, a data: URL, or the id of an uploaded file (POST /files).',
              },
              labels: {
                type: 'string',
                description:
                  'Labels. Several values are separated by commas, or given as a JSON array.',
              },
              threshold: {
                type: 'number',
                description: 'Least score. 0 to 1.',
                minimum: 0,
                maximum: 1,
              },
            },
            required: ['image'],
          },
          examples: { example1: { value: { image: 'https://example.com/cat.jpg' } } },
        },
      },
    },
    responses: {
      200: {
        description: 'Draw boxes',
        content: {
          'application/json': {
            schema: {
              type: 'object',
              properties: {
                width: { type: 'integer', description: 'Pixels' },
                picture: {
                  type: 'string',
                  description: 'The picture with boxes. A URL of type image/png.',
                },
              },
              required: ['width'],
            },
            examples: { example1: { value: { width: 3, picture: `${origin}/files/ab.png` } } },
          },
        },
      },
      default: {
        description: 'What went wrong, and what to change',
        content: {
          'application/json': {
            schema: {
              type: 'object',
              properties: {
                error: {
                  type: 'object',
                  properties: {
                    code: {
                      type: 'string',
                      description: 'A fixed code such as TG_ARGUMENT_INVALID.',
                    },
                    message: { type: 'string', description: 'What went wrong.' },
                    hint: { type: 'string', description: 'What to change.' },
                    details: {
                      type: 'object',
                      description: 'Facts about this error.',
                      properties: {},
                    },
                    requestId: { type: 'string', description: 'Names this request in the log.' },
                  },
                  required: ['code', 'message', 'requestId'],
                },
              },
              required: ['error'],
            },
          },
        },
      },
    },
  })
})

t.test('security stands in the scheme and in each tool, or nowhere', async t => {
  for (const name of names) {
    t.notMatch(JSON.stringify(make(name)), /"security"|securitySchemes/, `${name} without a key`)
    const document = make(name, awkwardTools, { secured: true })
    t.same(Object.keys(document.components?.securitySchemes ?? {}), ['bearerAuth'])
    for (const { operation } of toolOperationsOf(asObject(document)))
      t.same(operation['security'], [{ bearerAuth: [] }], name)
  }
})

t.test('Open WebUI gets the bytes of the core', async t => {
  t.equal(JSON.stringify(make('openwebui')), JSON.stringify(make('core')))
})

t.test('Dify gets 99 operations at most, the rest is counted', async t => {
  const document = make('dify', many(120))
  t.equal(Object.keys(document.paths ?? {}).length, 99)
  t.ok(post(document, '/dify/tools/tool_0'))
  t.match(document.info.description, '21 more are not in this document')
})

t.test('GPT gets 30 operations at most and less than 1 MB, the rest is counted', async t => {
  const document = make('gpt', many(31), { omitted: 2 })
  t.equal(Object.keys(document.paths ?? {}).length, 30)
  t.match(document.info.description, '3 more are not in this document')
  const huge: Tool = {
    ...ownTools[0]!,
    examples: Array.from({ length: 100 }, () => ownTools[0]!.examples[0]!),
  }
  const cut = make('gpt', many(20, huge))
  t.ok(Buffer.byteLength(JSON.stringify(cut, null, 2)) < 1_000_000)
  t.ok(Object.keys(cut.paths ?? {}).length > 2)
})

t.test('GPT gives the files of its conversation under one name, and needs no URL then', async t => {
  const [body] = bodiesOf({
    path: '',
    method: 'post',
    at: '',
    operation: asObject(post(make('gpt'), '/gpt/tools/listen')),
  })
  t.match(body?.schema, {
    properties: {
      audio: { type: 'string' },
      openaiFileIdRefs: { type: 'array', items: { type: 'string' }, description: /audio, script/ },
    },
    required: [],
  })
  t.notMatch(JSON.stringify(post(make('gpt'), '/gpt/tools/lists')), 'openaiFileIdRefs')
  t.equal(
    (post(make('gpt'), '/gpt/tools/lists') as Record<string, unknown>)['x-openai-isConsequential'],
    true,
    'what may change something asks',
  )
})

t.test('Coze gets OpenAPI 3.0.3 with its mark on files', async t => {
  const document = make('coze', [
    ...awkwardTools,
    ...many(1, {
      ...ownTools[5]!,
      input: { type: 'object', properties: { any: { type: 'string', 'x-toolgate-file': 'any' } } },
    }),
  ])
  t.equal(document.openapi, '3.0.3')
  const schema = (path: string) =>
    bodiesOf({ path, method: 'post', at: '', operation: asObject(post(document, path)) })[0]?.schema
  t.match(schema('/tools/listen'), {
    properties: { audio: { 'x-assist-type': 'audio' }, script: { 'x-assist-type': 'doc' } },
  })
  t.match(schema('/tools/canny'), { properties: { image: { 'x-assist-type': 'image' } } })
  t.match(schema('/tools/tool_0'), { properties: { any: { 'x-assist-type': 'default' } } })
  t.notOk('required' in (schema('/tools/no_arguments') ?? {}), '3.0 forbids an empty list')
})

t.test('a document has the title and version it is given', async t => {
  t.match(make('core', awkwardTools, { title: 'Mine', version: '2.0.0' }).info, {
    title: 'Mine',
    version: '2.0.0',
    description: /^12 tools of/,
  })
  t.match(
    make('core', [ownTools[0]!], { omitted: 1 }).info.description,
    /^1 tool of .* 1 more is not/,
  )
})
