import fastify from 'fastify'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { createClientStreams } from '../../../src/gateway/llm/client-stream.ts'
import { llmLimits } from '../../../src/gateway/llm/limits.ts'

for (const encoding of ['utf8', 'latin1'] as const)
  t.test(`letters of several bytes come whole and in order however fast: ${encoding}`, async t => {
    const streams = createClientStreams({ ...llmLimits, stalledMs: 20_000 }, Date.now)
    const app = fastify({ forceCloseConnections: true })
    const line = (index: number): string => `${index} ${'é'.repeat(500)}\n`
    const count = 8_000
    let waits = 0
    app.get('/', (_request, reply) => {
      const out = streams.open(reply, { keepAlive: false })
      out.head()
      let index = 0
      const more = (): void => {
        while (index < count) {
          index += 1
          const text =
            encoding === 'utf8' ? line(index) : Buffer.from(line(index)).toString('latin1')
          if (out.write(text, encoding)) continue
          waits += 1
          return out.onDrain(more)
        }
        out.end('end', encoding)
      }
      more()
      return reply
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as AddressInfo
    const text = await (await fetch(`http://127.0.0.1:${port}/`)).text()
    t.equal(text, `${Array.from({ length: count }, (_, at) => line(at + 1)).join('')}end`)
    t.ok(waits > 0, 'it had to wait')
    streams.close()
    await app.close()
  })
