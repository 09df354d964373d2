import Type from 'typebox'
import t from 'tap'
import { Artifact, defineTool } from '../../../src/registry/tool.ts'
import { agentLegoApp } from '../../fixtures/agentlego-app.ts'
import { broken, greet, keyed, mirror, waiting } from '../../fixtures/face-tools.ts'
import { gatewayOf } from '../../fixtures/gateway.ts'

const silent = defineTool({
  name: 'silent',
  title: 'Silent',
  description: 'Says nothing and draws.',
  input: Type.Object({}),
  output: Type.Object({ picture: Artifact('image/png', { description: 'Drawn' }) }),
  aliases: { agentlego: 'Drawing' },
  run: async (_input, { saveFile }) => ({
    picture: await saveFile({
      bytes: Buffer.from('drawn'),
      mediaType: 'image/png',
      name: 'drawn.png',
    }),
  }),
})
const older = defineTool({
  name: 'older',
  title: 'Older',
  description: 'Greets as it did.',
  input: Type.Object({ name: Type.String({ description: 'Who', minLength: 1 }) }),
  output: Type.Object({ greeting: Type.String({ description: 'The words' }) }),
  aliases: {
    agentlego: {
      name: 'OldGreeter',
      input: { ...Type.Object({ whom: Type.String({ description: 'Who' }) }) },
      arguments: ({ whom }) => ({ name: whom }),
      text: ({ greeting }) => `<${String(greeting)}>`,
    },
  },
  run: async ({ name }) => ({ greeting: `Good day, ${name}` }),
})
const tools = [greet, mirror, broken, keyed, silent, older]
const form = { 'content-type': 'application/x-www-form-urlencoded' }

