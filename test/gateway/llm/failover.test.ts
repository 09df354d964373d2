import { request } from 'node:http'
import t, { type Test } from 'tap'
import { createGateway, eventsOf } from '../../fixtures/llm/gateway.ts'
import { type Behaviour, startStandIn } from '../../fixtures/llm/stand-in.ts'
import { until } from '../../fixtures/until.ts'

const body = { model: 'test-model', messages: [{ role: 'user', content: 'hi' }] }
const path = '/v1/chat/completions'
/** Short waits: what takes minutes in earnest takes moments here. */
const hasty = {
  probeMs: 40,
  probeTimeoutMs: 2_000,
  probeFailuresMax: 2,
  probeFailuresBusyMax: 2,
  ejectMs: 40,
  ejectMsMax: 200,
  nodelessMs: 2_000,
}

const bad: [string, Behaviour][] = [
  ['is cutting every connection', { mode: 'die' }],
  ['hangs', { mode: 'hang' }],
  ['is overloaded', { mode: 'overload' }],
  ['answers 500', { mode: 'crash' }],
  ['lies: an error in a 200', { mode: 'lie' }],
  ['sends an error as its first event', { mode: 'error-event' }],
]

for (const [name, behaviour] of bad) {
  t.test(`no request fails while one node of two ${name}`, async t => {
    const [well, ill] = await Promise.all([startStandIn(), startStandIn()])
    const limits = { ...hasty, ...(behaviour.mode === 'hang' ? { probeTimeoutMs: 250 } : {}) }
    const { app, post } = await createGateway({ nodes: [well.url, ill.url], limits })
    ill.behave(behaviour)
    const stream = name.includes('event')
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        post(path, { ...body, stream: stream || index % 2 === 0 }),
      ),
    )
    t.same(
      answers
        .filter(({ status, text }) => status !== 200 || text.includes('"error"'))
        .map(({ text }) => text),
      [],
    )
    t.ok(well.to(path).length >= 60)
    await app.close()
    await Promise.all([well.stop(), ill.stop()])
  })
}

t.test(
  'of 1,000 requests none fails with one node dead, and the dead one is left alone',
  async t => {
    const [well, dead] = await Promise.all([startStandIn(), startStandIn()])
    const { app, post, pool } = await createGateway({
      nodes: [well.url, dead.url],
      limits: { ...hasty, probeMs: 10_000, ejectMs: 60_000, ejectMsMax: 60_000 },
    })
    await dead.stop()
    for (let round = 0; round < 20; round += 1) {
      const answers = await Promise.all(Array.from({ length: 50 }, () => post(path, body)))
      t.equal(answers.filter(({ status }) => status !== 200).length, 0)
    }
    t.match(pool.nodes(), [
      { state: 'ready' },
      { state: 'ejected', reason: 'ECONNREFUSED', ejectedUntil: String },
    ])
    await app.close()
    await well.stop()
  },
)

t.test('a node that dies in the middle of a stream ends it with an error event', async t => {
  const node = await startStandIn({ script: [{ text: ['a', 'b', 'c'] }] })
  const { app, post } = await createGateway({ nodes: [node.url], limits: hasty })
  for (const mode of ['cut', 'no-done', 'stray'] as const) {
    node.behave({ mode, cutAfter: 2 })
    const events = eventsOf((await post(path, { ...body, stream: true })).text)
    if (mode === 'no-done') {
      t.match(events.at(-2), { error: { type: 'server_error', code: 'TG_UPSTREAM_FAILED' } }, mode)
    } else
      t.match(
        events.at(-2),
        { error: { type: 'server_error', message: /broke off|Failed to get/ } },
        mode,
      )
    t.equal(events.at(-1), '[DONE]')
    t.match(events[0], { choices: [{ delta: { content: 'a' } }] }, 'what came before is kept')
    node.behave({})
    await post(path, body)
  }
  await app.close()
  await node.stop()
})

t.test('the client leaving aborts the node within 100 ms', async t => {
  for (const stream of [true, false]) {
    // A machine that is busy with something else may be late once; not each time.
    let ms = Infinity
    for (let attempt = 0; attempt < 20 && ms >= 100; attempt += 1) ms = await leave(t, stream)
    t.ok(ms < 100, `${ms} ms`)
  }
})

