import { Registry } from 'prom-client'
import t from 'tap'
import { createGateway, eventsOf, type Loose } from '../../fixtures/llm/gateway.ts'
import { startStandIn } from '../../fixtures/llm/stand-in.ts'
import { stream } from '../../fixtures/llm/wires.ts'
import { until } from '../../fixtures/until.ts'

const chat = '/v1/chat/completions'
const body = { model: 'test-model', messages: [{ role: 'user', content: 'hi' }] }
const user = (content: unknown): Loose => ({ ...body, messages: [{ role: 'user', content }] })
const tool = { type: 'function', function: { name: 'f' } }

const refusals: [string, Loose, number, RegExp][] = [
  ['broken JSON', '{"model": ', 400, /not JSON\. send one JSON object$/],
  ['no object', '[1]', 400, /no object/],
  ['endless nesting', `{"a":${'['.repeat(200)}${']'.repeat(200)}}`, 400, /nests deeper/],
  ['no model', { messages: body.messages }, 400, /model/],
  ['an unknown model', { ...body, model: 'test-modle' }, 404, /did you mean "test-model"/],
  ['no messages', { model: 'test-model' }, 400, /messages/],
  ['empty messages', { ...body, messages: [] }, 400, /at least one/],
  [
    'a bad role',
    { ...body, messages: [{ role: 'boss', content: 'x' }] },
    400,
    /messages\[0\]\.role/,
  ],
  ['content of a wrong type', user(5), 400, /messages\[0\]\.content/],
  ['max_tokens 0', { ...body, max_tokens: 0 }, 400, /max_tokens .*at least 1/],
  ['n too big', { ...body, n: 200 }, 400, /n must be/],
  ['tools of a wrong type', { ...body, tools: 'f' }, 400, /tools/],
  ['a tool that is no object', { ...body, tools: [tool, 5] }, 400, /tools\[1\]/],
  ['a tool without a name', { ...body, tools: [{ type: 'function' }] }, 400, /tools\[0\]/],
  [
    'a choice of no tool',
    { ...body, tools: [tool], tool_choice: { type: 'function', function: { name: 'g' } } },
    400,
    /"g"/,
  ],
  ['a choice without tools', { ...body, tool_choice: 'required' }, 400, /tool_choice/],
  [
    'a file: picture',
    user([{ type: 'image_url', image_url: { url: 'file:///etc/passwd' } }]),
    400,
    /http/,
  ],
  ['a path as picture', user([{ type: 'image_url', image_url: '/etc/passwd' }]), 400, /http/],
  [
    'a private picture',
    user([{ type: 'image_url', image_url: { url: 'http://10.0.0.1/a.png' } }]),
    400,
    /refused/,
  ],
  [
    'a metadata picture',
    user([{ type: 'image_url', image_url: { url: 'http://169.254.169.254/a' } }]),
    400,
    /refused/,
  ],
  [
    'a data: URL that is none',
    user([{ type: 'image_url', image_url: { url: 'data:image/png,xx' } }]),
    400,
    /base64/,
  ],
]

t.test("bad requests are refused in OpenAI's shape before any node is touched", async t => {
  const node = await startStandIn()
  const { app, post } = await createGateway({ nodes: [node.url] })
  for (const [name, request, status, message] of refusals) {
    const answer = await post(chat, request)
    t.equal(answer.status, status, `${name}: ${answer.text}`)
    t.match(answer.json, { error: { message, type: String } }, name)
    t.ok('param' in answer.json.error && 'code' in answer.json.error, name)
  }
  t.match(await post(chat, 'a=b', { 'content-type': 'text/plain' }), {
    status: 415,
    json: { error: { message: /application\/json/ } },
  })
  t.match(await post(chat, ''), { status: 400 })
  const packed = await post(chat, body, { 'content-encoding': 'gzip' })
  t.match(packed, {
    status: 415,
    json: { error: { message: /packed with gzip .*send it unpacked/ } },
  })
  const latin = Buffer.from(JSON.stringify(user('é')), 'latin1')
  const headers = { 'content-type': 'application/json' }
  t.match((await app.inject({ method: 'POST', url: chat, headers, payload: latin })).json(), {
    error: { message: /not UTF-8/ },
  })
  const big = await createGateway({ nodes: [node.url], limits: { bodyBytesMax: 1_000 } })
  t.match(await big.post(chat, user('x'.repeat(2_000))), {
    status: 413,
    json: { error: { message: /POST \/files/ } },
  })
  t.equal(node.seen.length, 0)
  await big.app.close()
  await app.close()
  await node.stop()
})

