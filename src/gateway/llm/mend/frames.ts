import type { Chunk, Delta } from '../chat.ts'
import { stringEnd } from '../json.ts'
import { bytesOf } from '../sse.ts'

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
  learn(learned: Learned): void
}
/** An event's data as it came, the chunk it became, and that chunk as it was sent. */
export type Learned = { data: string; mended: Chunk; events: string }

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
      // A slice against a whole string is one comparison of memory; `startsWith` goes by characters.
      while (came.slice(at, at + before.length) === before) {
        const start = at + before.length
        const end = came.indexOf('"', start)
        if (end <= start || came.slice(end, end + after.length) !== after) break
        const said = came.slice(start, end)
        if (said.includes('\\')) break
        events += outBefore + said + outAfter
        text += said
        at = end + after.length
      }
      return at === 0 ? undefined : { events, upTo: at, index, text }
    },
    learn(learned) {
      frame = frameOf(learned)
    },
  }
}

/** The role is said in the first chunk alone; the next ones go out without it. */
const withRole = '{"role":"assistant","content":"'
const withoutRole = '{"content":"'

function frameOf({ data, mended, events }: Learned): Frame | undefined {
  const [choice] = mended.choices
  if (!choice || mended.choices.length > 1 || choice.finish_reason !== null) return undefined
  if (!saysTextAlone(choice.delta)) return undefined
  const came = around(bytesOf(`data: ${data}\n\n`))
  const sent = around(events)
  if (!came || !sent) return undefined
  const outBefore = sent.before.endsWith(withRole)
    ? sent.before.slice(0, -withRole.length) + withoutRole
    : sent.before
  return { ...came, outBefore, outAfter: sent.after, index: choice.index }
}

function saysTextAlone(delta: Delta): boolean {
  for (const name in delta) if (name !== 'role' && name !== 'content') return false
  return typeof delta.content === 'string'
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