/** How long a node works on for a client that has left. */
async function leave(t: Test, stream: boolean): Promise<number> {
  const node = await startStandIn({
    behaviour: { dripMs: 50, thinkMs: 5_000 },
    script: [{ text: Array.from({ length: 100 }, () => 'x') }],
  })
  if (stream) node.behave({ dripMs: 50 })
  const { app, listen, pool } = await createGateway({ nodes: [node.url] })
  const client = request(`${await listen()}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
  })
  client.on('error', () => undefined)
  client.end(JSON.stringify({ ...body, stream }))
  if (stream)
    await new Promise(resolve =>
      client.once('response', response => response.once('data', resolve)),
    )
  else await until('the node is asked', () => node.to(path).length > 0)
  const from = performance.now()
  client.destroy()
  await node.aborted
  const ms = performance.now() - from
  await until('the node is free', () => pool.nodes()[0]?.inFlight === 0)
  t.match(pool.nodes(), [{ state: 'ready' }], 'and is not blamed for it')
  await app.close()
  await node.stop()
  return ms
}

t.test('headers leave before the first token', async t => {
  const held = Promise.withResolvers<void>()
  const node = await startStandIn({
    answer(_seen, response) {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.flushHeaders()
      void held.promise.then(() => response.end('data: [DONE]\n\n'))
      return true
    },
  })
  const { app, listen } = await createGateway({ nodes: [node.url] })
  const response = await fetch(`${await listen()}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...body, stream: true }),
  })
  t.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8')
  t.equal(response.headers.get('x-accel-buffering'), 'no')
  held.resolve()
  t.match(await response.text(), /\[DONE\]/, 'the body came later')
  await app.close()
  await node.stop()
})