t.test(
  'while a node has never answered an unknown model may be its own; the nearest is named',
  async t => {
    const node = await startStandIn()
    const { app, post } = await createGateway({ nodes: [node.url, 'http://127.0.0.1:9'] })
    t.match(await post(chat, { ...body, model: 'test-modle' }), {
      status: 503,
      json: { error: { message: /not answered yet, and those that have know "test-model"/ } },
    })
    await app.close()
    await node.stop()
  },
)

t.test('no header and no other surface lets a node open what it must not', async t => {
  const node = await startStandIn()
  const { app, post } = await createGateway({ nodes: [node.url] })
  const url = 'file:///etc/passwd'
  const said = [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }]
  const blocks = [{ type: 'image', source: { type: 'url', url } }]
  const asked = {
    model: 'test-model',
    max_tokens: 9,
    messages: [{ role: 'user', content: blocks }],
  }
  const raw = { 'x-toolgate-raw': '1' }
  for (const answer of [
    await post(chat, { ...body, messages: said }, raw),
    await post(chat, { ...body, image_data: [{ url }] }),
    await post('/v1/messages', asked, raw),
    await post('/v1/messages', asked),
    await post('/v1/messages/count_tokens', asked),
    await post('/generate', { prompt: 'x', image_data: url }),
  ])
    t.match(answer, { status: 400, json: { error: { message: /http\(s\) or data:/ } } })
  t.equal(node.seen.length, 0)
  await app.close()
  await node.stop()
})

t.test(
  'wrong methods are 405 with Allow, unknown paths 404, control routes are not there',
  async t => {
    const node = await startStandIn()
    const { app } = await createGateway({ nodes: [node.url] })
    const wrong = await app.inject({ method: 'GET', url: chat })
    t.match(wrong, { statusCode: 405, headers: { allow: 'POST' } })
    t.match((await app.inject({ method: 'POST', url: '/v1/zzz', payload: {} })).json(), {
      error: { type: 'not_found_error' },
    })
    const control = [
      '/terminate',
      '/sleep',
      '/wakeup',
      '/update_weights',
      '/abort_request',
      '/distserve/engine_info',
      '/nodes/status',
      '/nodes/remove',
      '/nodes/terminate_all',
      '/is_sleeping',
      '/get_ppl',
    ]
    for (const url of control) {
      for (const method of ['GET', 'POST'] as const) {
        t.equal(
          (await app.inject({ method, url, ...(method === 'POST' ? { payload: {} } : {}) }))
            .statusCode,
          404,
          url,
        )
      }
    }
    t.equal(node.seen.length, 0)
    await app.close()
    await node.stop()
  },
)

t.test("the course's completions pass byte for byte, both ways", async t => {
  const prompt = '<|im_start|>user\n上海天气<|im_end|>\n<|im_start|>assistant\n'
  const sent = JSON.stringify({
    model: 'test-model',
    prompt,
    stream: true,
    skip_special_tokens: false,
    top_k: 40,
    suffix: null,
    stop: null,
    seed: 12345678901234567890n.toString(),
    kwargs: { sequence_start: true, timeout: 30, stop_words: ['<|im_end|>'] },
  }).replace('"top_k"', ' "top_k"')
  const events = [
    'data: {"id":"1","choices":[{"index":0,"text":"你好<|action_start|>","logprobs":null}]}\n\n',
    'data: [DONE]\n\n',
  ].join('')
  const node = await startStandIn({
    version: '0.3.0',
    answer({ path }, response) {
      if (path !== '/v1/completions') return false
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(events)
      return true
    },
  })
  const { app, post } = await createGateway({ nodes: [node.url] })
  const answer = await post('/v1/completions', sent, { authorization: `Basic ${btoa('user:key')}` })
  t.equal(answer.text, events)
  t.equal(node.seen[0]!.text, sent)
  t.notOk(node.seen[0]!.headers.authorization, "the client's key stays here")
  const session = sent.replace('{', '{"session_id":7,')
  await post('/v1/completions', session)
  t.equal(
    JSON.stringify(node.seen[1]!.json),
    JSON.stringify(JSON.parse(sent)),
    'only the session is taken out',
  )
  t.match(node.seen[1]!.text, ' "top_k"', 'and nothing else is written anew')
  await app.close()
  await node.stop()
})

