import t from 'tap'
import { echo, locked, testApp } from '../../fixtures/app.ts'
import { startStandIn } from '../../fixtures/llm/stand-in.ts'
import { echoTool } from '../../fixtures/tools.ts'
import { until } from '../../fixtures/until.ts'

const secret = echoTool({ name: 'secret_echo', tags: ['secret'] })
const keys = [
  { id: 'all', key: 'of all', scopes: {} },
  { id: 'words', key: 'of words', scopes: { tags: ['words'] } },
  { id: 'small', key: 'of small', scopes: { models: ['tiny*'] } },
]

/** A gateway with keys before a model that wants to call every tool. */
async function gateway(t: Parameters<typeof testApp>[0], file: object = {}) {
  const call = (name: string) => ({ name, arguments: '{"text": "x"}' })
  const node = await startStandIn({
    script: [{ text: ['I call.'], calls: [call('secret_echo')] }, { text: ['Done.'] }],
  })
  const { app } = await testApp(t, {
    tools: [echo, locked, secret],
    env: { LMDEPLOY_URL: node.url },
    file: { keys, ...file },
  })
  t.teardown(() => node.stop())
  const ask = (id: string, url: string, payload?: object) =>
    app.inject({
      method: payload ? 'POST' : 'GET',
      url,
      headers: { authorization: `Bearer of ${id}` },
      ...(payload ? { payload } : {}),
    })
  return { node, ask }
}

const chat = '/v1/chat/completions'
const body = {
  model: 'test-model',
  messages: [{ role: 'user', content: 'Call them.' }],
  toolgate: { tools: ['*'] },
}

t.test('the loop of a chat offers and runs the tools of its key alone', async t => {
  const { node, ask } = await gateway(t)
  const answer = (await ask('words', chat, body)).json()
  const [first] = node.to(chat)
  t.notMatch(JSON.stringify(first?.json), 'secret_echo')
  t.match(JSON.stringify(first?.json), '"echo"')
  const [result] = answer.toolgate.steps.filter(
    ({ phase }: { phase: string }) => phase === 'result',
  )
  t.match(result, { tool: 'secret_echo', error: { code: 'TG_TOOL_UNKNOWN' } })
})

t.test('with a key for all of them it runs all of them', async t => {
  const { ask } = await gateway(t)
  const answer = (await ask('all', chat, body)).json()
  t.match(answer.toolgate.steps.at(-1), { tool: 'secret_echo', phase: 'result' })
  t.notOk(answer.toolgate.steps.at(-1).error)
})

t.test('a model that a key is not for does not exist for it', async t => {
  const { node, ask } = await gateway(t)
  await until('the node was asked for its models', async () =>
    (await ask('all', '/v1/models')).body.includes('test-model'),
  )
  t.same((await ask('small', '/v1/models')).json().data, [])
  t.equal((await ask('all', '/v1/models/test-model')).statusCode, 200)
  t.equal((await ask('small', '/v1/models/test-model')).statusCode, 404)
  const { toolgate: _, ...plain } = body
  const paths: Record<string, object> = {
    [chat]: plain,
    '/v1/completions': { model: 'test-model', prompt: 'x' },
    '/v1/messages': { ...plain, max_tokens: 5 },
    '/v1/messages/count_tokens': plain,
    '/v1/responses': { model: 'test-model', input: 'x' },
    '/v1/embeddings': { model: 'test-model', input: 'x' },
  }
  const before = node.to(chat).length
  for (const [path, payload] of Object.entries(paths)) {
    const answer = await ask('small', path, payload)
    t.equal(answer.statusCode, 404, `${path} ${answer.body}`)
    t.notMatch(answer.body, 'did you mean')
  }
  t.equal(
    (await ask('small', '/v1/embeddings', { input: 'x' })).statusCode,
    400,
    'one is to be named',
  )
  t.equal(node.to(chat).length, before, 'and no node has heard of it')
})

t.test("a pattern that names no tool is a mistake in the request's own member", async t => {
  const { ask } = await gateway(t)
  const answer = await ask('words', chat, { ...body, toolgate: { tools: ['ecko'] } })
  t.equal(answer.statusCode, 400)
  t.match(answer.json(), {
    error: { param: 'toolgate.tools', message: /^toolgate\.tools names "ecko".*"echo"/ },
  })
})

t.test('a request that names no model takes from the limit of each that may answer', async t => {
  const { ask } = await gateway(t, { allowances: { models: { 'test-*': { quota: '2/day' } } } })
  await until(
    'the model is known',
    async () => (await ask('all', '/v1/models')).json().data.length > 0,
  )
  for (const _ of [1, 2]) t.not((await ask('all', '/v1/encode', { input: 'x' })).statusCode, 429)
  t.equal((await ask('all', '/v1/encode', { input: 'x' })).statusCode, 429)
})