/** A form as AgentLego's own client sends it: the file's name is its field's, it has no type. */
function multipart(fields: Record<string, string>, file: { name: string; bytes: string }) {
  const parts = Object.entries(fields).map(
    ([name, value]) => `--x\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  )
  const part = `--x\r\nContent-Disposition: form-data; name="${file.name}"; filename="${file.name}"\r\n\r\n${file.bytes}\r\n`
  return {
    headers: { 'content-type': 'multipart/form-data; boundary=x' },
    payload: `${parts.join('')}${part}--x--\r\n`,
  }
}

t.test('the root leads to the document, which names no servers', async t => {
  const app = await agentLegoApp(gatewayOf(tools))
  const root = await app.inject({ url: '/' })
  t.equal(root.statusCode, 307)
  t.equal(root.headers.location, '/openapi.json')
  const document = (await app.inject({ url: '/openapi.json' })).json()
  t.equal(document.servers, undefined)
  t.same(Object.keys(document.paths).sort(), [
    '/Drawing',
    '/Greeter',
    '/OldGreeter',
    '/broken',
    '/mirror',
  ])
})

t.test('forms and JSON are taken, and the value comes bare', async t => {
  const app = await agentLegoApp(gatewayOf(tools))
  const sent: [object, string | object][] = [
    [form, 'name=Ada&times=2'],
    [{}, { name: 'Ada', times: 2 }],
  ]
  for (const [headers, payload] of sent)
    for (const url of ['/Greeter', '/greet']) {
      const response = await app.inject({ method: 'POST', url, headers: { ...headers }, payload })
      t.equal(response.statusCode, 200)
      t.match(response.headers['content-type'], 'application/json')
      t.equal(response.body, '"Hello, Ada!Hello, Ada!"')
    }
})

t.test('a picture comes in as a file part and goes out as base64 without a prefix', async t => {
  const app = await agentLegoApp(gatewayOf(tools))
  const response = await app.inject({
    method: 'POST',
    url: '/mirror',
    ...multipart({}, { name: 'image', bytes: 'picture' }),
  })
  t.same(response.json(), [
    'A picture of 7 bytes.',
    Buffer.from('picture').toString('base64'),
    Buffer.from('RIFF').toString('base64'),
  ])
})

t.test('an old tool that only drew gives its picture alone, and takes no body', async t => {
  const app = await agentLegoApp(gatewayOf(tools))
  const response = await app.inject({ method: 'POST', url: '/Drawing' })
  t.equal(response.json(), Buffer.from('drawn').toString('base64'))
})

t.test('an alias reads its own arguments and writes its own text', async t => {
  const app = await agentLegoApp(gatewayOf(tools))
  const post = (payload: string) =>
    app.inject({ method: 'POST', url: '/OldGreeter', headers: form, payload })
  t.equal((await post('whom=Ada')).body, '"<Good day, Ada>"')
  const response = await post('name=Ada')
  t.equal(response.statusCode, 422)
  t.match(response.json(), {
    detail: [{ loc: ['body', 'name'], msg: /OldGreeter has no argument "name"/ }],
  })
})

t.test('a wrong argument is a 422 that names it, any other failure a 400', async t => {
  const app = await agentLegoApp(gatewayOf(tools))
  const failures: [url: string, body: string, status: number, detail: unknown][] = [
    [
      '/Greeter',
      '',
      422,
      [{ type: 'missing', loc: ['body', 'name'], msg: /^TG_ARGUMENT_MISSING: / }],
    ],
    ['/Greeter', 'name=A&tims=2', 422, [{ type: 'extra_forbidden', loc: ['body', 'tims'] }]],
    ['/Greeter', 'name=A&times=9', 422, [{ type: 'value_error', loc: ['body', 'times'] }]],
    ['/broken', 'how=upstream', 400, /^TG_UPSTREAM_FAILED: example.com failed/],
    ['/broken', 'how=busy', 400, /^TG_RATE_LIMITED: /],
    ['/broken', 'how=bug', 400, /^TG_INTERNAL: /],
    ['/keyed', '', 400, /^TG_UNAVAILABLE: /],
    ['/great', '', 404, /^TG_TOOL_UNKNOWN: .*did you mean "greet"/],
  ]
  for (const [url, payload, status, detail] of failures) {
    const response = await app.inject({ method: 'POST', url, headers: form, payload })
    t.equal(response.statusCode, status, `${url} ${payload}`)
    t.match(response.json(), { detail })
    t.notMatch(response.body, /secret/)
  }
  const busy = await app.inject({ method: 'POST', url: '/broken', payload: { how: 'busy' } })
  t.equal(busy.headers['retry-after'], '3')
})

t.test('a wrong method or path is answered as one', async t => {
  const app = await agentLegoApp(gatewayOf(tools))
  const get = await app.inject({ url: '/Greeter' })
  t.equal(get.statusCode, 405)
  t.equal(get.headers.allow, 'POST')
  t.equal((await app.inject({ url: '/nothing' })).statusCode, 404)
  const deep = await app.inject({ method: 'POST', url: '/a/b', payload: {} })
  t.match(deep.json(), { detail: /^TG_ROUTE_UNKNOWN/ })
  const broken = await app.inject({
    method: 'POST',
    url: '/Greeter',
    headers: { 'content-type': 'application/json' },
    payload: '{',
  })
  t.match(broken.json(), { detail: /^TG_BODY_INVALID/ })
})

t.test('the keys of the gateway hold here too; Basic in the address is enough', async t => {
  const app = await agentLegoApp(gatewayOf(tools), { keys: [{ id: 'me', key: 'a-long-key' }] })
  t.equal((await app.inject({ url: '/openapi.json' })).statusCode, 200, 'the document is public')
  const post = (headers: Record<string, string>) =>
    app.inject({
      method: 'POST',
      url: '/Greeter',
      headers: { ...form, ...headers },
      payload: 'name=Ada',
    })
  const refused = await post({})
  t.equal(refused.statusCode, 401)
  t.match(refused.headers['www-authenticate'], /Basic/)
  t.match(refused.json(), { detail: /^TG_KEY_MISSING/ })
  const basic = Buffer.from('user:a-long-key').toString('base64')
  t.equal((await post({ authorization: `Basic ${basic}` })).statusCode, 200)
})

t.test('a client that goes away ends the call', async t => {
  const { tool, started, ended } = waiting()
  const app = await agentLegoApp(gatewayOf([tool]))
  t.teardown(() => app.close())
  const address = await app.listen({ host: '127.0.0.1', port: 0 })
  const controller = new AbortController()
  const asked = fetch(`${address}/waiting`, { method: 'POST', signal: controller.signal })
  await started
  controller.abort()
  await t.rejects(asked, { name: 'AbortError' })
  t.match(await ended, { code: 'TG_CLIENT_CLOSED' })
})