t.test('other completions are mended: ids, finish reasons, usage', async t => {
  const events = [
    {
      id: '-1',
      object: 'text_completion',
      created: 1,
      model: 'm',
      choices: [{ index: 0, text: '你' }],
      usage: null,
    },
    {
      id: '-1',
      object: 'text_completion',
      created: 1,
      model: 'm',
      choices: [{ index: 0, text: '', finish_reason: 'stop' }],
      usage: null,
    },
    {
      id: '-1',
      object: 'text_completion',
      created: 1,
      model: 'm',
      choices: [],
      usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
    },
  ]
  const node = await startStandIn({
    answer({ path, json }, response) {
      if (path !== '/v1/completions') return false
      if (json['stream'])
        response
          .writeHead(200, { 'content-type': 'text/event-stream' })
          .end(`${events.map(one => `data: ${JSON.stringify(one)}\n\n`).join('')}data: [DONE]\n\n`)
      else
        response
          .writeHead(200, { 'content-type': 'application/json' })
          .end(JSON.stringify({ ...events[1], usage: events[2]!.usage }))
      return true
    },
  })
  const { app, post } = await createGateway({ nodes: [node.url] })
  const asked = { model: 'test-model', prompt: 'x' }
  t.match((await post('/v1/completions', asked)).json, {
    id: /^cmpl-/,
    model: 'test-model',
    choices: [{ finish_reason: 'stop', logprobs: null }],
  })
  const plain = eventsOf((await post('/v1/completions', { ...asked, stream: true })).text)
  t.match(plain, [
    { id: /^cmpl-/, choices: [{ text: '你', finish_reason: null }] },
    { choices: [{ finish_reason: 'stop' }] },
    '[DONE]',
  ])
  const counted = eventsOf(
    (
      await post('/v1/completions', {
        ...asked,
        stream: true,
        stream_options: { include_usage: true },
      })
    ).text,
  )
  t.match(counted.at(-2), { choices: [], usage: { total_tokens: 2 } })
  t.match(await post('/v1/completions', { model: 'test-model' }), {
    status: 400,
    json: { error: { param: 'prompt' } },
  })
  await app.close()
  await node.stop()
})

