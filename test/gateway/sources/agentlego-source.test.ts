import t from 'tap'
import { otherServer } from '../../fixtures/sources/server.ts'
import { sourceGateway } from '../../fixtures/sources/gateway.ts'

const text = { type: 'string' }
const answer = (schema: object) => ({ 200: { content: { 'application/json': { schema } } } })
const operation = (name: string, type: string | undefined, output: object) => ({
  post: {
    operationId: name,
    summary: `${name} of the server.`,
    ...(type
      ? {
          requestBody: {
            required: true,
            content: { [type]: { schema: { $ref: `#/components/schemas/Body_${name}` } } },
          },
        }
      : {}),
    responses: { ...answer(output), 422: { content: { 'application/json': { schema: {} } } } },
  },
})
const multipart = 'multipart/form-data'
const document = {
  openapi: '3.1.0',
  info: { title: 'AgentLego', version: '0.1.0' },
  servers: [{ url: 'http://10.255.255.1:16180' }],
  paths: {
    '/Calculator': operation('Calculator', 'application/x-www-form-urlencoded', text),
    '/TextToBbox': operation('TextToBbox', multipart, text),
    '/Canny': operation('Canny', multipart, { ...text, format: 'image/png;base64' }),
    '/Both': operation('Both', undefined, {
      type: 'array',
      prefixItems: [text, { ...text, format: 'image/png;base64' }, { type: 'integer' }],
    }),
    '/Quiet': operation('Quiet', undefined, { type: 'null' }),
    '/health': { get: { operationId: 'health' } },
  },
  components: {
    schemas: {
      Body_Calculator: {
        type: 'object',
        required: ['expression'],
        properties: { expression: text },
      },
      Body_TextToBbox: {
        allOf: [{ $ref: '#/components/schemas/Real' }],
      },
      Real: {
        type: 'object',
        required: ['image', 'text'],
        properties: {
          image: { ...text, format: 'image;binary', contentMediaType: 'application/octet-stream' },
          text: { ...text, description: 'What to find' },
          top1: { type: 'boolean', default: true },
          limit: { type: 'integer' },
        },
      },
      Body_Canny: {
        type: 'object',
        required: ['image'],
        properties: { image: { ...text, format: 'image;binary' } },
      },
    },
  },
}
const png = Buffer.from('PNG').toString('base64')

t.test('an AgentLego server comes in by its address, and its tools work', async t => {
  const server = await otherServer(t, ({ url, body }) => {
    if (url === '/') return { status: 307, headers: { location: '/openapi.json' } }
    if (url === '/openapi.json') return { body: document }
    if (url === '/Calculator')
      return String(body) === 'expression=bad'
        ? { status: 400, body: { detail: "ValueError('bad x')" } }
        : String(body) === 'expression=late'
          ? { status: 408, body: { detail: 'timed out' } }
          : { body: '"4"' }
    if (url === '/TextToBbox')
      return {
        status: 422,
        body: { detail: [{ type: 'missing', loc: ['body', 'text'], msg: 'Field required' }] },
      }
    if (url === '/Canny') return { body: JSON.stringify(png) }
    if (url === '/Both') return { body: ['words', png, 7] }
    return { body: 'null' }
  })
  const { add, call, context, registry } = await sourceGateway(t)
  const { body } = await add({ name: 'lego', kind: 'agentlego', url: server.url })
  t.match(body, {
    state: 'ready',
    tools: ['lego_calculator', 'lego_text_to_bbox', 'lego_canny', 'lego_both', 'lego_quiet'],
  })
  t.match(registry.get('lego_calculator'), {
    description: 'Calculator of the server.',
    concurrency: 1,
    timeoutMs: 120_000,
    aliases: { agentlego: 'Calculator' },
  })
  t.match(registry.get('lego_text_to_bbox')?.input, {
    required: ['image', 'text'],
    properties: { image: { 'x-toolgate-file': 'image' }, top1: { type: 'boolean', default: true } },
  })
  t.same(await call('lego_calculator', { expression: '2+2' }), { result: '4' })
  t.match(server.got.at(-1), { headers: { 'content-type': 'application/x-www-form-urlencoded' } })
  const photo = context.addFile(Buffer.from('X'), 'photo', 'image/png')
  await t.rejects(call('lego_text_to_bbox', { text: 'cat' }, { image: photo }), {
    code: 'TG_ARGUMENT_INVALID',
    message: 'lego_text_to_bbox: text Field required',
  })
  const sent = String(server.got.at(-1)?.body)
  t.match(sent, /name="top1"\r\n\r\ntrue/)
  t.notMatch(sent, /name="limit"/, 'what is not set is not sent')
  const { image } = await call('lego_canny', {}, { image: photo })
  t.equal(String(context.saved.get(String(image))?.bytes), 'PNG')
  t.match(await call('lego_both'), { result: 'words', image: /artifact/, result_2: 7 })
  t.same(await call('lego_quiet'), { result: null })
  await t.rejects(call('lego_calculator', { expression: 'bad' }), {
    code: 'TG_UPSTREAM_FAILED',
    message: /ValueError\('bad x'\)/,
  })
  await t.rejects(call('lego_calculator', { expression: 'late' }), { code: 'TG_DEADLINE' })
})

t.test('calls of one AgentLego server wait for each other', async t => {
  let [now, most] = [0, 0]
  const server = await otherServer(t, async ({ url }) => {
    if (url === '/openapi.json') return { body: document }
    most = Math.max(most, ++now)
    await new Promise(resolve => setImmediate(resolve))
    now -= 1
    return { body: '"x"' }
  })
  const { add, call } = await sourceGateway(t)
  await add({ name: 'lego', kind: 'agentlego', url: `${server.url}/openapi.json` })
  const calls = ['1', '2', '3'].map(expression => call('lego_calculator', { expression }))
  await Promise.all([...calls, call('lego_quiet')])
  t.equal(most, 1)
})