t.test('a stream is moved before its first byte even after its headers left', async t => {
  const [hung, well] = await Promise.all([
    startStandIn(),
    startStandIn({ script: [{ text: ['fine'] }] }),
  ])
  const { app, pool, listen } = await createGateway({
    nodes: [{ url: hung.url, weight: 1000 }, well.url],
    limits: { ...hasty, probeMs: 60_000 },
  })
  hung.behave({ dripMs: 60_000 })
  const response = await fetch(`${await listen()}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...body, stream: true }),
  })
  t.equal(response.status, 200, 'the headers are here')
  await hung.stop()
  const events = eventsOf(await response.text())
  t.match(events[0], { choices: [{ delta: { role: 'assistant', content: 'fine' } }] })
  t.equal(events.at(-1), '[DONE]')
  await pool.close()
  await app.close()
  await well.stop()
})

t.test('a full node queues, a full queue is a 429 that says when to come back', async t => {
  const node = await startStandIn({ behaviour: { thinkMs: 80 } })
  const { app, post, pool } = await createGateway({
    nodes: [{ url: node.url, concurrency: 1 }],
    limits: { queuedMax: 2 },
  })
  const answers = await Promise.all(Array.from({ length: 5 }, () => post(path, body)))
  t.same(
    answers.map(({ status }) => status).sort((one, two) => one - two),
    [200, 200, 200, 429, 429],
  )
  const refused = answers.find(({ status }) => status === 429)!
  t.match(refused.json, {
    error: { type: 'rate_limit_error', code: 'rate_limit_exceeded', message: /try again/ },
  })
  t.ok(Number(refused.headers['retry-after']) >= 1)
  t.match(pool.nodes(), [{ inFlight: 0, queued: 0 }])
  await app.close()
  await node.stop()
})

t.test(
  "no node at all is a 503, a node that cannot be reached a 502, each in OpenAI's shape",
  async t => {
    const none = await createGateway({ nodes: [] })
    t.match(await none.post(path, body), {
      status: 503,
      json: { error: { type: 'server_error', message: /no nodes/ } },
    })
    await none.app.close()
    const node = await startStandIn()
    const one = await createGateway({ nodes: [node.url], limits: { nodelessMs: 30 } })
    await node.stop()
    t.match(await one.post(path, body), {
      status: 502,
      json: { error: { code: 'TG_UPSTREAM_UNREACHABLE' } },
    })
    t.match(await one.post(path, body), {
      status: 503,
      json: { error: { message: /every node is down/ } },
    })
    await one.app.close()
  },
)

t.test('a node that never answers is a 504 at its deadline', async t => {
  const node = await startStandIn()
  const { app, post } = await createGateway({
    nodes: [node.url],
    limits: { answerMs: 120, streamMs: 120 },
  })
  node.behave({ mode: 'hang' })
  for (const stream of [false, true]) {
    t.match(await post(path, { ...body, stream }), {
      status: 504,
      json: { error: { code: 'TG_DEADLINE' } },
    })
  }
  await app.close()
  await node.stop()
})

t.test('a sleeping node gets nothing, and is found again when it wakes', async t => {
  const node = await startStandIn({ behaviour: { mode: 'sleep' } })
  const { app, post, pool } = await createGateway({ nodes: [node.url], limits: { nodelessMs: 20 } })
  t.match(pool.nodes(), [{ state: 'sleeping' }])
  node.behave({})
  await pool.probe()
  t.match(pool.nodes(), [{ state: 'ready' }])
  t.equal((await post(path, body)).status, 200)
  await app.close()
  await node.stop()
})

t.test(
  'a node whose key is wrong is set aside with the reason, and its client never sees a 401',
  async t => {
    const node = await startStandIn({ key: 'right' })
    const wrong = await createGateway({
      nodes: [{ url: node.url, key: 'wrong', models: ['test-model'] }],
      limits: { nodelessMs: 20 },
    })
    const answer = await wrong.post(path, body, { authorization: 'Bearer client-key' })
    t.equal(answer.status, 502)
    t.match(answer.json.error.message, /refuses the key/)
    await wrong.app.close()
    const right = await createGateway({ nodes: [{ url: node.url, key: 'right' }] })
    t.equal((await right.post(path, body, { authorization: 'Bearer client-key' })).status, 200)
    t.equal(node.to(path).at(-1)!.headers.authorization, 'Bearer right')
    await right.app.close()
    await node.stop()
  },
)

t.test('a node that has said all and does not end its answer holds nobody up', async t => {
  const node = await startStandIn({ behaviour: { mode: 'open-end' } })
  const { app, post, pool } = await createGateway({
    nodes: [{ url: node.url, native: [] }],
    limits: { ...hasty, lingerMs: 20 },
  })
  for (const [url, asked] of [
    [path, body],
    ['/v1/completions', { model: 'test-model', prompt: 'hi' }],
    ['/v1/messages', { ...body, max_tokens: 9 }],
  ] as const) {
    const { text } = await post(url, { ...asked, stream: true })
    t.notMatch(text, /error/, url)
    t.match(text, /\[DONE\]|message_stop|response\.completed/, url)
  }
  await node.aborted
  t.match(pool.nodes(), [{ state: 'ready', inFlight: 0 }])
  await app.close()
  await node.stop()
})

const copied: [string, object, string[]][] = [
  [
    '/v1/messages',
    { ...body, max_tokens: 9 },
    ['event: message_start\ndata: {}', 'event: message_stop\ndata: {"type":"message_stop"}'],
  ],
  [
    '/v1/responses',
    { model: 'test-model', input: 'hi' },
    [
      'event: response.created\ndata: {"text":"event: response.completed"}',
      `event: response.completed\ndata: {"text":"${'long '.repeat(100)}"}`,
    ],
  ],
]
for (const [url, asked, events] of copied)
  t.test(`a stream of ${url} that a node writes itself ends with its last event`, async t => {
    let withEnd = true
    const node = await startStandIn({
      answer({ path }, response) {
        if (path !== url) return false
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        for (const event of events) response.write(`${event}\n\n`)
        if (withEnd) response.end()
        return true
      },
    })
    const { app, post } = await createGateway({
      nodes: [{ url: node.url, native: ['messages', 'responses'] }],
      limits: { ...hasty, lingerMs: 20 },
    })
    const whole = `${events.join('\n\n')}\n\n`
    t.equal((await post(url, { ...asked, stream: true })).text, whole)
    withEnd = false
    t.equal((await post(url, { ...asked, stream: true })).text, whole, 'and so without its end')
    withEnd = true
    events.pop()
    t.match((await post(url, { ...asked, stream: true })).text, /it broke off/)
    events.push('event: error\ndata: {"type":"error"}')
    t.equal(
      (await post(url, { ...asked, stream: true })).text,
      `${events.join('\n\n')}\n\n`,
      'the error of the node is enough',
    )
    await app.close()
    await node.stop()
  })

t.test('errors say what is wrong with the node, and when it may be asked again', async t => {
  const node = await startStandIn({ behaviour: { mode: 'empty' } })
  const limits = { ...hasty, nodelessMs: 1, ejectMsMax: 40 }
  const now = (): number => 1_000_000
  const { app, post, pool } = await createGateway({ nodes: [node.url], limits, pool: { now } })
  const streamed = eventsOf((await post(path, { ...body, stream: true })).text)
  t.match(streamed[0], { error: { message: /failed: its stream was empty/ } })
  node.behave({ mode: 'overload', retryAfterS: 7 })
  t.match(await post(path, body), { status: 503, headers: { 'retry-after': '7' } })
  const ejectedUntil = new Date(now() + 7_000).toISOString()
  t.match(pool.nodes(), [{ ejectedUntil }], 'it is left alone for that long')
  const down = await post(path, body)
  t.match(down.json.error.message, /every node is down \(no room\)/)
  t.equal(down.headers['retry-after'], '7')
  await app.close()
  await node.stop()
})