t.test('completions of several prompts or choices come under their own indexes', async t => {
  // As 0.18 does: whole with indexes, a stream one after another, each under 0; `n` is not read.
  const node = await startStandIn({
    answer({ path, json }, response) {
      if (path !== '/v1/completions') return false
      const prompts = [json['prompt']].flat().map(String)
      const choice = (text: string, index: number, finish?: string) => ({
        index,
        text,
        ...(finish ? { finish_reason: finish } : {}),
      })
      const said = json['stream']
        ? prompts.flatMap(one => [choice(one, 0), choice('', 0, 'stop')]).concat(choice('late', 0))
        : [prompts.map((one, index) => choice(one, index, 'stop'))]
      const bodies = said.map(one => JSON.stringify({ id: '-1', choices: [one].flat() }))
      const type = json['stream'] ? 'text/event-stream' : 'application/json'
      response.writeHead(200, { 'content-type': type })
      response.end(
        json['stream']
          ? `${bodies.map(one => `data: ${one}\n\n`).join('')}data: [DONE]\n\n`
          : bodies[0],
      )
      return true
    },
  })
  const { app, post } = await createGateway({ nodes: [node.url] })
  const cases: [Loose, string[]][] = [
    [{ prompt: ['a', 'b'] }, ['a', 'b']],
    [{ prompt: 'a', n: 2 }, ['a', 'a']],
    [{ prompt: ['a', 'b'], n: 2 }, ['a', 'a', 'b', 'b']],
  ]
  const words = (choices: Loose[], count: number): string[] =>
    Array.from({ length: count }, (_, index) =>
      choices.flatMap(one => (one.index === index ? one.text : '')).join(''),
    )
  for (const [asked, expected] of cases) {
    const sent = { model: 'test-model', ...asked }
    const { json } = await post('/v1/completions', sent)
    t.same(words(json.choices, expected.length), expected, JSON.stringify(asked))
    const events = eventsOf((await post('/v1/completions', { ...sent, stream: true })).text)
    const choices = events.flatMap(one => one.choices ?? [])
    t.same(words(choices, 9).filter(Boolean), expected, 'and streamed, nothing after the last')
  }
  for (const refused of [
    { prompt: [] },
    { prompt: 'a', n: 0 },
    { prompt: 'a', n: 200 },
    { prompt: Array(100).fill('a'), n: 2 },
    { prompt: 'a', stream: 'yes' },
  ])
    t.equal((await post('/v1/completions', { model: 'test-model', ...refused })).status, 400)
  await app.close()
  await node.stop()
})

t.test('a stream of completions has its usage where the node counts none', async t => {
  const node = await startStandIn({ version: '0.9.2' })
  const { app, post } = await createGateway({ nodes: [node.url] })
  const options = { stream: true, stream_options: { include_usage: true } }
  const asked = { model: 'test-model', prompt: 'Say', ...options }
  const events = eventsOf((await post('/v1/completions', asked)).text)
  t.match(events.at(-2), { choices: [], usage: { prompt_tokens: 3, completion_tokens: 11 } })
  t.equal(events.filter(one => one.usage).length, 1)
  await app.close()
  await node.stop()
})

t.test('X-Toolgate-Raw and a raw node give what the node says', async t => {
  const script = { text: ['a', 'b'] }
  const node = await startStandIn({ version: '0.9.2', script: [script] })
  const expected = stream('0.9.2', script, { model: 'test-model', includeUsage: false }).join('')
  const { app, post } = await createGateway({ nodes: [node.url] })
  t.equal((await post(chat, { ...body, stream: true }, { 'x-toolgate-raw': '1' })).text, expected)
  t.not((await post(chat, { ...body, stream: true })).text, expected)
  await app.close()
  const raw = await createGateway({ nodes: [{ url: node.url, raw: true }] })
  t.equal((await raw.post(chat, { ...body, stream: true })).text, expected)
  await raw.app.close()
  await node.stop()
})

t.test('models are listed once, found by short names, and called by their aliases', async t => {
  const [one, two] = await Promise.all([
    startStandIn({ model: '/models/internlm2-chat-7b' }),
    startStandIn({ model: '/models/internlm2-chat-7b' }),
  ])
  const { app, post } = await createGateway({
    nodes: [
      one.url,
      two.url,
      {
        url: `${one.url}/v1/`,
        models: [{ id: 'course', model: '/models/internlm2-chat-7b' }, '/models/internlm2-chat-7b'],
      },
    ],
  })
  const list = (await app.inject('/v1/models')).json()
  t.same(
    list.data.map(({ id }: Loose) => id),
    ['/models/internlm2-chat-7b', 'course'],
  )
  t.match((await app.inject('/v1/models/course')).json(), { id: 'course', object: 'model' })
  t.match((await app.inject('/v1/models//models/internlm2-chat-7b')).json(), {
    id: '/models/internlm2-chat-7b',
  })
  t.match(
    (
      await app.inject({ url: '/v1/models', headers: { 'anthropic-version': '2023-06-01' } })
    ).json(),
    { data: [{ type: 'model' }, {}], has_more: false },
  )
  const short = await post(chat, { ...body, model: 'internlm2-chat-7b' })
  t.match(short, { status: 200, json: { model: 'internlm2-chat-7b' } })
  t.match(await post(chat, { ...body, model: 'course' }), {
    status: 200,
    json: { model: 'course' },
  })
  t.ok(
    [...one.seen, ...two.seen].every(({ json }) => json['model'] === '/models/internlm2-chat-7b'),
  )
  await app.close()
  await Promise.all([one.stop(), two.stop()])
})

