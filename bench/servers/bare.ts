// The baseline: a bare Fastify route with the same schemas and body. With REDIS_URL it does one GET.
import fastify from 'fastify'
import { Redis } from 'ioredis'
import { answer, Input, Output } from './tool.ts'

const url = process.env['REDIS_URL']
const redis = url ? new Redis(url) : undefined
await redis?.set('bare', JSON.stringify(answer))

const app = fastify({ logger: false })
const schema = { body: Input, response: { 200: Output } }
app.post('/tools/bench', { schema }, async () =>
  redis ? (JSON.parse((await redis.get('bare')) ?? '{}') as typeof answer) : answer,
)
process.stdout.write(`${await app.listen({ host: '127.0.0.1', port: 0 })}\n`)
process.on('SIGTERM', () => process.exit(0))
