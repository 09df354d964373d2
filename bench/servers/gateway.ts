// The whole gateway with one tool.
import { pino } from 'pino'
import { parseConfig } from '../../src/config.ts'
import { buildApp } from '../../src/gateway/app.ts'
import { openRedis } from '../../src/gateway/policies/redis.ts'
import { createRegistry } from '../../src/registry/registry.ts'
import { benchTool } from './tool.ts'

const { REDIS_URL, BENCH_L1_BYTES, BENCH_UPSTREAM_URL } = process.env
const config = parseConfig(
  { TOOLGATE_FILES: `/tmp/toolgate-bench-${process.pid}` },
  {
    limits: BENCH_L1_BYTES ? { l1BytesMax: Number(BENCH_L1_BYTES) } : {},
    settings: BENCH_UPSTREAM_URL ? { BENCH_UPSTREAM_URL } : {},
  },
)
const registry = createRegistry([benchTool], { settings: config.settings })
const redis = REDIS_URL ? openRedis({ url: REDIS_URL }) : undefined
const app = await buildApp({
  config,
  registry,
  version: '0.0.0',
  log: pino({ level: 'error' }),
  ...(redis ? { redis } : {}),
})
process.stdout.write(`${await app.listen({ host: '127.0.0.1', port: 0 })}\n`)
process.on('SIGTERM', () => process.exit(0))
