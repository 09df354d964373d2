// A model server that costs next to nothing: 1 KB whole, 32 chunks streamed, or a stream that idles.
import { createServer } from 'node:http'

const envelope = { id: 'chatcmpl-0', object: 'chat.completion', created: 1, model: 'bench' }
const whole = JSON.stringify({
  ...envelope,
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: 'x'.repeat(700), tool_calls: null },
      logprobs: null,
      finish_reason: 'stop',
    },
  ],
  usage: { prompt_tokens: 12, total_tokens: 15, completion_tokens: 3 },
})
const chunk = (delta: object, more = ''): string =>
  `data: {"id": "chatcmpl-0", "object": "chat.completion.chunk", "created": 1795324469, "model": "bench", "choices": [{"index": 0, "delta": ${JSON.stringify(delta)}${more}}]}\n\n`
const chunks = Array.from({ length: 31 }, (_, index) =>
  chunk({ role: 'assistant', content: ` word${index}` }),
)
const last = `${chunk({ role: 'assistant', content: '' }, ', "finish_reason": "stop"')}data: [DONE]\n\n`

const server = createServer((request, response) => {
  let text = ''
  request.setEncoding('utf8').on('data', (part: string) => (text += part))
  request.on('end', () => {
    if (request.method === 'GET') return response.end('{"data":[{"id":"bench"}]}')
    if (!text.includes('"stream":true')) {
      return response.writeHead(200, { 'content-type': 'application/json' }).end(whole)
    }
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
    response.flushHeaders()
    if (text.includes('"idle"')) return
    const paced = text.includes('"paced"')
    let at = 0
    const next = (): void => {
      if (at === chunks.length) return void response.end(last)
      response.write(chunks[at])
      at += 1
      if (paced) setTimeout(next, 5)
      else setImmediate(next)
    }
    if (paced) setTimeout(next, 20)
    else next()
  })
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object') process.stdout.write(`http://127.0.0.1:${address?.port}\n`)
})
process.on('SIGTERM', () => process.exit(0))
