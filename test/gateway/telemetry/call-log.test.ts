import t from 'tap'
import { createCallLog } from '../../../src/gateway/telemetry/call-log.ts'
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

/** What a listener is told of a call, as far as its line is concerned. */
const facts = (name: string, caller?: string) => ({
  name,
  args: {},
  outcome: 'TG_TOOL_UNKNOWN',
  ms: 1.2345,
  context: {
    requestId: 'an id',
    face: 'rest',
    signal: new AbortController().signal,
    report: {},
    patience: { redisMs: 0 },
    ...(caller === undefined ? {} : { caller }),
  },
})

t.test('a line is as pino writes it, whatever a name holds', async t => {
  const odd = 'of "a"\n\u2028天\ud800\\'
  const { log, lines } = lineLog()
  const tell = createCallLog({ log: log.child({ replica: 'a "b"' }), share: 1 })
  tell(facts(odd, odd))
  tell(facts('x'.repeat(500)))
  const { level, time, pid, hostname } = lines[0] ?? {}
  t.same(lines[0], {
    level: 30,
    time,
    pid,
    hostname,
    replica: 'a "b"',
    requestId: 'an id',
    face: 'rest',
    tool: odd,
    caller: odd,
    outcome: 'TG_TOOL_UNKNOWN',
    ms: 1.23,
    msg: 'call',
  })
  t.match([level, time, pid, hostname], [30, Number, process.pid, String])
  t.equal(String(lines[1]?.['tool']).length, 80)
})

t.test('a level that is raised while it runs holds for these lines too', async t => {
  const { log, lines } = lineLog()
  const tell = createCallLog({ log, share: 1 })
  log.level = 'warn'
  tell(facts('a'))
  log.level = 'info'
  tell(facts('b'))
  t.same(
    lines.map(({ tool }) => tool),
    ['b'],
  )
})
