// The figures of the core: cached calls, start, memory, stampede. `node bench/core.ts [--smoke]`
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { full, type Load, ratioOf, smoke } from './load.ts'
import { startRedis, startServer } from './processes.ts'
import { report } from './report.ts'

const load: Load = process.argv.includes('--smoke') ? smoke : full
const oneBody = ['{"place":"Shanghai"}']
const manyBodies = Array.from({ length: 500 }, (_, index) =>
  JSON.stringify({ place: `City ${index}` }),
)

await report('core', [
  ...(await l1Hit()),
  ...(await redisHit()),
  ...(await startAndMemory()),
  ...(await stampede()),
])

async function l1Hit() {
  const [gateway, bare] = await Promise.all([
    startServer('./servers/gateway.ts'),
    startServer('./servers/bare.ts'),
  ])
  const { ratio, measured, baseline } = await ratioOf(gateway, bare, { load, bodies: oneBody })
  await Promise.all([gateway.stop(), bare.stop()])
  return [
    {
      what: 'cached call, L1 hit, against bare Fastify with the same schemas',
      seen: `${ratio.toFixed(2)} ×`,
      goal: '≥ 0.80 ×',
      note: `${Math.round(measured)} and ${Math.round(baseline)} requests/s`,
    },
  ]
}

async function redisHit() {
  const redis = await startRedis()
  const env = { REDIS_URL: redis.url }
  const [gateway, bare] = await Promise.all([
    startServer('./servers/gateway.ts', { ...env, BENCH_L1_BYTES: '2048' }),
    startServer('./servers/bare.ts', env),
  ])
  const agent = new Agent()
  for (const body of manyBodies) await callTool(gateway.url, body, agent)
  const { ratio, measured, baseline } = await ratioOf(gateway, bare, { load, bodies: manyBodies })
  await agent.close()
  await Promise.all([gateway.stop(), bare.stop()])
  await redis.stop()
  return [
    {
      what: 'cached call, Redis hit, against bare Fastify with one GET',
      seen: `${ratio.toFixed(2)} ×`,
      goal: '≥ 0.80 ×',
      note: `${Math.round(measured)} and ${Math.round(baseline)} requests/s`,
    },
  ]
}

async function startAndMemory() {
  const times: number[] = []
  let rssMb = 0
  for (let round = 0; round < 3; round++) {
    const startedAt = performance.now()
    // As `npm start` and the image do it; the disk is warm from the second round on.
    const gateway = await startServer('../src/cli/toolgate.js', {
      PORT: '0',
      TOOLGATE_AGENTLEGO_PORT: 'off',
      NODE_OPTIONS: '--max-semi-space-size=4',
    })
    await request(`${gateway.url}/health/ready`).then(answer => answer.body.dump())
    times.push(performance.now() - startedAt)
    await wait(1_000)
    const status = await readFile(`/proc/${gateway.pid}/status`, 'utf8')
    rssMb = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024
    await gateway.stop()
  }
  const best = Math.min(...times)
  return [
    { what: 'start to ready, all tools', seen: `${(best / 1000).toFixed(2)} s`, goal: '< 1.0 s' },
    { what: 'resident memory, idle', seen: `${Math.round(rssMb)} MiB`, goal: '< 130 MiB' },
  ]
}

async function stampede() {
  let seen = 0
  const upstream = createServer((_request, response) => {
    seen += 1
    setTimeout(() => response.setHeader('content-type', 'application/json').end('{}'), 300)
  }).listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  const redis = await startRedis()
  const { port } = upstream.address() as AddressInfo
  const env = { REDIS_URL: redis.url, BENCH_UPSTREAM_URL: `http://127.0.0.1:${port}/` }
  const replicas = await Promise.all(
    [1, 2, 3, 4].map(() => startServer('./servers/gateway.ts', env)),
  )
  await wait(300)
  const agent = new Agent({ connections: 64 })
  const statuses = await Promise.all(
    Array.from({ length: 1_000 }, (_, index) =>
      callTool(replicas[index % 4]?.url ?? '', oneBody[0] ?? '', agent),
    ),
  )
  await agent.close()
  await Promise.all(replicas.map(replica => replica.stop()))
  await redis.stop()
  upstream.close()
  const answered = statuses.filter(status => status === 200).length
  if (answered !== statuses.length)
    throw new Error(`${answered} of ${statuses.length} calls were answered 200`)
  return [
    {
      what: 'stampede: 1,000 equal calls over 4 replicas, seen by the upstream',
      seen: String(seen),
      goal: '1',
      note: `${answered} answered 200`,
    },
  ]
}

async function callTool(url: string, body: string, dispatcher: Agent): Promise<number> {
  const answer = await request(`${url}/tools/bench`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    dispatcher,
  })
  await answer.body.dump()
  return answer.statusCode
}
