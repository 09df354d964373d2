import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { testApp } from '../../fixtures/app.ts'

const key = 'a key of the test'

async function trailOf(t: Parameters<typeof testApp>[0], audit: object) {
  const to = join(t.testdir({ trail: {} }), 'trail', 'audit.jsonl')
  const { app } = await testApp(t, {
    env: { TOOLGATE_FILES: join(to, '..', 'files') },
    file: { keys: [{ id: 'ann', key }], audit: { to, ...audit } },
  })
  const headers = { 'x-api-key': key }
  const post = (url: string, payload: object, more: object = headers) =>
    app.inject({ method: 'POST', url, payload, headers: { ...more } })
  await post('/tools/echo', { text: 'private' })
  await post('/tools/echo', { txt: 'private' })
  await post('/registry/sources', { name: 'x' })
  await post('/registry/sources', { name: 'x' }, {})
  await app.close()
  const text = readFileSync(to, 'utf8')
  return text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Record<string, unknown>)
}

t.test(
  'the trail says who did what, when, with which outcome and how much, without bodies',
  async t => {
    const [called, refused, admin, stranger] = await trailOf(t, {})
    t.match(called, {
      time: /^\d{4}-\d\d-\d\dT/,
      kind: 'call',
      requestId: String,
      face: 'rest',
      caller: 'ann',
      tool: 'echo',
      outcome: 'ok',
      ms: Number,
      cache: 'miss',
      bytesIn: 18,
      bytesOut: 34,
    })
    t.match(refused, { tool: 'echo', outcome: 'TG_ARGUMENT_UNKNOWN', bytesOut: 0 })
    t.match(admin, {
      kind: 'admin',
      caller: 'ann',
      address: '127.0.0.1',
      method: 'POST',
      route: '/registry/sources',
      status: 400,
    })
    t.match(stranger, { kind: 'admin', status: 401 })
    t.notMatch(JSON.stringify([called, refused]), /private/)
  },
)

t.test('with bodies, where they are asked for', async t => {
  const [called] = await trailOf(t, { bodies: true })
  t.match(called, { arguments: '{"text":"private"}', answer: /"said":"private"/ })
})