t.test('nodes come and go by the admin routes', async t => {
  const [first, second] = await Promise.all([startStandIn(), startStandIn({ model: 'other' })])
  const { app, post } = await createGateway({ nodes: [first.url] })
  const added = await post('/llm/nodes', { url: second.url, weight: 2 })
  t.match(added, {
    status: 201,
    json: {
      url: second.url,
      state: 'ready',
      models: ['other'],
      inFlight: 0,
      queued: 0,
      version: '>=0.18',
    },
  })
  t.equal((await post(chat, { ...body, model: 'other' })).status, 200)
  t.equal((await app.inject('/llm/nodes')).json().nodes.length, 2)
  const gone = await app.inject({
    method: 'DELETE',
    url: `/llm/nodes?url=${encodeURIComponent(second.url)}`,
  })
  t.match(gone.json(), { url: second.url, state: 'draining' })
  t.equal((await app.inject('/llm/nodes')).json().nodes.length, 1)
  t.equal((await post(chat, { ...body, model: 'other' })).status, 404)
  for (const spec of [
    {},
    { url: 'ftp://x' },
    { url: 'http://169.254.169.254' },
    { url: first.url, colour: 'red' },
  ]) {
    t.match(await post('/llm/nodes', spec), { status: 400, json: { error: { code: /^TG_/ } } })
  }
  t.equal(
    (await app.inject({ method: 'DELETE', url: '/llm/nodes?url=http://nobody.test' })).statusCode,
    404,
  )
  await app.close()
  await Promise.all([first.stop(), second.stop()])
})

t.test('an LMDeploy joins by its own flag, from allowed addresses alone', async t => {
  const node = await startStandIn()
  const closed = await createGateway({ nodes: [] })
  t.equal((await closed.post('/nodes/add', { url: node.url })).status, 404)
  t.same(closed.pool.nodes(), [])
  await closed.app.close()
  const open = await createGateway({
    nodes: [],
    routes: { registration: { allow: () => ['127.0.0.0/8'] } },
  })
  const joined = await open.post('/nodes/add', {
    url: `http://0.0.0.0:${node.port}`,
    status: { models: ['test-model'], role: 1 },
  })
  t.equal(joined.status, 200)
  t.match(open.pool.nodes(), [
    { url: `http://127.0.0.1:${node.port}`, state: 'ready', models: ['test-model'] },
  ])
  t.equal((await open.post(chat, body)).status, 200)
  await open.app.close()
  await node.stop()
})

