import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import Type from 'typebox'
import { openRedis } from '../../src/gateway/policies/redis.ts'
import { defineTool } from '../../src/registry/tool.ts'
import { testApp } from '../fixtures/app.ts'
import { skipWithoutRedis, startRedisServer } from '../fixtures/redis.ts'
import { until } from '../fixtures/until.ts'
import { watchProcess } from '../fixtures/watch-process.ts'

const odd = watchProcess()

/** Doubles a number somewhere else. */
const twice = defineTool({
  name: 'twice',
  title: 'Twice',
  description: 'Doubles a number somewhere else.',
  input: Type.Object({ number: Type.Integer({ description: 'Which', minimum: 0 }) }),
  output: Type.Object({ number: Type.Integer({ description: 'Its double' }) }),
  cache: { ttlMs: 60_000 },
  timeoutMs: 20_000,
  async run({ number }, { getJson, setting }) {
    const schema = Type.Object({ number: Type.Integer() })
    return getJson(`${setting('ARXIV_URL')}/?n=${number}`, { schema })
  },
})

type Misbehaviour = 'well' | 'reset' | 'drip' | 'garbage' | 'crash'

/** The somewhere else. */
async function doubler(t: Test) {
  const upstream = { url: '', does: 'well' as Misbehaviour }
  const server = createServer((request, response) => {
    const number = Number(new URL(request.url ?? '', 'http://x').searchParams.get('n'))
    const text = JSON.stringify({ number: number * 2 })
    const { does } = upstream
    if (does === 'reset') return void response.destroy()
    if (does === 'crash') return void response.writeHead(500).end('no')
    if (does === 'garbage') return void response.end(`{"number": "${'x'.repeat(100)}`)
    if (does === 'well') return void response.end(text)
    let at = 0
    const step = (): void => {
      response.write(text[at++] ?? '')
      if (at < text.length) setImmediate(step)
      else response.end()
    }
    step()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  upstream.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return upstream
}

const honest = new Set([429, 502, 503, 504])

t.test(
  'of N calls N are answered, each right or by an honest error',
  { skip: skipWithoutRedis },
  async t => {
    t.setTimeout(120_000)
    const server = await startRedisServer(t)
    const admin = new Redis({
      path: server.url,
      retryStrategy: () => 20,
      maxRetriesPerRequest: null,
    })
    admin.on('error', () => undefined)
    t.teardown(() => admin.disconnect())
    const upstream = await doubler(t)
    const redis = openRedis({ url: server.url })
    const clock = { offsetMs: 0 }
    const { app } = await testApp(t, {
      tools: [twice],
      redis,
      now: () => Date.now() + clock.offsetMs,
      env: { ARXIV_URL: upstream.url },
    })
    await until('Redis is up', () => redis.health().state === 'up')

    let number = 0
    let calls = 0
    let answered = 0
    /** Calls, each number twice: once to be run, once perhaps out of a cache. */
    async function callMany(): Promise<{ right: number; failed: number }> {
      const statuses: number[] = []
      const one = async (asked: number): Promise<void> => {
        calls += 1
        const { statusCode, body } = await app.inject({
          method: 'POST',
          url: '/tools/twice',
          payload: { number: asked },
        })
        answered += 1
        statuses.push(statusCode)
        if (statusCode === 200) t.same(JSON.parse(body), { number: asked * 2 })
        else t.ok(honest.has(statusCode), `${statusCode} ${body}`)
      }
      const numbers = Array.from({ length: 20 }, () => number++)
      await Promise.all([...numbers, ...numbers].map(one))
      const right = statuses.filter(status => status === 200).length
      return { right, failed: statuses.length - right }
    }

    const well = { right: 40, failed: 0 }
    const redisFaults: [string, () => Promise<unknown>, () => Promise<unknown>][] = [
      ['slow', () => admin.client('PAUSE', 1_000, 'ALL'), async () => undefined],
      [
        'evicting',
        () => admin.config('SET', 'maxmemory', '1mb', 'maxmemory-policy', 'allkeys-random'),
        () => admin.config('SET', 'maxmemory', '0'),
      ],
      [
        'full',
        () => admin.config('SET', 'maxmemory', '1', 'maxmemory-policy', 'noeviction'),
        () => admin.config('SET', 'maxmemory', '0'),
      ],
      ['read-only', () => admin.replicaof('127.0.0.1', 9), () => admin.replicaof('NO', 'ONE')],
      ['hung', async () => server.hang(), async () => server.wake()],
      ['killed', () => server.kill(), () => server.start()],
    ]
    for (const [name, harm, mend] of redisFaults) {
      await harm()
      t.same(await callMany(), well, `Redis ${name}`)
      await mend()
      t.same(await callMany(), well, `Redis no longer ${name}`)
    }

    upstream.does = 'drip'
    t.same(await callMany(), well, 'an upstream that drips')
    for (const does of ['garbage', 'reset', 'crash'] as const) {
      upstream.does = does
      t.same(await callMany(), { right: 0, failed: 40 }, `an upstream: ${does}`)
      upstream.does = 'well'
      // Left alone for a while after so many failures; the clock is ours.
      clock.offsetMs += 60_000
      let probes = 0
      await until('the upstream is asked again', async () => {
        const payload = { number: 1_000_000 + probes++ }
        clock.offsetMs += 60_000
        calls += 1
        const { statusCode } = await app.inject({ method: 'POST', url: '/tools/twice', payload })
        answered += 1
        return statusCode === 200
      })
      t.same(await callMany(), well, `an upstream after ${does}`)
    }

    for (const jumpMs of [86_400_000, -7 * 86_400_000, 3_600_000]) {
      clock.offsetMs += jumpMs
      t.same(await callMany(), well, `the clock jumps by ${jumpMs} ms`)
    }
    t.equal(answered, calls)
    t.comment(`${calls} calls, ${answered} answered`)
  },
)

t.test('no rejection was left unhandled, and Node warned of nothing', async t => {
  t.same(odd, [])
})
