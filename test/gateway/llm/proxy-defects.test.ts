/** What LMDeploy's own proxy gets wrong, a test each: the same in front of us must be right. */
import { request } from 'node:http'
import t, { type Test } from 'tap'
import { createGateway, eventsOf } from '../../fixtures/llm/gateway.ts'
import { startStandIn, type StandInOptions } from '../../fixtures/llm/stand-in.ts'
import { until } from '../../fixtures/until.ts'

const path = '/v1/chat/completions'
const ask = (content: string, more: object = {}) => ({
  model: 'test-model',
  messages: [{ role: 'user', content }],
  ...more,
})
const hasty = { probeMs: 40, ejectMs: 40, ejectMsMax: 200, nodelessMs: 10_000 }
type GatewayOptions = Parameters<typeof createGateway>[0]

async function setUp(t: Test, stand: StandInOptions[], more: Partial<GatewayOptions> = {}) {
  const nodes = await Promise.all(stand.map(startStandIn))
  const gateway = await createGateway({
    nodes: nodes.map(({ url }) => url),
    limits: hasty,
    ...more,
  })
  t.teardown(async () => {
    await gateway.app.close()
    await Promise.all(nodes.map(node => node.stop()))
  })
  return { ...gateway, nodes }
}

t.test(
  'a dead node is no black hole: of 20 at once beside a live one all are answered',
  async t => {
    const { post, nodes } = await setUp(t, [{}, {}])
    await nodes[1]!.stop()
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, at) => post(path, ask(`${at}`))),
    )
    t.same([...new Set(answers.map(({ status }) => status))], [200])
  },
)

t.test('a refusal keeps its status, also where a proxy hid it in a 200', async t => {
  const flat = { message: 'temperature 3.0 must be in [0, 2]', code: 400, object: 'error' }
  const wires: [number, unknown, number][] = [
    [400, { ...flat, type: 'invalid_request_error', param: null }, 400],
    [200, flat, 400],
    [422, { detail: [{ loc: ['body', 'temperature'], msg: 'must be in [0, 2]' }] }, 400],
    [401, { message: 'Unauthorized.', type: 'authentication_error', code: 401 }, 502],
    [200, { error_code: 10402, text: 'Failed to get response' }, 502],
  ]
  for (const [status, wire, shown] of wires) {
    const answer: StandInOptions['answer'] = (_seen, response) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(wire))
      return true
    }
    const { post } = await setUp(t, [{ answer }], { limits: { ...hasty, attemptsMax: 1 } })
    for (const stream of [false, true]) {
      const { status: seen, json } = await post(path, ask('x', { stream }))
      t.equal(seen, shown, JSON.stringify(wire))
      t.match(json, { error: { message: String, type: String } })
    }
  }
})

t.test('a node that cannot be reached is a 502, never a 200, streamed or not', async t => {
  const { post, nodes } = await setUp(t, [{}], { limits: { ...hasty, nodelessMs: 10 } })
  await nodes[0]!.stop()
  for (const stream of [false, true]) {
    const { status, json } = await post(path, ask('x', { stream }))
    t.ok(status === 502 || status === 503, `${status}`)
    t.match(json, { error: { type: 'server_error' } })
  }
})

t.test('events keep their form, and a third line end of a proxy is taken out', async t => {
  const chunk = (delta: object, finish: string | null): string =>
    `data: ${JSON.stringify({ id: '1', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n\n`
  const answer: StandInOptions['answer'] = (_seen, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(': a comment\n\n')
    response.write(chunk({ role: 'assistant', content: 'a' }, null) + chunk({}, 'stop'))
    response.end('data: [DONE]\n\n\n')
    return true
  }
  const { post } = await setUp(t, [{ answer }])
  const { text } = await post(path, ask('x', { stream: true }))
  t.notMatch(text, /\n\n\n/)
  t.match(eventsOf(text), [{ choices: [{ delta: { content: 'a' } }] }, {}, '[DONE]'])
  const raw = await post(path, ask('x', { stream: true }), { 'x-toolgate-raw': '1' })
  t.match(raw.text, /^: a comment\n\ndata: .*\n\n\ndata: /)
})

