import Type from 'typebox'
import t from 'tap'
import { defineTool } from '../../../src/registry/tool.ts'
import { broken, greet, keyed, mirror } from '../../fixtures/face-tools.ts'
import { gatewayOf } from '../../fixtures/gateway.ts'
import { lagentApp } from '../../fixtures/lagent-app.ts'

const words = Type.Object({ said: Type.String({ description: 'Said' }) })
const query = { ...Type.Object({ query: Type.String({ description: 'Words' }) }) }
const search = defineTool({
  name: 'paper_search',
  title: 'Papers',
  description: 'Finds papers.',
  input: Type.Object({ words: Type.String({ description: 'Words' }) }),
  output: words,
  aliases: {
    lagent: {
      name: 'Papers.find',
      input: query,
      arguments: args => ({ words: args['query'] }),
      text: ({ said }) => `Found: ${String(said)}`,
    },
  },
  run: async ({ words: said }) => ({ said: `${said} 🙂 caf\u00e9 \u4e2d` }),
})
const twins = ['a', 'b'].map(method =>
  defineTool({
    name: `twin_${method}`,
    title: method,
    description: 'One of two.',
    input: Type.Object({}),
    output: words,
    aliases: { lagent: `Twin.${method}` },
    run: async () => ({ said: method }),
  }),
)
const tools = [greet, mirror, broken, keyed, search, ...twins]

t.test('a call gives what Lagent gives, in its own order', async t => {
  const app = await lagentApp(gatewayOf(tools))
  for (const action of ['Greeter.greet_somebody', 'Greeter', 'greet']) {
    const response = await app.inject({
      method: 'POST',
      url: `/lagent/${action}`,
      payload: { name: 'Ada' },
    })
    t.equal(response.statusCode, 200)
    t.equal(
      response.body,
      '{"args":{"name":"Ada"},"url":null,"type":"Greeter","result":[{"type":"text","content":"Hello, Ada!"}],"errmsg":null,"state":0,"thought":null,"valid":0}',
    )
  }
})

t.test('an older method reads its arguments, shows a dictionary and keeps to GBK', async t => {
  const app = await lagentApp(gatewayOf(tools))
  const response = await app.inject({
    method: 'POST',
    url: '/lagent/Papers.find',
    payload: { query: 'llm' },
  })
  t.match(response.json(), {
    type: 'Papers',
    args: { query: 'llm' },
    result: [{ type: 'text', content: '{"content": "Found: llm café 中"}' }],
  })
})

t.test('files are shown by their addresses, by kind', async t => {
  const gateway = gatewayOf(tools)
  const { id } = await gateway.saveFile({
    bytes: Buffer.from('picture'),
    mediaType: 'image/png',
    name: 'a.png',
  })
  const app = await lagentApp(gateway)
  const response = await app.inject({
    method: 'POST',
    url: '/lagent/mirror',
    payload: { image: id },
  })
  t.match(response.json().result, [
    { type: 'text', content: 'A picture of 7 bytes.' },
    { type: 'image', content: /^http.*\.png$/ },
    { type: 'audio', content: /^http.*\.wav$/ },
  ])
})

t.test(
  'a failure has an honest status, the number of its kind and the text of every face',
  async t => {
    const app = await lagentApp(gatewayOf(tools))
    const failures: [action: string, payload: object | string, status: number, told: object][] = [
      ['greet', {}, 400, { state: -1001, type: 'greet', errmsg: /^TG_ARGUMENT_MISSING: / }],
      ['Greeter', { nam: 1 }, 400, { state: -1001, type: 'Greeter', args: { nam: 1 } }],
      [
        'Papers.find',
        { words: 'x' },
        400,
        { state: -1001, errmsg: /Papers\.find has no argument "words"/ },
      ],
      ['broken', { how: 'upstream' }, 502, { state: -1000, errmsg: /^TG_UPSTREAM_FAILED: / }],
      ['broken', { how: 'refused' }, 422, { state: -1002, result: null, valid: 0 }],
      ['broken', { how: 'bug' }, 500, { state: -1002, errmsg: /^TG_INTERNAL: / }],
      ['keyed', {}, 503, { state: -1002, errmsg: /set SOME_KEY/ }],
      ['nothing', {}, 404, { state: -1002, type: 'InvalidAction', valid: -2 }],
      ['Twin', {}, 404, { state: -1002, type: 'InvalidAction' }],
      ['greet', '{', 400, { state: -1001, errmsg: /^TG_BODY_INVALID: /, args: {} }],
    ]
    for (const [action, payload, status, told] of failures) {
      const response = await app.inject({
        method: 'POST',
        url: `/lagent/${action}`,
        headers: { 'content-type': 'application/json' },
        payload,
      })
      t.equal(response.statusCode, status, action)
      t.match(response.json(), told)
    }
  },
)

t.test('a missing key, too, is told in the form that Lagent reads', async t => {
  const app = await lagentApp(gatewayOf(tools), [{ id: 'me', key: 'a-long-key' }])
  const response = await app.inject({ method: 'POST', url: '/lagent/greet', payload: {} })
  t.equal(response.statusCode, 401)
  t.match(response.json(), { state: -1002, errmsg: /^TG_KEY_MISSING/ })
})
