import { request } from 'node:http'
import t from 'tap'
import { createGateway } from '../../../fixtures/llm/gateway.ts'
import { startStandIn } from '../../../fixtures/llm/stand-in.ts'
import { until } from '../../../fixtures/until.ts'

const raw = { 'x-toolgate-raw': '1' }
const chat = '/v1/chat/completions'
const body = { model: 'test-model', messages: [{ role: 'user', content: 'hi' }], stream: true }
const course = { model: 'test-model', prompt: 'x', stream: true, skip_special_tokens: false }

t.test('a raw stream that breaks is cut, an untouched one ends with an error event', async t => {
  const node = await startStandIn({
    answer({ path }, response) {
      if (path !== '/v1/completions') return false
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('data: {"id":"1","choices":[{"text":"a"}]}\n\n')
      setTimeout(() => response.socket?.destroy(), 20)
      return true
    },
  })
  const { app, listen, post } = await createGateway({ nodes: [node.url] })
  const base = await listen()
  const headers = { 'content-type': 'application/json' }
  const cut = fetch(`${base}/v1/completions`, {
    method: 'POST',
    headers: { ...headers, ...raw },
    body: JSON.stringify(course),
  })
  await t.rejects(
    cut.then(response => response.text()),
    /terminated/,
  )
  const { text } = await post('/v1/completions', course)
  t.match(text, /^data: \{"id":"1","choices":\[\{"text":"a"\}\]\}\n\n/)
  t.match(text, /"code":"TG_UPSTREAM_FAILED"[^]*\[DONE\]\n\n$/)
  await app.close()
  await node.stop()
})

t.test('a stream without its end is broken too, and so is one object in its place', async t => {
  let answer = 'data: {"id":"1","choices":[]}\n\n'
  let type = 'text/event-stream'
  const node = await startStandIn({
    answer({ path }, response) {
      if (path !== '/v1/completions') return false
      response.writeHead(200, { 'content-type': type }).end(answer)
      return true
    },
  })
  const { app, post } = await createGateway({ nodes: [node.url] })
  t.match((await post('/v1/completions', course)).text, /broke off/)
  answer = '{"odd":1}'
  t.match(
    (await post('/v1/completions', course)).text,
    /answered a stream with one object/,
    'headers have left',
  )
  type = 'application/json'
  t.equal((await post('/v1/completions', course)).text, answer, 'or not')
  answer = '{"object":"error","message":"no","code":400}'
  t.match(await post('/v1/completions', course), {
    status: 400,
    json: { error: { message: 'no' } },
  })
  await app.close()
  await node.stop()
})

t.test('raw answers keep their status and their error', async t => {
  const node = await startStandIn()
  const { app, post } = await createGateway({
    nodes: [{ url: node.url, models: ['test-model', 'gone'] }],
  })
  const answer = await post(chat, { ...body, model: 'gone' }, raw)
  t.match(answer, { status: 404, json: { object: 'error', code: 404 } })
  await app.close()
  await node.stop()
})

const text = `data: {"id":"1","choices":[{"index":0,"text":"${'x'.repeat(64_000)}"}]}\n\n`
const delta = text.replace('"text":', '"delta":{"content":').replace('"}]', '"}}]')
const slow: [string, string, object, string][] = [
  ['passed', '/v1/completions', course, text],
  ['mended', '/v1/completions', { ...course, skip_special_tokens: true }, text],
  ['mended', chat, body, delta],
  ['translated', '/v1/messages', { ...body, max_tokens: 9 }, delta],
]
for (const [how, path, asked, piece] of slow)
  t.test(`a slow client of ${path}, ${how}, stops its node, and is let go in the end`, async t => {
    let sent = 0
    const node = await startStandIn({
      version: '0.17.0',
      answer(_seen, response) {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        const more = (): void => {
          while (!response.destroyed && sent < 2_000) {
            sent += 1
            if (!response.write(piece)) return void response.once('drain', more)
          }
        }
        more()
        return true
      },
    })
    const { app, listen, pool } = await createGateway({
      nodes: [node.url],
      limits: { stalledMs: 300 },
    })
    const client = request(`${await listen()}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    })
    client.on('error', () => undefined)
    client.on('response', response => {
      response.pause()
      response.on('error', () => undefined)
    })
    client.end(JSON.stringify(asked))
    await until('the node is asked', () => pool.nodes()[0]?.inFlight === 1)
    await node.aborted
    t.ok(sent < 500, `${sent} of 2,000 pieces of 64 kB left the node`)
    t.equal(pool.nodes()[0]?.state, 'ready', 'the node is not blamed')
    client.destroy()
    await app.close()
    await node.stop()
  })
