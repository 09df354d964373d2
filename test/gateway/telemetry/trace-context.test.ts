import fc from 'fast-check'
import t from 'tap'
import {
  parseTraceparent,
  parseTracestate,
  writeTraceparent,
} from '../../../src/gateway/telemetry/trace-context.ts'
import '../../fixtures/seeded.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const spanId = '00f067aa0ba902b7'

t.test('a traceparent is read as W3C says', async t => {
  const read = { traceId, spanId, traceFlags: 1 }
  t.same(parseTraceparent(`00-${traceId}-${spanId}-01`), read)
  t.same(parseTraceparent(`00-${traceId}-${spanId}-03`), read, 'other flags are left out')
  t.same(parseTraceparent(`cc-${traceId}-${spanId}-01-later`), read, 'a later version')
  for (const wrong of [
    undefined,
    '',
    ['00'],
    `ff-${traceId}-${spanId}-01`,
    `00-${traceId}-${spanId}-01-more`,
    `00-${traceId}-${spanId}`,
    `00-${'0'.repeat(32)}-${spanId}-01`,
    `00-${traceId}-${'0'.repeat(16)}-01`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `0-${traceId}-${spanId}-01`,
  ])
    t.equal(parseTraceparent(wrong), undefined, String(wrong))
})

t.test('what is written is read again, and no text breaks the reader', async t => {
  const hex = (length: number) =>
    fc
      .string({
        unit: fc.constantFrom('0', '1', '7', '9', 'a', 'c', 'f'),
        minLength: length,
        maxLength: length,
      })
      .filter(text => /[^0]/.test(text))
  fc.assert(
    fc.property(hex(32), hex(16), fc.integer({ min: 0, max: 1 }), (trace, span, traceFlags) => {
      const parent = { traceId: trace, spanId: span, traceFlags }
      t.same(parseTraceparent(writeTraceparent(parent)), parent)
    }),
    { numRuns: 20 },
  )
  fc.assert(fc.property(fc.string(), text => parseTraceparent(text) === undefined))
  fc.assert(
    fc.property(fc.string(), text => {
      const state = parseTracestate(text)
      return state === undefined || (state.length <= 512 && !/[\r\n]/.test(state))
    }),
  )
})

t.test('a tracestate keeps its order, within its bounds', async t => {
  t.equal(parseTracestate('a=1, b=2,,'), 'a=1,b=2')
  for (const wrong of ['', 'A=1', 'a', 'a=', 'a=1\r\nx: y', `a=${'x'.repeat(600)}`])
    t.equal(parseTracestate(wrong), undefined, wrong.slice(0, 20))
})
