import t from 'tap'
import { lintDocument } from '../../../src/registry/lint.ts'
import { mergeFull } from '../../../src/registry/views/full.ts'
import type { Document, Operation } from '../../../src/registry/views/openapi.ts'
import { asObject } from '../../../src/registry/views/walk.ts'
import { awkwardTools, imported } from '../../fixtures/awkward-tools.ts'

const options = { origin: 'https://tools.example', secured: true }
const route = (summary?: string) => ({
  ...(summary ? { summary } : {}),
  responses: { 200: { description: 'OK' } },
})
const fixed = {
  openapi: '3.1.0',
  info: { title: '', version: '' },
  components: { schemas: { Card: { type: 'object' } } },
  paths: {
    '/tools/{name}': { post: route() },
    '/dify/tools/{name}': { post: route() },
    '/docs/assets/{file}': { get: route() },
    '/files/*': { get: route() },
    '/': { get: route() },
    '/registry': { get: route('Lists the tools'), head: route() },
    '/registry/tools/{name}': {
      get: { ...route(), operationId: 'card', description: 'x'.repeat(400), security: [] },
    },
    '/llm/nodes': { delete: {} },
  },
} as unknown as Document
const document = mergeFull(fixed, awkwardTools, options)
const post = (name: string): Operation => document.paths?.[`/tools/${name}`]?.post as Operation

t.test('fixed routes stand beside the tools, each with what the checklist wants', async t => {
  t.same(lintDocument(document, 'full'), [])
  t.same(
    Object.keys(document.paths ?? {}).slice(awkwardTools.length),
    ['/', '/registry', '/registry/tools/{name}', '/llm/nodes'],
    'what stands once a tool, or is no API, is left out',
  )
  t.match(document.paths?.['/registry'], {
    get: {
      operationId: 'get_registry',
      summary: 'Lists the tools',
      description: 'Lists the tools',
      security: [{ bearerAuth: [] }],
    },
  })
  t.notOk('head' in (document.paths?.['/registry'] ?? {}))
  t.match(document.paths?.['/registry/tools/{name}'], {
    get: { operationId: 'card', security: [] },
  })
  t.match(document.paths?.['/'], { get: { operationId: 'get_root', summary: 'GET /' } })
  t.match(document.paths?.['/llm/nodes'], {
    delete: { responses: { 200: { description: 'Done' } } },
  })
  t.ok(document.components?.schemas?.['Card'] && document.components.schemas['Error'])
})

t.test('a tool is said with real lists, nesting and unions', async t => {
  t.match(post('lists').requestBody, {
    content: {
      'application/json': {
        schema: {
          properties: {
            tags: { type: 'array', items: { type: 'string', enum: ['red', 'green', 'blue'] } },
          },
        },
      },
    },
  })
  t.match(post('choices').responses?.['200'], {
    content: {
      'application/json': {
        schema: { properties: { level: { anyOf: [{ type: 'integer' }, { type: 'null' }] } } },
      },
    },
  })
  t.match(post('far_unions').requestBody, {
    content: {
      'application/json': {
        schema: {
          properties: {
            any: {
              anyOf: [
                { type: 'string' },
                { type: 'number' },
                { type: 'boolean' },
                { type: 'object' },
                { type: 'array' },
                { type: 'null' },
              ],
            },
          },
        },
      },
    },
  })
  const never = mergeFull(
    fixed,
    [imported('never', { properties: { a: false }, required: ['a'] }, {})],
    options,
  )
  t.match(never.paths?.['/tools/never']?.post?.requestBody, {
    content: { 'application/json': { schema: { properties: { a: { type: 'null' } } } } },
  })
})

t.test('files come as parts of a form too, and pictures as themselves', async t => {
  t.match(post('draw_boxes').requestBody, {
    content: {
      'multipart/form-data': {
        schema: {
          properties: { image: { type: 'string', format: 'binary' }, labels: { type: 'string' } },
          required: ['image'],
        },
      },
    },
  })
  t.match(post('draw_boxes').responses?.['200'], {
    headers: { 'Cache-Status': {}, Age: {} },
    content: {
      'image/png': { schema: { format: 'binary' } },
      'text/plain': { examples: { example1: { value: '{"width":3,"picture":"ab.png"}' } } },
    },
  })
  t.notOk(
    'audio/wav' in asObject(asObject(post('listen').responses?.['200'])['content']),
    'only pictures are served so',
  )
})

t.test('every error is stated, once', async t => {
  const statuses = Object.keys(post('lists').responses ?? {})
  t.same(statuses, [
    '200',
    '400',
    '401',
    '403',
    '404',
    '408',
    '413',
    '415',
    '422',
    '429',
    '500',
    '502',
    '503',
    '504',
  ])
  t.match(document.components?.responses, {
    Error429: { headers: { 'Retry-After': {} }, description: /TG_RATE_LIMITED: / },
    Error400: {
      content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
    },
  })
  const open = mergeFull(fixed, awkwardTools, { ...options, secured: false })
  t.notOk('Error401' in (open.components?.responses ?? {}), 'none of keys where none is needed')
})
