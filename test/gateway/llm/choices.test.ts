import OpenAI from 'openai'
import t from 'tap'
import { createGateway, eventsOf, type Loose } from '../../fixtures/llm/gateway.ts'
import { Completion, readStream, shapeProblem } from '../../fixtures/llm/openai-shapes.ts'
import { startStandIn } from '../../fixtures/llm/stand-in.ts'
import { versions } from '../../fixtures/llm/wires.ts'

const path = '/v1/chat/completions'
const body = { model: 'test-model', messages: [{ role: 'user', content: 'hi' }], n: 3, seed: 7 }
const words = ['one', 'two', 'three']

for (const version of versions.filter(one => Number(one.split('.')[1]) < 17))
  t.test(`as many choices come from ${version}, which knows one, as were asked for`, async t => {
    const node = await startStandIn({ version })
    const { app, post } = await createGateway({ nodes: [node.url] })
    t.teardown(async () => {
      await app.close()
      await node.stop()
    })
    const script = (): void => node.script(...words.map(word => ({ text: [word, ' 号'] })))
    script()
    const { status, json } = await post(path, body)
    t.equal(status, 200)
    t.equal(shapeProblem(Completion, json), undefined)
    t.same(
      json.choices.map(({ index }: Loose) => index),
      [0, 1, 2],
    )
    const said = json.choices.map(({ message }: Loose) => message.content)
    t.same(said.sort(), words.map(word => `${word} 号`).sort())
    t.match(json.usage, { prompt_tokens: 12, completion_tokens: 9, total_tokens: 21 })
    const seeds = node.to(path).map(({ json: sent }) => sent['seed'])
    t.same(new Set(seeds), new Set([7, 8, 9]), 'the same seed would say the same')
    script()
    const options = { stream: true, stream_options: { include_usage: true } }
    const events = eventsOf((await post(path, { ...body, ...options })).text)
    t.equal(events.filter(one => one.usage).length, 1, 'usage comes once')
    for (const [index, word] of words.entries()) {
      const own = events.filter(one => !one.choices?.length || one.choices[0].index === index)
      const { problems, said: heard } = readStream(own, { includeUsage: true })
      t.same(problems, [])
      t.match(heard, { content: `${word} 号`, finish: 'stop' })
    }
  })

t.test('a node that answers all choices is asked once', async t => {
  const choices = [0, 1, 2].map(index => ({
    index,
    message: { role: 'assistant', content: words[index] },
    finish_reason: 'stop',
  }))
  const node = await startStandIn({
    answer({ path: at }, response) {
      if (at !== path) return false
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ id: '1', object: 'chat.completion', choices }))
      return true
    },
  })
  const { app, post } = await createGateway({ nodes: [node.url] })
  const { json } = await post(path, body)
  t.equal(json.choices.length, 3)
  t.equal(node.to(path).length, 1)
  await app.close()
  await node.stop()
})

t.test('a choice that fails fails the answer, properly', async t => {
  let asked = 0
  const node = await startStandIn({
    version: '0.9.2',
    answer({ path: at }, response) {
      asked += at === path ? 1 : 0
      if (at !== path || asked % 2 === 1) return false
      response.writeHead(500, { 'content-type': 'text/plain' }).end('Internal Server Error')
      return true
    },
  })
  const { app, post } = await createGateway({ nodes: [node.url] })
  t.equal((await post(path, { ...body, n: 2 })).status, 502)
  asked = 0
  const events = eventsOf((await post(path, { ...body, n: 2, stream: true })).text)
  t.match(events.at(-2), { error: { code: 'TG_UPSTREAM_FAILED' } })
  t.equal(events.at(-1), '[DONE]')
  await app.close()
  await node.stop()
})

t.test("OpenAI's own client assembles the choices", async t => {
  const node = await startStandIn({ version: '0.12.3' })
  const { app, listen } = await createGateway({ nodes: [node.url] })
  const client = new OpenAI({ baseURL: `${await listen()}/v1`, apiKey: 'none', maxRetries: 0 })
  node.script({ text: ['one'] }, { text: ['two'] })
  const { n: _n, ...rest } = body
  const stream = client.chat.completions.stream({
    ...rest,
    messages: [{ role: 'user', content: 'hi' }],
    n: 2,
  })
  const { choices } = await stream.finalChatCompletion()
  t.same(
    choices.map(({ message }) => message.content),
    ['one', 'two'],
  )
  await app.close()
  await node.stop()
})
