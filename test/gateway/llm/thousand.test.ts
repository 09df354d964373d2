import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { Agent, request } from 'undici'
import { createGateway, eventsOf } from '../../fixtures/llm/gateway.ts'
import type { Pool } from '../../../src/gateway/llm/pool.ts'
import { type Behaviour, type StandIn, startStandIn } from '../../fixtures/llm/stand-in.ts'

/** Requests of each scene, half of them streams, `clients` at a time. */
const count = 1_000
const clients = 40
/** No request may take as long: its client would call that hanging. */
const patienceMs = 60_000
const limits = {
  probeMs: 50,
  probeTimeoutMs: 1_000,
  probeFailuresMax: 2,
  probeFailuresBusyMax: 2,
  ejectMs: 50,
  ejectMsMax: 500,
  nodelessMs: 30_000,
  attemptsMax: 10,
}

type Answer = { status: number; text: string; broke: boolean }

async function setUp(t: Test, nodes: StandIn[]) {
  const { app, pool, listen } = await createGateway({ nodes: nodes.map(({ url }) => url), limits })
  const base = await listen()
  const dispatcher = new Agent({ connections: clients })
  t.teardown(async () => {
    await dispatcher.close()
    await app.close()
    await Promise.all(nodes.map(node => node.stop()))
  })
  const ask = async (stream: boolean): Promise<Answer> => {
    const { statusCode, body } = await request(`${base}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'test-model',
        messages: [{ role: 'user', content: 'hi' }],
        stream,
      }),
      dispatcher,
      signal: AbortSignal.timeout(patienceMs),
    })
    const text = await body.text()
    return { status: statusCode, text, broke: text.includes('"error"') }
  }
  /** So many requests, as fast as so many clients ask. */
  const load = async (total: number): Promise<Answer[]> => {
    const answers: Answer[] = []
    let left = total
    const client = async (): Promise<void> => {
      while (left-- > 0) answers.push(await ask(left % 2 === 0))
    }
    await Promise.all(Array.from({ length: clients }, client))
    return answers
  }
  return { pool, load }
}

const failed = (answers: Answer[]): string[] =>
  answers.filter(({ status, broke }) => status !== 200 || broke).map(({ text }) => text)

const scenes: [string, Behaviour | 'stopped'][] = [
  ['is dead', 'stopped'],
  ['cuts every connection', { mode: 'die' }],
  ['hangs', { mode: 'hang' }],
  ['is overloaded', { mode: 'overload' }],
]
for (const [name, behaviour] of scenes)
  t.test(`of ${count} requests none fails while one node of two ${name}`, async t => {
    const [well, ill] = await Promise.all([startStandIn(), startStandIn()])
    const { load } = await setUp(t, [well, ill])
    if (behaviour === 'stopped') await ill.stop()
    else ill.behave(behaviour)
    const answers = await load(count)
    t.equal(answers.length, count)
    t.same(failed(answers), [])
  })

t.test(
  `of ${count} requests none fails before its first byte while one node of two dies in its streams`,
  async t => {
    const script = [{ text: Array.from({ length: 6 }, (_, index) => `word ${index} `) }]
    const [well, ill] = await Promise.all([startStandIn({ script }), startStandIn({ script })])
    const { load } = await setUp(t, [well, ill])
    ill.behave({ mode: 'cut', cutAfter: 2 })
    const answers = await load(count)
    t.equal(answers.length, count)
    t.same(
      answers.filter(({ status }) => status !== 200).map(({ text }) => text),
      [],
    )
    const broken = answers.filter(({ broke }) => broke)
    t.ok(broken.length > 0, `${broken.length} broke after their first byte`)
    for (const { text } of broken) {
      const events = eventsOf(text)
      t.match(events[0], { choices: [{ delta: { content: 'word 0 ' } }] }, 'it had begun')
      t.match(events.at(-2), { error: { type: 'server_error' } }, 'it says that it broke')
      t.equal(events.at(-1), '[DONE]', 'it has a proper end')
    }
  },
)

type Restarted = { node: StandIn; pool: Pool }
/** It goes down as it stands. */
const abruptly = async ({ node }: Restarted): Promise<void> => {
  await node.stop()
  await sleep(60)
  await node.start()
}
/** It is let go first, and joins again. */
const gently = async ({ node, pool }: Restarted): Promise<void> => {
  const { url } = node
  pool.drain(url)
  while (pool.nodes().some(one => one.url === url)) await sleep(5)
  await node.stop()
  await node.start()
  await pool.add({ url })
}

for (const [how, restart] of [
  ['cut off', abruptly],
  ['drained', gently],
] as const)
  t.test(`of ${count} requests none fails while three nodes are ${how} in turn`, async t => {
    const nodes = await Promise.all([startStandIn(), startStandIn(), startStandIn()])
    for (const node of nodes) node.behave({ dripMs: 5, thinkMs: 10 })
    const { load, pool } = await setUp(t, nodes)
    let restarts = 0
    let done = false
    const restarting = (async () => {
      while (!done)
        for (const node of nodes) {
          await restart({ node, pool })
          restarts += 1
          while (!done && pool.nodes().some(({ state }) => state !== 'ready')) await sleep(10)
        }
    })()
    const answers = await load(count)
    while (restarts < nodes.length) answers.push(...(await load(clients)))
    done = true
    await restarting
    t.ok(answers.length >= count, `${answers.length} requests, ${restarts} restarts`)
    const broken = failed(answers)
    if (restart === gently) return t.same(broken, [], 'no stream was cut either')
    t.ok(
      broken.every(text => text.includes('"content"') && text.endsWith('data: [DONE]\n\n')),
      `${broken.length} streams were cut after their first byte, each with a proper end`,
    )
  })
