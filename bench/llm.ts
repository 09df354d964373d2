// The figures of the LLM side. `node bench/llm.ts [--smoke] [--write]`
import { readFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { Agent, type Dispatcher, request } from 'undici'
import { createNode } from '../src/gateway/llm/node.ts'
import { pickNode } from '../src/gateway/llm/pick.ts'
import { full, type Load, ratioOf, requestsPerSecond, smoke } from './load.ts'
import { cpuSeconds, type Server, startServer } from './processes.ts'
import { report } from './report.ts'

const isSmoke = process.argv.includes('--smoke')
const load: Load = isSmoke ? smoke : full
const path = '/v1/chat/completions'
const ask = (more: object, content = 'y'.repeat(900)): string =>
  JSON.stringify({ model: 'bench', messages: [{ role: 'user', content }], ...more })

/** All 700 characters, as a whole answer. */
const isWhole = (answer: string): boolean =>
  answer.includes(`"${'x'.repeat(700)}"`) && answer.includes('"finish_reason":"stop"')
/** Every word once and in order, and a proper end. */
const isStream = (answer: string): boolean =>
  answer.endsWith('data: [DONE]\n\n') &&
  [...answer.matchAll(/"content": ?" word(\d+)"/g)].every(([, word], at) => Number(word) === at) &&
  answer.includes(' word30"')

async function wholes() {
  // Neither is to be measured while it is being compiled.
  for (const server of [gateway, bare])
    await requestsPerSecond(server, smoke, { path, bodies: [ask({})] })
  const { ratio, measured, baseline } = await ratioOf(gateway, bare, {
    load,
    path,
    bodies: [ask({})],
    isRight: isWhole,
  })
  return {
    what: 'non-stream, 1 KB, against a bare Fastify + undici pass-through',
    seen: `${ratio.toFixed(2)} ×`,
    goal: '≥ 0.70 ×',
    note: `${Math.round(measured)} and ${Math.round(baseline)} requests/s`,
  }
}

/** Milliseconds to the first body byte, of 32 streams that are always open. */
async function firstByteMs(server: Server, each: number): Promise<number[]> {
  const agent = new Agent({ connections: 64 })
  const times: number[] = []
  await Promise.all(
    Array.from({ length: 32 }, async (_, index) => {
      // Not all at the same moment: streams are not.
      await wait(index * 5)
      for (let turn = 0; turn < each; turn += 1) times.push(await oneStream(server, agent))
    }),
  )
  await agent.close()
  return times
}

async function oneStream(server: Server, dispatcher: Dispatcher): Promise<number> {
  const from = performance.now()
  const { body } = await request(server.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: ask({ stream: true, paced: true }),
    dispatcher,
  })
  let first = 0
  const parts: Buffer[] = []
  for await (const part of body as AsyncIterable<Buffer>) {
    first ||= performance.now() - from
    parts.push(part)
  }
  const answer = Buffer.concat(parts).toString()
  if (!isStream(answer)) throw new Error(`a stream is wrong: ${answer}`)
  return first
}

const at = (times: number[], share: number): number =>
  times.toSorted((one, two) => one - two)[Math.floor((times.length - 1) * share)] ?? 0
const median = (values: number[]): number => at(values, 0.5)

async function firstBytes() {
  const rounds = isSmoke ? 1 : 9
  const added: { p50: number; p99: number }[] = []
  await firstByteMs(bare, 10)
  await firstByteMs(gateway, 10)
  for (let round = 0; round < rounds; round += 1) {
    const base = await firstByteMs(bare, 8)
    const ours = await firstByteMs(gateway, 8)
    added.push({ p50: at(ours, 0.5) - at(base, 0.5), p99: at(ours, 0.99) - at(base, 0.99) })
  }
  const [p50, p99] = [median(added.map(one => one.p50)), median(added.map(one => one.p99))]
  return {
    what: 'streams, 32 at once: time to first byte added to that pass-through',
    seen: `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`,
    goal: 'p50 < 0.5 ms, p99 < 3 ms',
    note: `median of ${rounds} rounds of 256 streams`,
  }
}

/** What a stream costs the gateway: its CPU, since the streams themselves wait for the model. */
async function cpuMsPerStream(headers: Record<string, string>): Promise<number> {
  const before = await cpuSeconds(gateway)
  const bodies = [ask({ stream: true, paced: true })]
  // CPU is counted in ticks: twice the time, half the error.
  const longer = { ...load, seconds: load.seconds * 2 }
  const sent = { path, bodies, headers, isRight: isStream }
  const perSecond = await requestsPerSecond(gateway, longer, sent)
  const used = (await cpuSeconds(gateway)) - before
  return (used * 1_000) / (perSecond * longer.seconds)
}

