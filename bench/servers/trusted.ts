// The gateway with everything on that keeps an operator's sleep, or with all of it off.
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseConfig } from '../../src/config.ts'
import { buildApp } from '../../src/gateway/app.ts'
import { digestOf } from '../../src/gateway/auth/keys.ts'
import { openRedis } from '../../src/gateway/policies/redis.ts'
import { createLog } from '../../src/gateway/telemetry/log.ts'
import { createRegistry } from '../../src/registry/registry.ts'
import { benchTool } from './tool.ts'

const { REDIS_URL, BENCH_KEYS = '0', BENCH_LIMITS, BENCH_LOG } = process.env
const others = Array.from({ length: Math.max(0, Number(BENCH_KEYS) - 1) }, (_, index) => ({
  id: `key-${index}`,
  hash: digestOf(`of ${index}`),
}))
const limits = BENCH_LIMITS ? { rate: '100000000/s', quota: '900000000/day' } : undefined
const keys =
  BENCH_KEYS === '0'
    ? []
    : [...others, { id: 'bench', key: 'of the bench', ...(limits ? { limits } : {}) }]
const config = parseConfig(
  { TOOLGATE_FILES: join(tmpdir(), `toolgate-bench-${process.pid}`) },
  { keys, callLog: BENCH_LOG ? 1 : 0, logLevel: BENCH_LOG ? 'info' : 'error' },
)
const redis = REDIS_URL ? openRedis({ url: REDIS_URL }) : undefined
const app = await buildApp({
  config,
  registry: createRegistry([benchTool]),
  version: '0.0.0',
  log: createLog(config, '/dev/null'),
  ...(redis ? { redis } : {}),
})
process.stdout.write(`${await app.listen({ host: '127.0.0.1', port: 0 })}\n`)
process.on('SIGTERM', () => process.exit(0))
