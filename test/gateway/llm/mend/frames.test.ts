import t from 'tap'
import type { Chunk } from '../../../../src/gateway/llm/chat.ts'
import { createMender } from '../../../../src/gateway/llm/mend/chunk.ts'
import { createSseReader, dataEvent } from '../../../../src/gateway/llm/sse.ts'

const event = (content: string, more = ''): string =>
  `data: {"id": "1", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ${JSON.stringify(content)}}${more}}]}\n\n`
const texts = [
  'a',
  'content',
  '"quoted"',
  '你好',
  '\\back',
  ' {"content": "x"}',
  '\n\n',
  'data: ',
  '',
  'z',
]
const wire = [...texts.map(text => event(text)), event('', ', "finish_reason": "stop"')].join('')

/** The same stream through the rules alone and through frames, cut anywhere. */
function run(bytes: Buffer[], passes: boolean): string {
  let out = ''
  const mender = createMender(
    {
      id: 'x',
      created: 1,
      model: 'm',
      includeUsage: false,
      offer: { tools: [], choice: 'auto', parallel: true },
      closes: false,
      ...(passes
        ? { passEvents: events => void (out += Buffer.from(events, 'latin1').toString()) }
        : {}),
    },
    (chunk: Chunk) => void (out += dataEvent(chunk)),
  )
  const reader = createSseReader(({ data }) => mender.event(data), { eventBytesMax: 10_000 })
  for (const piece of bytes) {
    let at = 0
    while (at < piece.length) {
      if (reader.isIdle()) at += mender.pass(piece.subarray(at))
      const end = piece.indexOf('\n\n', at)
      const next = end === -1 ? piece.length : end + 2
      if (at < next) reader.push(piece.subarray(at, next))
      at = next
    }
  }
  reader.end()
  mender.settle()
  mender.close({})
  return out
}

t.test('frames say what the rules would have said, however the bytes were cut', t => {
  const whole = Buffer.from(wire)
  const expected = run([whole], false)
  t.equal(run([whole], true), expected)
  for (let size = 1; size < 90; size += 1) {
    const pieces: Buffer[] = []
    for (let at = 0; at < whole.length; at += size) pieces.push(whole.subarray(at, at + size))
    if (run(pieces, true) !== expected) t.fail(`pieces of ${size}`)
  }
  t.end()
})