async function normalising() {
  const raw = { 'x-toolgate-raw': '1' }
  const passed: number[] = []
  const mended: number[] = []
  for (let round = 0; round < load.rounds; round += 1) {
    passed.push(await cpuMsPerStream(raw))
    mended.push(await cpuMsPerStream({}))
  }
  // Whatever else the machine does only adds to CPU time: the least is nearest to the truth.
  const [least, leastMended] = [Math.min(...passed), Math.min(...mended)]
  const ms = (value: number): string => value.toFixed(2)
  return {
    what: 'CPU of normalising a stream of 32 chunks that come one by one, over passing it',
    seen: `${((leastMended / least - 1) * 100).toFixed(0)} % more`,
    goal: '< 10 %',
    note: `${ms(leastMended)} and ${ms(least)} ms a stream, least of ${load.rounds}; medians ${ms(median(mended))} and ${ms(median(passed))}`,
  }
}

/** The same at full speed, where most chunks come in one piece with others. */
async function normalisingBursts() {
  const bodies = [ask({ stream: true })]
  const sent = { path, bodies, isRight: isStream }
  const passing = { ...sent, headers: { 'x-toolgate-raw': '1' } }
  const ratios: number[] = []
  for (let round = 0; round < load.rounds; round += 1) {
    const first = await requestsPerSecond(gateway, load, passing)
    const mended = await requestsPerSecond(gateway, load, sent)
    const passed = (first + (await requestsPerSecond(gateway, load, passing))) / 2
    ratios.push(passed / mended - 1)
  }
  return {
    what: 'the same in requests/s, of a node that sends as fast as it can',
    seen: `${(median(ratios) * 100).toFixed(0)} % fewer`,
    goal: '',
  }
}

async function idleStreams() {
  // The nursery of `npm start`: a larger one is no cost of a stream.
  const nursery = { NODE_OPTIONS: '--max-semi-space-size=4' }
  const fresh = await startServer('./servers/llm-gateway.ts', { ...env, ...nursery })
  const rss = async (): Promise<number> => {
    const status = await readFile(`/proc/${fresh.pid}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0)
  }
  const count = isSmoke ? 50 : 1_000
  // The first of them fill what the heap has grown to by then: the next ones show their price.
  const beside = await openIdle(fresh, count)
  await wait(2_000)
  const before = await rss()
  const open = await openIdle(fresh, count)
  await wait(2_000)
  const each = ((await rss()) - before) / count
  const ended = open.bodies.filter(({ closed }) => closed).length
  if (ended > 0) throw new Error(`${ended} of ${count} streams did not stay open`)
  await closeAll(open)
  await closeAll(beside)
  await fresh.stop()
  return {
    what: `${count} idle streams, beside as many`,
    seen: `${each.toFixed(0)} KiB each`,
    goal: '< 40 KiB each',
  }
}

type Idle = { agent: Agent; bodies: Dispatcher.ResponseData['body'][] }

async function openIdle(server: Server, count: number): Promise<Idle> {
  const agent = new Agent({ connections: count })
  const bodies: Idle['bodies'] = []
  for (let opened = 0; opened < count; opened += 50) {
    const some = Array.from({ length: 50 }, () =>
      request(server.url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: ask({ stream: true, idle: true }),
        dispatcher: agent,
      }),
    )
    for (const { statusCode, body } of await Promise.all(some)) {
      if (statusCode !== 200) throw new Error(`a stream is a ${statusCode}`)
      bodies.push(body)
    }
  }
  return { agent, bodies }
}

async function closeAll({ agent, bodies }: Idle): Promise<void> {
  for (const body of bodies) body.on('error', () => undefined).destroy()
  await agent.destroy()
}

function picking() {
  const nodes = Array.from({ length: 100 }, (_, index) => {
    const one = createNode({ url: `http://10.0.0.${index}:23333` }, { concurrency: 128 })
    one.state = 'ready'
    one.inFlight = index % 7
    return one
  })
  const none = new Set<never>()
  const rounds = 20_000
  const pick = (affinity: number) =>
    pickNode(nodes, { model: 'bench', affinity, refused: none, tried: none })
  for (let warm = 0; warm < rounds; warm += 1) pick(warm)
  const from = performance.now()
  for (let round = 0; round < rounds; round += 1) pick(round)
  const us = ((performance.now() - from) / rounds) * 1_000
  const picked = new Set(Array.from({ length: rounds }, (_, affinity) => pick(affinity)))
  if (picked.size < 50) throw new Error(`only ${picked.size} of 100 nodes are ever picked`)
  return { what: 'picking one of 100 nodes', seen: `${us.toFixed(1)} µs`, goal: '< 20 µs' }
}

const node = await startServer('./servers/llm-node.ts')
const env = { NODE_URL: node.url }
const [gateway, bare] = await Promise.all([
  startServer('./servers/llm-gateway.ts', env),
  startServer('./servers/llm-bare.ts', env),
])
await report('llm', [
  await wholes(),
  await firstBytes(),
  await normalising(),
  await normalisingBursts(),
  await idleStreams(),
  picking(),
])
await Promise.all([gateway.stop(), bare.stop()])
await node.stop()
