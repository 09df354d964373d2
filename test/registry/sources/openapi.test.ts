import t from 'tap'
import { parseArguments } from '../../../src/registry/parse.ts'
import { lintImported } from '../../../src/registry/lint.ts'
import { describe } from '../../../src/registry/sources/describe.ts'
import type { HttpPlan } from '../../../src/registry/sources/plan.ts'
import { toTool } from '../../../src/registry/sources/record.ts'
import { buildRequest } from '../../../src/registry/sources/request.ts'
import { parseSource } from '../../../src/registry/sources/source.ts'
import type { JsonObject } from '../../../src/registry/tool.ts'
import { cases, modern } from '../../fixtures/sources/documents.ts'

const url = 'https://small.example/docs/openapi.json'
const source = (more: JsonObject = {}) =>
  parseSource({ name: 'small', kind: 'openapi', url, ...more })
const read = (document: JsonObject | string, more: JsonObject = {}) =>
  describe(source(more), {
    text: typeof document === 'string' ? document : JSON.stringify(document),
    url,
  })
const only = (document: JsonObject | string, more: JsonObject = {}) => {
  const [draft] = read(document, more).drafts
  if (!draft) throw new Error('there is no draft')
  return draft
}

for (const one of cases)
  t.test(`${one.style}: the call goes out as the document says`, async t => {
    const { drafts, quarantined } = read(one.document, one.given ? { headers: one.given } : {})
    if (one.quarantined) {
      t.match(quarantined, [{ reason: one.quarantined }])
      return t.same(drafts, [])
    }
    const [draft] = drafts
    if (!draft) return t.fail('there is no tool')
    const tool = toTool(draft, {
      name: 'small_try',
      definition: source(),
      version: '1.0.0',
      run: async () => ({}),
    })
    t.same(lintImported(tool), [], 'every view can say it')
    if (one.takes) t.same(Object.keys(draft.input['properties'] as object), one.takes)
    const headers = Object.entries(one.given ?? {}).map(([name, value]) => [
      name.toLowerCase(),
      value,
    ])
    const wire = await buildRequest(draft.call as HttpPlan, {
      tool: 'small_try',
      input: parseArguments(tool, one.input ?? {}),
      headers: Object.fromEntries(headers) as Record<string, string>,
      sendsCredentials: true,
      readFile: async () => Buffer.from(''),
    })
    t.equal(`${wire.method} ${wire.url.replace('https://small.example', '')}`, one.sends)
    if (one.headers) t.match(wire.headers, one.headers)
    if (one.type) t.equal(wire.headers['content-type'], one.type)
    if (typeof one.body === 'object') t.same(JSON.parse(String(wire.body)), one.body)
    else if (one.body !== undefined) t.equal(wire.body, one.body)
    if (one.loses) t.match(draft.losses.join('\n'), one.loses)
    else t.same(draft.losses, [])
  })

t.test('a document has the tools that include and exclude let in', async t => {
  const names = ['listPets', 'makePet', 'listToys']
  const document = {
    ...modern(['get', '/x']),
    paths: Object.fromEntries(
      names.map(operationId => [`/${operationId}`, { get: { operationId } }]),
    ),
  }
  const locals = (more: JsonObject) => read(document, more).drafts.map(({ local }) => local)
  t.same(locals({}), ['list_pets', 'make_pet', 'list_toys'])
  t.same(locals({ include: ['list*'] }), ['list_pets', 'list_toys'])
  t.same(locals({ include: ['list*'], exclude: ['*_toys'] }), ['list_pets'])
  t.match(read(document, { include: ['none'] }).notes, [/no operations that were asked for/])
})

