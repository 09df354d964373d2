import fc from 'fast-check'
import t from 'tap'
import '../../../fixtures/seeded.ts'
import type { Chunk } from '../../../../src/gateway/llm/chat.ts'
import { createMender } from '../../../../src/gateway/llm/mend/chunk.ts'
import { createSseReader, dataEvent } from '../../../../src/gateway/llm/sse.ts'
import { readBytes } from '../../../../src/gateway/llm/turn.ts'
import { pythonJson } from '../../../fixtures/llm/wires.ts'

type Options = { passes: boolean; includeUsage?: boolean; parallel?: boolean }

/** A stream through frames or through the rules alone. */
function run(pieces: Buffer[], { passes, includeUsage = false, parallel = true }: Options): string {
  let out = ''
  const mender = createMender(
    {
      id: 'x',
      created: 1,
      model: 'm',
      includeUsage,
      offer: { tools: [], choice: 'auto', parallel },
      closes: false,
      ...(passes
        ? { passEvents: events => void (out += Buffer.from(events, 'latin1').toString()) }
        : {}),
    },
    (chunk: Chunk) => void (out += dataEvent(chunk)),
  )
  const reader = createSseReader(({ data }) => mender.event(data), { eventBytesMax: 10_000 })
  for (const piece of pieces) readBytes({ mender, reader }, piece)
  reader.end()
  const { choices, usage, broken } = mender.settle()
  mender.close({})
  // Ids of calls are random.
  const told = out + JSON.stringify([mender.problem(), choices, usage, broken])
  return told.replaceAll(/call_[0-9a-f]{24}/g, 'call_')
}

const text = fc.oneof(
  fc.constantFrom('a', 'content', '"quoted"', '\\back', ' {"content": "x"}', '\n\n', 'data: ', ''),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 5 }),
)
const maybe = <One>(value: fc.Arbitrary<One>) => fc.option(value, { nil: undefined, freq: 5 })
const delta = fc.record(
  {
    role: fc.constant('assistant'),
    content: fc.oneof({ weight: 9, arbitrary: text }, fc.constant(null)),
    reasoning_content: maybe(fc.oneof(text, fc.constant(null))),
    tool_calls: maybe(
      fc.array(
        fc.record(
          {
            index: fc.nat(1),
            id: fc.constantFrom('a', 'b'),
            function: fc.record({ name: fc.constant('f'), arguments: text }, { requiredKeys: [] }),
          },
          { requiredKeys: ['function'] },
        ),
        { maxLength: 2 },
      ),
    ),
  },
  { requiredKeys: [] },
)
const choice = fc.record(
  {
    index: fc.constantFrom(0, 0, 0, 1),
    delta,
    logprobs: maybe(fc.constantFrom(null, { content: [] }, { content: [{ token: 'a' }] })),
    finish_reason: fc.constantFrom(null, null, null, null, 'stop', 'length', 'abort', 'error'),
  },
  { requiredKeys: ['delta'] },
)
const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 }
const chunk = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.record(
      {
        id: fc.constantFrom('1', '1', '2'),
        choices: fc.array(choice, { minLength: 1, maxLength: 2 }),
        usage: maybe(fc.constantFrom(null, usage)),
      },
      { requiredKeys: ['id', 'choices'] },
    ),
  },
  fc.constant({ choices: [], usage }),
  fc.constant({ error: { message: 'x', code: 500 } }),
)
type Said = { choices?: readonly { delta?: object }[]; error?: object }
/** The same event with another text: what frames are for. */
const saying = (one: Said, content: string): Said => ({
  ...one,
  ...(one.choices
    ? { choices: one.choices.map(each => ({ ...each, delta: { ...each.delta, content } })) }
    : {}),
})
const plain: fc.Arbitrary<Said> = fc
  .tuple(fc.constantFrom(0, 1), fc.constantFrom({}, { role: 'assistant' }))
  .map(([index, delta]) => ({ choices: [{ index, delta } as { delta: object }] }))
const said = fc.array(
  fc.oneof(
    chunk.map((one): Said[] => [one]),
    fc
      .tuple(fc.oneof(plain, chunk), fc.array(text, { maxLength: 5 }))
      .map(([one, texts]) => texts.map(content => saying(one, content))),
  ),
  { maxLength: 6 },
)
const framing = fc.constantFrom<[string, string]>(
  ['data: ', '\n\n'],
  ['data:', '\n\n'],
  ['data: ', '\r\n\r\n'],
  [': comment\n\ndata: ', '\n\n'],
)
const wire = fc
  .tuple(said, framing, fc.constantFrom(JSON.stringify, pythonJson))
  .map(([chunks, [before, after], write]) =>
    Buffer.from(
      chunks
        .flat()
        .map(one => before + write(one) + after)
        .join(''),
    ),
  )

/** Bytes in pieces of these sizes, over and over. */
function cut(whole: Buffer, sizes: number[]): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0, next = 0; at < whole.length; next += 1) {
    const size = sizes[next % sizes.length]!
    pieces.push(whole.subarray(at, at + size))
    at += size
  }
  return pieces
}

t.test('frames say what the rules would have said, whatever came and however it was cut', t => {
  fc.assert(
    fc.property(
      wire,
      fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 4 }),
      fc.record({ includeUsage: fc.boolean(), parallel: fc.boolean() }),
      (whole, sizes, options) => {
        const expected = run([whole], { ...options, passes: false })
        if (run([whole], { ...options, passes: true }) !== expected) return false
        return run(cut(whole, sizes), { ...options, passes: true }) === expected
      },
    ),
    { numRuns: Number(process.env['RUNS'] ?? 400) },
  )
  t.end()
})

const event = (content: string, more = ''): string =>
  `data: {"id": "1", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ${JSON.stringify(content)}}${more}}]}\n\n`

t.test('text after a finish never passes, and the same text before it does', t => {
  const stop = event('', ', "finish_reason": "stop"')
  const told = run([Buffer.from(event('a') + event('b') + stop + event('c') + event('d'))], {
    passes: true,
  })
  t.match(told, /"content":"b"/)
  t.notMatch(told, /"content":"[cd]"/)
  t.end()
})
