import t from 'tap'
import { testApp } from '../../fixtures/app.ts'
import { standIn } from '../../fixtures/stand-in.ts'

t.test('live says that the process answers, and for how long it has run', async t => {
  const { app } = await testApp(t)
  t.match((await app.inject('/health/live')).json(), { status: 'live', uptimeSeconds: Number })
})

t.test('ready tells how each part fares, and is ready all the same', async t => {
  const node = await standIn(t)
  const { app } = await testApp(t, {
    env: { LMDEPLOY_URL: `${node.url},http://127.0.0.1:9` },
  })
  const { statusCode, body } = await app.inject('/health/ready')
  t.equal(statusCode, 200)
  const { llm, ...told } = JSON.parse(body) as Record<string, object>
  t.match(told, {
    status: 'ready',
    tools: {
      listed: 3,
      available: 2,
      unavailable: [{ name: 'locked', reason: 'LOCKED_KEY is not set' }],
    },
    redis: { state: 'none' },
    sources: {},
    upstreamsLeftAlone: 0,
    workers: { busy: 0, queued: 0 },
  })
  t.equal(
    Object.values(llm ?? {}).reduce((sum: number, count: number) => sum + count, 0),
    2,
  )
  t.notMatch(body, /127\.0\.0\.1/, 'addresses are not for everybody')
})

t.test('where documents want a key, health names no tool', async t => {
  const env = { TOOLGATE_KEY: 'a key of the test', TOOLGATE_DOCUMENTS: 'key' }
  const { app } = await testApp(t, { env })
  const { body } = await app.inject('/health/ready')
  t.match(JSON.parse(body), { tools: { listed: 3, available: 2 } })
  t.notMatch(body, /locked/)
})