t.test('what is no document is an error that says what it is', async t => {
  for (const [name, text, message] of [
    ['nothing', '', /nothing instead/],
    ['a page', '<!doctype html><title>Hi</title>', /markup instead/],
    ['broken JSON', '{"openapi": ', /broken JSON/],
    ['other JSON', '{"a": 1}', /neither openapi/],
    ['a list', '[1]', /neither openapi/],
    ['OpenAPI 1', 'swaggerVersion: "1.2"', /neither openapi/],
    ['broken YAML', 'a: [1\nb: }', /neither JSON nor YAML/],
    ['too many aliases', `a: &a [x, x]\n${bomb()}`, /neither JSON nor YAML/],
  ] as const)
    t.throws(() => read(text), { code: 'TG_UPSTREAM_INVALID', message }, name)
})

/** Each line holds the one before twice: 2^30 nodes when written out. */
const bomb = (): string =>
  Array.from({ length: 30 }, (_, at) => {
    const [name, before] = [String.fromCharCode(98 + at), String.fromCharCode(97 + at)]
    return `k${at}: &${name.replace(/[^a-z]/, `z${at}`)} [*${before.replace(/[^a-z]/, `z${at - 1}`)}, *${before.replace(/[^a-z]/, `z${at - 1}`)}]`
  }).join('\n')

t.test('answers keep their schema, and what is no object stands under result', async t => {
  const answer = (content: JsonObject) =>
    only(modern(['get', '/find'], { responses: { 200: { content } } }))
  const object = { type: 'object', properties: { a: { type: 'integer' } }, required: ['a'] }
  t.match(answer({ 'application/json': { schema: object } }), {
    output: object,
    call: { answer: { as: 'object' } },
  })
  t.match(answer({ 'application/json': { schema: { type: 'array', items: {} } } }).output, {
    properties: { result: { type: 'array' } },
    required: ['result'],
  })
  t.match(answer({ 'text/csv': {} }), { call: { answer: { as: 'text' } } })
  t.match(answer({ 'image/png': {} }), {
    output: { properties: { image: { 'x-toolgate-artifact': 'image/png' } } },
    call: { answer: { as: 'file', name: 'image' } },
  })
  t.match(answer({ 'application/pdf': { schema: { type: 'string', format: 'binary' } } }), {
    output: { properties: { file: { 'x-toolgate-artifact': 'application/pdf' } } },
  })
  t.match(answer({ 'application/xml': {}, 'application/json': { schema: object } }), {
    call: { answer: { as: 'object' } },
  })
  const created = {
    responses: { 404: {}, 201: { content: { 'application/json': { schema: object } } } },
  }
  t.match(only(modern(['post', '/make'], created)).output, object)
  t.match(only(modern(['post', '/make'], { responses: { 204: {} } })), {
    output: { properties: { result: {} } },
  })
})

t.test('a file in a form is a file input', async t => {
  const parts = (properties: JsonObject, encoding: JsonObject = {}) =>
    only(
      modern(['post', '/make'], {
        requestBody: {
          content: { 'multipart/form-data': { schema: { type: 'object', properties }, encoding } },
        },
      }),
    )
  const binary = { type: 'string', format: 'binary' }
  const draft = parts(
    {
      photo: { ...binary, description: 'A picture' },
      optional: { anyOf: [binary, { type: 'null' }] },
      modern: { type: 'string', contentMediaType: 'audio/wav' },
      many: { type: 'array', items: binary },
      words: { type: 'string' },
    },
    { photo: { contentType: 'image/png' } },
  )
  t.match(draft.input, {
    properties: {
      photo: { type: 'string', description: 'A picture', 'x-toolgate-file': 'image' },
      optional: { 'x-toolgate-file': 'any' },
      modern: { 'x-toolgate-file': 'audio' },
      many: { 'x-toolgate-file': 'any' },
      words: { type: 'string' },
    },
  })
  t.match(draft.losses, [/several files/])
})