t.test('requests are counted, and logged in one line without their prompt', async t => {
  const node = await startStandIn()
  const lines: Loose[] = []
  const metrics = new Registry()
  const log = {
    info: (data: object, message: string) => void lines.push({ ...data, message }),
    warn() {},
    error() {},
  }
  const { app, listen } = await createGateway({
    nodes: [node.url],
    limits: { nodelessMs: 20 },
    routes: { log, metrics },
  })
  const base = await listen()
  for (const stream of [false, true]) {
    await (
      await fetch(`${base}${chat}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          ...body,
          stream,
          stream_options: stream ? { include_usage: true } : undefined,
        }),
      })
    ).text()
  }
  while (lines.length < 2) await new Promise(resolve => setImmediate(resolve))
  t.match(lines, [
    {
      message: 'llm request',
      requestId: String,
      surface: 'chat',
      model: 'test-model',
      node: node.url,
      status: 200,
      ms: Number,
      retries: 0,
      usage: { total_tokens: 15 },
    },
    { stream: true, firstMs: Number },
  ])
  t.notMatch(JSON.stringify(lines), /"hi"/)
  const text = await metrics.metrics()
  t.match(
    text,
    `toolgate_llm_requests_total{model="test-model",node="${node.url}",surface="chat",status="200"} 2`,
  )
  t.match(
    text,
    `toolgate_llm_tokens_total{model="test-model",node="${node.url}",kind="completion"} 6`,
  )
  t.match(text, `toolgate_llm_node_ready{node="${node.url}"} 1`)
  for (const name of ['first_token', 'between_tokens', 'queue'])
    t.match(text, `toolgate_llm_${name}_seconds_count`)
  const unknown = JSON.stringify({ ...body, model: 'no-such-model' })
  const headers = { 'content-type': 'application/json' }
  await (await fetch(`${base}${chat}`, { method: 'POST', headers, body: unknown })).text()
  await until('it is counted', async () => /status="404"\} 1/.test(await metrics.metrics()))
  t.notMatch(await metrics.metrics(), 'no-such-model', 'a client makes no series of its own')
  node.behave({ dripMs: 60_000 })
  const left = new AbortController()
  const streamed = JSON.stringify({ ...body, stream: true })
  await fetch(`${base}${chat}`, { method: 'POST', headers, body: streamed, signal: left.signal })
  left.abort()
  await until('it is logged', () => lines.length === 4)
  t.match(lines[3], { status: 499, node: node.url }, 'also of a client that left')
  await node.stop()
  await fetch(`${base}/v1/encode`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"input": "x"}',
  })
  t.match(await metrics.metrics(), `toolgate_llm_ejections_total{node="${node.url}"} 1`)
  t.match(await metrics.metrics(), `toolgate_llm_retries_total{node="${node.url}"}`)
  await app.close()
})

t.test('a prompt is in the log where the operator asks for it', async t => {
  const node = await startStandIn()
  const lines: Loose[] = []
  const log = { info: (data: object) => void lines.push(data), warn() {}, error() {} }
  const { app, post } = await createGateway({
    nodes: [node.url],
    routes: { log, logPrompts: () => true },
  })
  await post(chat, body)
  await until('it is logged', () => lines.length === 1)
  t.match(lines, [{ prompt: body.messages }])
  await app.close()
  await node.stop()
})

t.test('other surfaces are passed to nodes that have them', async t => {
  const node = await startStandIn({ version: '0.9.2' })
  const { app, post } = await createGateway({ nodes: [node.url] })
  t.match(await post('/v1/encode', { input: ['abc'] }), { status: 200, json: { length: [3] } })
  t.match(await post('/pooling', { model: 'test-model', input: 'x' }), {
    status: 404,
    json: {
      error: { type: 'not_found_error', message: /"\/pooling"\. the nodes of this model do not/ },
    },
  })
  await app.close()
  await node.stop()
})

t.test('private pictures that may be read are put into the request', async t => {
  const node = await startStandIn()
  const server = await startStandIn({
    answer: () => false,
  })
  const { app, post } = await createGateway({
    nodes: [node.url],
    routes: {
      publicOrigin: 'http://gateway.test',
      tools: {
        list: () => [],
        call: async () => ({ text: '' }),
        readFile: async () => ({ bytes: new Uint8Array([1, 2, 3]), mediaType: 'image/png' }),
      },
    },
  })
  const answer = await post(
    chat,
    user([
      { type: 'text', text: 'see' },
      { type: 'image_url', image_url: { url: 'http://gateway.test/files/a.png', detail: 'low' } },
    ]),
  )
  t.equal(answer.status, 200)
  t.match(node.seen[0]!.json['messages'], [
    {
      content: [
        { text: 'see' },
        { image_url: { url: 'data:image/png;base64,AQID', detail: 'low' } },
      ],
    },
  ])
  const open = await post(
    chat,
    user([{ type: 'image_url', image_url: { url: 'https://example.com/a.png' } }]),
  )
  t.equal(open.status, 200, "a public one is the node's to fetch")
  await app.close()
  await Promise.all([node.stop(), server.stop()])
})

t.test('a stream that says nothing is kept awake', async t => {
  const node = await startStandIn({ behaviour: { dripMs: 120 } })
  const { app, post } = await createGateway({ nodes: [node.url], limits: { keepAliveMs: 20 } })
  t.match((await post(chat, { ...body, stream: true })).text, /: keep-alive\n\n/)
  await app.close()
  await node.stop()
})
