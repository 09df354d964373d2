import t from 'tap'
import { startDevLlm } from '../../../src/gateway/llm/dev-llm.ts'
import { createGateway, eventsOf } from '../../fixtures/llm/gateway.ts'
import { loopTools } from '../../fixtures/llm/loop-tools.ts'
import { readStream } from '../../fixtures/llm/openai-shapes.ts'

t.test('the scripted model runs the loop with no GPU', async t => {
  const dev = await startDevLlm({ port: 0 })
  const tools = loopTools()
  const { app, post } = await createGateway({ nodes: [dev.url], routes: { tools } })
  const ask = (content: string, more: object = {}) =>
    post('/v1/chat/completions', {
      model: dev.model,
      messages: [{ role: 'user', content }],
      toolgate: {},
      ...more,
    })
  const answer = await ask('What is the weather in New York?')
  t.equal(answer.json.choices[0].message.content, '20 °C in New York')
  t.same(tools.called, [{ name: 'weather_now', args: { place: 'New York' } }])
  t.match((await ask('上海今天的天气怎么样')).json.choices[0].message.content, '20 °C in 上海')
  const { problems, said } = readStream(
    eventsOf(
      (await ask('weather in Paris', { stream: true, stream_options: { include_usage: true } }))
        .text,
    ),
    { includeUsage: true },
  )
  t.same(problems, [])
  t.equal(said.content, '20 °C in Paris')
  t.match((await ask('hello')).json.choices[0].message.content, /scripted model/)
  await app.close()
  await dev.close()
})

t.test("a script of one's own decides what is called and said", async t => {
  const dev = await startDevLlm({ port: 0, script: [{ when: /^say (\w+)$/, say: '$1!' }] })
  const { app, post } = await createGateway({ nodes: [dev.url] })
  const ask = async (content: string): Promise<string> =>
    (
      await post('/v1/chat/completions', {
        model: dev.model,
        messages: [{ role: 'user', content }],
      })
    ).json.choices[0].message.content
  t.equal(await ask('say hi'), 'hi!')
  t.match(await ask('else'), /nothing to say/)
  t.match(
    await (await fetch(`${dev.url}/v1/chat/completions`, { method: 'POST', body: '{' })).json(),
    { object: 'error' },
  )
  t.equal((await fetch(`${dev.url}/nowhere`)).status, 404)
  await app.close()
  await dev.close()
})
