import t from 'tap'
import type { Tool } from '../../../src/registry/tool.ts'
import { agentlegoDocument } from '../../../src/registry/views/agentlego-openapi.ts'
import {
  agentlego,
  agentlegoInputs,
  agentlegoOutputs,
} from '../../../src/registry/views/agentlego.ts'
import { awkwardTools } from '../../fixtures/awkward-tools.ts'

const options = { origin: 'https://tools.example', secured: true }
const tool = (name: string): Tool => awkwardTools.find(tool => tool.name === name)!
const document = agentlegoDocument(awkwardTools, options)

t.test('a tool is stated as AgentLego states its own', async t => {
  t.same(agentlego([tool('draw_boxes')], options), [
    {
      cls: 'DrawBox',
      module: 'agentlego.tools.remote',
      desc: 'Draws boxes on a picture.',
      inputs: [
        {
          name: 'image',
          type: 'ImageIO',
          desc: 'The picture',
          optional: false,
          default: null,
          filetype: null,
        },
        {
          name: 'labels',
          type: 'str',
          desc: 'Labels. Several values are separated by commas, or given as a JSON array.',
          optional: true,
          default: null,
          filetype: null,
        },
        {
          name: 'threshold',
          type: 'float',
          desc: 'Least score. 0 to 1.',
          optional: true,
          default: null,
          filetype: null,
        },
      ],
      outputs: [{ name: null, type: 'str', desc: null, filetype: null }],
      init: '(self, toolmeta=None)',
      agent_desc:
        'Draws boxes on a picture.\nArgs: image (path, The picture); labels (str, Labels. Several values are separated by commas, or given as a JSON array.. Optional, Defaults to None); threshold (float, Least score. 0 to 1.. Optional, Defaults to None)\nReturns: str',
    },
  ])
  const [choices] = agentlego([tool('choices')], options)
  t.match(
    choices?.agent_desc,
    /exact \(bool, Exactly\. Default false\.\. Optional, Defaults to False\).*Returns: str$/s,
  )
  t.match(agentlego([tool('listen')], options)[0]?.inputs[1], { type: 'File', filetype: 'file' })
})

t.test('an answer is the text, the files, or both', async t => {
  const kinds = (name: string, aliases = tool(name).aliases) =>
    agentlegoOutputs({ ...tool(name), aliases }).map(({ kind }) => kind)
  t.same(kinds('lists'), ['text'])
  t.same(kinds('draw_boxes'), ['text'], 'a picture that may be missing is none')
  t.same(kinds('canny'), ['file'], 'an alias without a text of its own is its files')
  t.same(kinds('canny', {}), ['file'], 'nothing but a picture is a picture')
  t.same(kinds('listen'), ['text', 'file'])
  t.same(kinds('listen', { agentlego: 'SpeechToText' }), ['file'])
  t.same(kinds('listen', { agentlego: { name: 'X', text: () => '' } }), ['text', 'file'])
})

t.test('an alias may have arguments of its own', async t => {
  const alias = {
    name: 'Search',
    description: 'Finds',
    input: { type: 'object', properties: { query: { type: 'string' } }, required: ['query'] },
  }
  const inputs = agentlegoInputs({ ...tool('lists'), aliases: { agentlego: alias } })
  t.same(inputs, [
    { name: 'query', property: { type: 'string', description: 'query' }, required: true },
  ])
})

t.test('the document is the one of agentlego-server', async t => {
  t.notOk('servers' in document, 'a client goes on where it fetched it')
  t.same(document.info, { title: 'AgentLego', version: '0.1.0' })
  t.same(document.paths?.['/DrawBox'], {
    post: {
      summary: 'Draws boxes on a picture.',
      operationId: 'DrawBox',
      requestBody: {
        required: true,
        content: {
          'multipart/form-data': { schema: { $ref: '#/components/schemas/Body_DrawBox' } },
        },
      },
      responses: {
        200: {
          description: 'Successful Response',
          content: {
            'application/json': { schema: { type: 'string', title: 'Response Drawbox' } },
          },
        },
        422: {
          description: 'Validation Error',
          content: {
            'application/json': { schema: { $ref: '#/components/schemas/HTTPValidationError' } },
          },
        },
      },
    },
  })
  t.same(document.components?.schemas?.['Body_DrawBox'], {
    properties: {
      image: { type: 'string', format: 'image;binary', title: 'Image', description: 'The picture' },
      labels: {
        type: 'string',
        title: 'Labels',
        description: 'Labels. Several values are separated by commas, or given as a JSON array.',
      },
      threshold: { type: 'string', title: 'Threshold', description: 'Least score. 0 to 1.' },
    },
    type: 'object',
    required: ['image'],
    title: 'Body_DrawBox',
  })
})

t.test('forms, bare values and several of them', async t => {
  const operation = (path: string) =>
    document.paths?.[path]?.post as Record<string, never> | undefined
  t.match(operation('/lists'), {
    requestBody: { content: { 'application/x-www-form-urlencoded': {} } },
  })
  t.notOk('requestBody' in (operation('/no_arguments') ?? {}), 'no arguments, no body')
  t.match(operation('/ImageToCanny'), {
    responses: {
      200: {
        content: {
          'application/json': {
            schema: { type: 'string', format: 'image/png;base64', description: 'Edges' },
          },
        },
      },
    },
  })
  t.match(operation('/listen'), {
    responses: {
      200: {
        content: {
          'application/json': {
            schema: {
              type: 'array',
              prefixItems: [{ type: 'string' }, { type: 'string', format: 'audio/wav;base64' }],
              minItems: 2,
              maxItems: 2,
            },
          },
        },
      },
    },
  })
  t.match(document.components?.schemas?.['Body_listen'], {
    properties: { audio: { format: 'audio;binary' }, script: { format: 'file;binary' } },
    required: ['audio'],
  })
  t.match(document.components?.schemas?.['Body_choices'], {
    properties: { days: { type: 'integer', default: 3, title: 'Days' }, ratio: { type: 'number' } },
  })
  t.notOk('required' in (document.components?.schemas?.['Body_far_alternatives'] ?? {}))
})

t.test('every answer that is stated is JSON, since its client fails over any other', async t => {
  for (const [path, item] of Object.entries(document.paths ?? {}))
    for (const response of Object.values(item?.post?.responses ?? {}))
      t.same(Object.keys((response as { content: object }).content), ['application/json'], path)
})
