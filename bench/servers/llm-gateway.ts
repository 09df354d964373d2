// The LLM side alone, with its log line for each request, gathered as the gateway gathers them.
import fastify from 'fastify'
import { destination, pino } from 'pino'
import { createPool } from '../../src/gateway/llm/pool.ts'
import { llmRoutes } from '../../src/gateway/llm/routes.ts'

const log = pino(
  destination({ dest: '/dev/null', sync: false, minLength: 4_096, periodicFlush: 100 }),
)
const limits = { streamsMax: 4_096, concurrency: 4_096 }
const pool = createPool({ nodes: [{ url: process.env['NODE_URL'] ?? '' }], log, limits })
const app = fastify({ logger: false })
await app.register(llmRoutes, { pool, log, limits, publicOrigin: 'http://127.0.0.1' })
await pool.ready()
process.stdout.write(`${await app.listen({ host: '127.0.0.1', port: 0 })}\n`)
process.on('SIGTERM', () => process.exit(0))
