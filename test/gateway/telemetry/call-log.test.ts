import t from 'tap'
import { testApp } from '../../fixtures/app.ts'
import { lineLog } from '../../fixtures/lines.ts'

async function linesOf(t: Parameters<typeof testApp>[0], callLog?: number) {
  const { log, lines } = lineLog()
  const { app } = await testApp(t, {
    log,
    file: {
      keys: [{ id: 'ann', key: 'a key of the test' }],
      ...(callLog === undefined ? {} : { callLog }),
    },
  })
  const headers = { 'x-api-key': 'a key of the test' }
  const post = (payload: object) =>
    app.inject({ method: 'POST', url: '/tools/echo', payload, headers })
  for (let index = 0; index < 8; index++) await post({ text: 'secret words' })
  await post({ txt: 'secret words' })
  return lines.filter(({ msg }) => msg === 'call')
}

t.test(
  'each call leaves one line, which says who, what and how it went, not what was said',
  async t => {
    const lines = await linesOf(t)
    t.equal(lines.length, 9)
    t.match(lines[0], {
      level: 30,
      requestId: /^[0-9a-f-]{36}$/,
      face: 'rest',
      tool: 'echo',
      caller: 'ann',
      outcome: 'ok',
      ms: Number,
      cache: 'miss',
      bytes: 39,
    })
    t.match(lines[1], { cache: 'l1' })
    t.match(lines[8], { tool: 'echo', outcome: 'TG_ARGUMENT_UNKNOWN' })
    t.notMatch(JSON.stringify(lines), /secret words/)
  },
)

t.test('of calls that went well a share is enough; one that failed is always told', async t => {
  const lines = await linesOf(t, 0.25)
  t.same(
    lines.map(({ outcome }) => outcome),
    ['ok', 'ok', 'TG_ARGUMENT_UNKNOWN'],
  )
})

t.test('the lines can be switched off', async t => {
  t.same(await linesOf(t, 0), [])
})
