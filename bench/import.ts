// The figures of sources: a large document imported, and what an imported call costs.
// `node bench/import.ts [--smoke]`
import { loadavg } from 'node:os'
import { Agent, request } from 'undici'
import { startServer } from './processes.ts'
import { report } from './report.ts'

const isSmoke = process.argv.includes('--smoke')
const [rounds, callsPerRound] = isSmoke ? [1, 50] : [5, 1_000]
const agent = new Agent({ connections: 1 })

const imported = await startServer('./servers/imported.ts', {
  BENCH_OPERATIONS: isSmoke ? '200' : '5000',
})
const importing = await startServer('./servers/importing.ts', { BENCH_SOURCE: imported.url })
const { ms, cpuMs, blockMs, tools } = (await (
  await request(`${importing.url}/bench`, { dispatcher: agent })
).body.json()) as { ms: number; cpuMs: number; blockMs: number; tools: number }

const direct: number[] = []
const through: number[] = []
for (let round = 0; round < rounds; round++) {
  direct.push(await p50(`${imported.url}/echo`))
  through.push(await p50(`${importing.url}/tools/many_echo`))
}
await agent.close()
await Promise.all([imported.stop(), importing.stop()])

const [directMs, throughMs] = [median(direct), median(through)]
await report('import', [
  {
    what: `import of a document of ${tools} operations`,
    seen: `${(ms / 1_000).toFixed(2)} s`,
    goal: '< 3 s',
    note: `${(cpuMs / 1_000).toFixed(2)} s of processor, ${loadavg()[0]?.toFixed(1)} processes ready to run`,
  },
  {
    what: 'longest block of the loop meanwhile',
    seen: `${blockMs.toFixed(0)} ms`,
    goal: '< 50 ms',
  },
  {
    what: 'imported tool over REST, added to calling its server directly, p50',
    seen: `${(throughMs - directMs).toFixed(2)} ms`,
    goal: '< 1 ms',
    note: `${throughMs.toFixed(2)} and ${directMs.toFixed(2)} ms`,
  },
])

async function p50(url: string): Promise<number> {
  const times: number[] = []
  for (let at = 0; at < callsPerRound; at++) {
    const startedAt = performance.now()
    const answer = await request(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `{"text":"hello ${at}"}`,
      dispatcher: agent,
    })
    await answer.body.text()
    if (answer.statusCode !== 200) throw new Error(`${url} answered ${answer.statusCode}`)
    times.push(performance.now() - startedAt)
  }
  return median(times)
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