t.test('every node gets its share, also one that has answered nothing yet', async t => {
  const { post, nodes } = await setUp(t, [{}, {}, {}])
  for (let at = 0; at < 90; at += 1) await post(path, ask(`question ${at}`))
  for (const node of nodes) t.ok(node.to(path).length > 5, `${node.to(path).length} of 90`)
})

t.test('a client that leaves ends its work, streamed or not', async t => {
  for (const stream of [false, true]) {
    const behaviour = { dripMs: 60_000, thinkMs: stream ? 0 : 60_000 }
    const { listen, nodes, pool } = await setUp(t, [{ behaviour }])
    const client = request(`${await listen()}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    })
    client.on('error', () => undefined).end(JSON.stringify(ask('x', { stream })))
    await until('the node has it', () => nodes[0]!.to(path).length === 1)
    client.destroy()
    await nodes[0]!.aborted
    await until('the node is free', () => pool.nodes()[0]!.inFlight === 0)
  }
})

t.test('nobody changes the pool unasked, and no address is taken unseen', async t => {
  const { app, post, pool, nodes } = await setUp(t, [{}])
  const { url } = nodes[0]!
  for (const route of ['/nodes/add', '/nodes/remove', '/nodes/terminate'])
    t.equal((await post(route, { url })).status, 404, route)
  for (const route of ['/nodes/status', '/nodes/terminate_all'])
    t.equal((await app.inject(route)).statusCode, 404, route)
  t.equal(pool.nodes().length, 1)
  const open = await setUp(t, [], {
    nodes: [],
    routes: { registration: { allow: () => ['127.0.0.1'] } },
  })
  for (const bad of ['http://169.254.169.254/', 'file:///etc/passwd', 'nonsense', 7]) {
    const { status, json } = await open.post('/nodes/add', { url: bad })
    t.equal(status, 400, `a failed registration says so: ${bad}`)
    t.match(json, { error: { code: /^TG_/, message: String } })
  }
  t.same(open.pool.nodes(), [])
})

t.test(
  'a model of two nodes is listed once, and mistakes have one shape on every path',
  async t => {
    const { app, post } = await setUp(t, [{}, {}])
    t.match((await app.inject('/v1/models')).json().data, [{ id: 'test-model' }])
    t.equal((await app.inject('/v1/models')).json().data.length, 1)
    for (const bad of ['{', { model: 'test-model' }, { messages: [] }])
      t.match(await post(path, bad), {
        status: 400,
        json: { error: { type: 'invalid_request_error' } },
      })
  },
)

t.test('a node that was away comes back by itself, though another hangs', async t => {
  const { nodes, pool } = await setUp(t, [{}, {}], {
    limits: { ...hasty, probeTimeoutMs: 60_000 },
  })
  const [away, hung] = [nodes[0]!, nodes[1]!]
  hung.behave({ mode: 'hang' })
  await away.stop()
  const stateOf = (url: string) => pool.nodes().find(one => one.url === url)?.state
  await until('it is set aside', () => stateOf(away.url) === 'ejected')
  await away.start()
  await until('it is back', () => stateOf(away.url) === 'ready')
  t.pass('no sweep waits for the one that hangs')
})

t.test('a node is asked when it has rested, whatever the clock says', async t => {
  let falls = 0
  const { pool, nodes } = await setUp(t, [{ behaviour: { mode: 'die' } }], {
    limits: { probeMs: 60_000, ejectMs: 10 },
    pool: { now: () => 1_000_000, random: () => (falls += 1) && 0.5 },
  })
  t.match(pool.nodes(), [{ state: 'ejected' }])
  await until('it was found dead twice more', () => falls > 2)
  nodes[0]!.behave({})
  await until('it is back', () => pool.nodes()[0]!.state === 'ready')
})

t.test('nodes that fell together do not come back together', async t => {
  const rests: number[] = []
  for (const chance of [0, 1]) {
    const node = await startStandIn({ behaviour: { mode: 'overload' } })
    const { app, post, pool } = await createGateway({
      nodes: [node.url],
      limits: { ejectMs: 60_000, ejectMsMax: 600_000, nodelessMs: 5, attemptsMax: 1 },
      pool: { now: () => 1_000_000, random: () => chance },
    })
    await post(path, ask('x'))
    rests.push(Date.parse(pool.nodes()[0]!.ejectedUntil!) - 1_000_000)
    await app.close()
    await node.stop()
  }
  t.same(rests, [30_000, 90_000], 'between half and one and a half of the time')
})

t.test('a node that falls under many requests has fallen once', async t => {
  const node = await startStandIn()
  const { app, post, pool } = await createGateway({
    nodes: [node.url],
    limits: { ejectMs: 60_000, ejectMsMax: 600_000, nodelessMs: 5, attemptsMax: 1 },
    pool: { now: () => 1_000_000, random: () => 0.5 },
  })
  await pool.ready()
  node.behave({ mode: 'hang' })
  const answers = Array.from({ length: 12 }, () => post(path, ask('x')))
  await until('all are at the node', () => node.to(path).length === 12)
  await node.stop()
  await Promise.all(answers)
  t.match(pool.nodes(), [
    { state: 'ejected', ejectedUntil: new Date(1_000_000 + 60_000).toISOString() },
  ])
  await app.close()
})

t.test('ids are texts of our own, and no two are equal', async t => {
  const { post } = await setUp(t, [{ version: '0.14.0' }])
  const ids = await Promise.all(
    ['a', 'b', 'c'].map(async text => String((await post(path, ask(text))).json.id)),
  )
  t.equal(new Set(ids).size, 3)
  t.ok(ids.every(id => /^chatcmpl-[0-9a-f]{24}$/.test(id)))
})

t.test('a stream says what it is, and a node may be let go in the middle of it', async t => {
  const script = [{ text: ['a', 'b', 'c', 'd'] }]
  const { post, pool, nodes } = await setUp(t, [{ script, behaviour: { dripMs: 30 } }])
  const answer = post(path, ask('x', { stream: true, odd: { kept: 1 } }))
  await until('the node has it', () => nodes[0]!.to(path).length === 1)
  pool.drain(nodes[0]!.url)
  const { text, headers } = await answer
  t.equal(headers['content-type'], 'text/event-stream; charset=utf-8')
  t.equal(eventsOf(text).at(-1), '[DONE]')
  t.notMatch(text, '"error"')
  t.same(pool.nodes(), [], 'it left when it was done')
  t.match(nodes[0]!.to(path)[0]!.json, { odd: { kept: 1 } }, 'unknown members go along')
})

t.test('a node with a key is asked for its models with that key', async t => {
  const node = await startStandIn({ key: 'secret' })
  const { app, pool } = await createGateway({ nodes: [{ url: node.url, key: 'secret' }] })
  t.match(pool.nodes(), [{ state: 'ready', models: ['test-model'] }])
  t.notMatch(JSON.stringify(pool.nodes()), 'secret')
  await app.close()
  await node.stop()
})

t.test('neither a web page nor what a proxy sends on brings in a node', async t => {
  const node = await startStandIn()
  const open = await createGateway({
    nodes: [],
    routes: { registration: { allow: () => ['127.0.0.0/8'] } },
  })
  for (const headers of [{ origin: 'https://page.example' }, { 'x-forwarded-for': '192.0.2.1' }])
    t.equal((await open.post('/nodes/add', { url: node.url }, headers)).status, 404)
  t.same(open.pool.nodes(), [])
  t.equal((await open.post('/nodes/add', { url: node.url })).status, 200)
  await open.app.close()
  await node.stop()
})