t.test('multipart is written part by part, files with a name and type', async t => {
  const properties = {
    photo: { type: 'string', format: 'binary' },
    words: { type: 'string' },
    tags: { type: 'array', items: { type: 'string' } },
    more: { type: 'object' },
  }
  const { call } = only(
    modern(['post', '/make'], {
      requestBody: {
        content: { 'multipart/form-data': { schema: { type: 'object', properties } } },
      },
    }),
  )
  const file = { id: 'ab.png', name: 'a "b', mediaType: 'image/png', bytes: 3, sha256: 'ab' }
  const wire = await buildRequest(call as HttpPlan, {
    tool: 'try',
    input: { photo: file, words: '你好', tags: ['a', 'b'], more: { c: 1 } },
    headers: {},
    sendsCredentials: true,
    readFile: async () => Buffer.from('PNG'),
  })
  const form = await new Response(wire.body as Uint8Array<ArrayBuffer>, {
    headers: { 'content-type': wire.headers['content-type'] ?? '' },
  }).formData()
  t.same(form.getAll('tags'), ['a', 'b'])
  t.equal(form.get('words'), '你好')
  const photo = form.get('photo') as File
  t.match([photo.name, photo.type, await photo.text()], ['a "b.png', 'image/png', 'PNG'])
  t.equal(form.get('more'), '{"c":1}')
})

t.test('a raw file is sent as the body', async t => {
  const { call, input } = only(
    modern(['put', '/make'], { requestBody: { required: true, content: { 'image/*': {} } } }),
  )
  t.match(input, { properties: { image: { 'x-toolgate-file': 'image' } }, required: ['image'] })
  const file = { id: 'ab.png', name: 'a.png', mediaType: 'image/png', bytes: 3, sha256: 'ab' }
  const wire = await buildRequest(call as HttpPlan, {
    tool: 'try',
    input: { image: file },
    headers: {},
    sendsCredentials: true,
    readFile: async () => Buffer.from('PNG'),
  })
  t.match(wire, { method: 'PUT', headers: { 'content-type': 'image/png' } })
  t.equal(String(wire.body), 'PNG')
})

t.test('a value that would leave its place is refused', async t => {
  const build = (document: JsonObject, input: JsonObject) =>
    buildRequest(only(document).call as HttpPlan, {
      tool: 'try',
      input,
      headers: {},
      sendsCredentials: true,
      readFile: async () => Buffer.from(''),
    })
  const path = modern(['get', '/a/{id}/b'])
  for (const id of ['', '.', '..'])
    await t.rejects(build(path, { id }), { code: 'TG_ARGUMENT_INVALID' }, `id "${id}"`)
  const header = modern(['get', '/a'], {
    parameters: [{ name: 'h', in: 'header', schema: { type: 'string' } }],
  })
  await t.rejects(build(header, { h: 'a\r\nhost: b' }), { code: 'TG_ARGUMENT_INVALID' })
  await t.rejects(build(header, { h: '上海' }), { code: 'TG_ARGUMENT_INVALID' })
})

t.test('texts are bounded, and hide nothing', async t => {
  const draft = only(
    modern(['get', '/find'], {
      summary: 'Finds\u202e things\u{e0041}\u0007',
      description: 'x'.repeat(5_000),
      tags: Array.from({ length: 50 }, (_, at) => `tag ${at}`),
    }),
  )
  t.equal(draft.title, 'Finds things')
  t.equal(draft.description.length, 4_096)
  t.ok(draft.description.endsWith('…'))
  t.equal(draft.tags.length, 8)
  t.match(draft.losses, [/cut at 4096/])
})

t.test('references that fan out are cut, and the report says so', async t => {
  const schemas = Object.fromEntries(
    Array.from({ length: 30 }, (_, at) => [
      `S${at}`,
      {
        type: 'object',
        properties: Object.fromEntries(
          ['a', 'b', 'c', 'd'].map(name => [name, { $ref: `#/components/schemas/S${at + 1}` }]),
        ),
      },
    ]),
  )
  const draft = only(
    modern(
      ['get', '/find'],
      {
        responses: {
          200: { content: { 'application/json': { schema: { $ref: '#/components/schemas/S0' } } } },
        },
      },
      { components: { schemas } },
    ),
  )
  t.ok(JSON.stringify(draft.output).length < 70_000)
  t.match(draft.losses, [/too large to be shown whole/])
})
