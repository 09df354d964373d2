import type { Chunk } from '../chat.ts'
import { stringEnd } from '../json.ts'
import { dataEvent } from '../sse.ts'

/** What a run of events became, and the text they said. Strings hold a byte a character. */
export type Passed = {
  /** The mended events. */
  events: string
  /** How many of the bytes that came are done; the rest is for the rules. */
  upTo: number
  index: number
  /** The inside of a JSON string without escapes. */
  text: string
}

/**
 * The chunks of a stream differ in one string. Once a chunk was mended by the rules, the bytes around
 * that string are known, before and after; the next ones are mended by changing those bytes alone.
 * Bytes are looked at as Latin-1, which is any bytes in a string and costs no decoding.
 */
export type Frames = {
  /** Passes the events at the beginning of `bytes` that differ from the last in their text alone. */
  pass(bytes: Buffer): Passed | undefined
  /** Looks at what the rules made of a chunk. */
  learn(data: string, mended: Chunk): void
}

type Frame = { before: string; after: string; outBefore: string; outAfter: string; index: number }

/** Makes the memory of one stream. */
export function createFrames(): Frames {
  let frame: Frame | undefined
  return {
    pass(bytes) {
      if (!frame) return undefined
      const { before, after, outBefore, outAfter, index } = frame
      const came = bytes.toString('latin1')
      let events = ''
      let text = ''
      let at = 0
      while (came.startsWith(before, at)) {
        const start = at + before.length
        const end = came.indexOf('"', start)
        if (end <= start || !came.startsWith(after, end)) break
        const said = came.slice(start, end)
        if (said.includes('\\')) break
        events += outBefore + said + outAfter
        text += said
        at = end + after.length
      }
      return at === 0 ? undefined : { events, upTo: at, index, text }
    },
    learn(data, mended) {
      frame = frameOf(data, mended)
    },
  }
}

const bytesOf = (text: string): string => Buffer.from(text).toString('latin1')

function frameOf(data: string, mended: Chunk): Frame | undefined {
  const [choice, ...others] = mended.choices
  if (!choice || others.length > 0 || choice.finish_reason !== null) return undefined
  const { role: _role, content, ...more } = choice.delta
  if (typeof content !== 'string' || !isEmpty(more)) return undefined
  // The role is said in the first chunk alone; the next ones go out without it.
  const next = { ...mended, choices: [{ ...choice, delta: { content } }] }
  const came = around(`data: ${data}\n\n`)
  const sent = around(dataEvent(next))
  if (!came || !sent) return undefined
  return {
    before: bytesOf(came.before),
    after: bytesOf(came.after),
    outBefore: bytesOf(sent.before),
    outAfter: bytesOf(sent.after),
    index: choice.index,
  }
}

function isEmpty(record: object): boolean {
  for (const _ in record) return false
  return true
}

const key = /"content": ?"/
/**
 * What stands around the text of an event, the quotes included. A quote and a colon are a key
 * wherever they stand in JSON: where there is one such key, it is the text that the rules saw.
 */
function around(text: string): { before: string; after: string } | undefined {
  const match = key.exec(text)
  if (!match || text.includes('"content":', match.index + 1)) return undefined
  const start = match.index + match[0].length
  return { before: text.slice(0, start), after: text.slice(stringEnd(text, start - 1) - 1) }
}
