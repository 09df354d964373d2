// The baseline: Fastify and undici, passing a request and its answer through, and nothing else.
import fastify from 'fastify'
import { Agent, request } from 'undici'

const node = process.env['NODE_URL'] ?? ''
const dispatcher = new Agent({ pipelining: 1 })
const app = fastify({ logger: false })
app.removeAllContentTypeParsers()
app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
  done(null, body)
})
app.post('/v1/chat/completions', async (asked, reply) => {
  const { statusCode, headers, body } = await request(`${node}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: asked.body as Buffer,
    dispatcher,
  })
  return reply.code(statusCode).header('content-type', String(headers['content-type'])).send(body)
})
process.stdout.write(`${await app.listen({ host: '127.0.0.1', port: 0 })}\n`)
process.on('SIGTERM', () => process.exit(0))
