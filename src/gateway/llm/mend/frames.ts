import type { Chunk, Delta } from '../chat.ts'
import { stringEnd } from '../json.ts'
import { bytesOf } from '../sse.ts'

/**
 * The chunks of a stream differ in one string. Once a chunk was mended by the rules, the bytes around
 * that string are known, before and after; the next ones are mended by changing those bytes alone.
 * Bytes are looked at as Latin-1, which is any bytes in a string and costs no decoding.
 */
export type Frames = {
  /**
   * Passes the events at the beginning of `bytes` that differ from the last in their text alone;
   * returns how many of the bytes are done, the rest is for the rules.
   */
  pass(bytes: Buffer): number
  /** Looks at what the rules made of a chunk. */
  learn(learned: Learned): void
  /** From now on everything is for the rules. */
  forget(): void
  /** What was passed since the last time: the inside of JSON strings without escapes. */
  taken(): { index: number; text: string } | undefined
}
/** An event's data as it came, the chunk it became, and that chunk as it was sent. */
export type Learned = { data: string; mended: Chunk; events: string }

type Frame = { before: string; after: string; outBefore: string; outAfter: string; index: number }

/** Makes the memory of one stream; `passEvents` takes mended events, a byte a character. */
export function createFrames(passEvents: (events: string) => void): Frames {
  let frame: Frame | undefined
  let text = ''
  return {
    pass(bytes) {
      if (!frame) return 0
      const { before, after, outBefore, outAfter } = frame
      const came = bytes.toString('latin1')
      let events = ''
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
      if (at > 0) passEvents(events)
      return at
    },
    learn(learned) {
      frame = frameOf(learned)
    },
    forget() {
      frame = undefined
    },
    taken() {
      if (!frame || text === '') return undefined
      const taken = { index: frame.index, text: Buffer.from(text, 'latin1').toString() }
      text = ''
      return taken
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
  // A call that is held back leaves no trace in what was sent, and goes on with the next event.
  if (data.includes('"function"')) return undefined
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
