// What keys, limits and the log cost a cached call. `node bench/trust.ts [--smoke]`
import { full, type Load, ratioOf, smoke } from './load.ts'
import { startRedis, startServer } from './processes.ts'
import { report } from './report.ts'

const load: Load = process.argv.includes('--smoke') ? smoke : full
const bodies = ['{"place":"Shanghai"}']
const headers = { authorization: 'Bearer of the bench' }
const all = { BENCH_KEYS: '1', BENCH_LIMITS: '1', BENCH_LOG: '1' }

/** One gateway against another, as a row of the table. */
async function row(
  what: string,
  goal: string,
  [on, off]: [on: Record<string, string>, off: Record<string, string>],
) {
  const [measured, baseline] = await Promise.all([
    startServer('./servers/trusted.ts', on),
    startServer('./servers/trusted.ts', off),
  ])
  const found = await ratioOf(measured, baseline, { load, bodies, headers })
  await Promise.all([measured.stop(), baseline.stop()])
  return {
    what,
    seen: `${found.ratio.toFixed(2)} ×`,
    goal,
    note: `${Math.round(found.measured)} and ${Math.round(found.baseline)} requests/s`,
  }
}

const redis = await startRedis()
const shared = { REDIS_URL: redis.url }
await report('trust', [
  await row('cached call with a key, against none', '', [{ BENCH_KEYS: '1' }, {}]),
  await row('with 10,000 keys, against one', '≥ 0.95 ×', [
    { BENCH_KEYS: '10000' },
    { BENCH_KEYS: '1' },
  ]),
  await row('with a key, its limits and a log line, against none', '≥ 0.85 ×', [all, {}]),
  await row('the same with limits in Redis', '', [{ ...all, ...shared }, shared]),
])
await redis.stop()
