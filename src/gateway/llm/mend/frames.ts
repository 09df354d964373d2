import type { Chunk } from '../chat.ts'
import { isRecord, parseRecord, recordsIn, stringEnd } from '../json.ts'
import { dataEvent } from '../sse.ts'

/** What a run of events became, and the text they said. */
export type Passed = {
  /** The mended events. */
  out: Buffer
  /** How many of the bytes that came are done; the rest is for the rules. */
  upTo: number
  index: number
  /** The inside of a JSON string. */
  text: string
}

/**
 * The chunks of a stream differ in one string. Once a chunk was mended by the rules, the bytes around
 * that string are known, before and after; the next ones are mended by changing those bytes alone.
 */
export type Frames = {
  /** Passes the events at the beginning of `bytes` that differ from the last in their text alone. */
  pass(bytes: Buffer): Passed | undefined
  /** Looks at what the rules made of a chunk. */
  learn(data: string, mended: Chunk): void
}

type Frame = { before: Buffer; after: Buffer; outBefore: Buffer; outAfter: Buffer; index: number }

const quote = 0x22
const backslash = 0x5c

/** Makes the memory of one stream. */
export function createFrames(): Frames {
  let frame: Frame | undefined
  return {
    pass(bytes) {
      if (!frame) return undefined
      const parts: Buffer[] = []
      let text = ''
      let at = 0
      for (;;) {
        const end = textEnd(frame, bytes, at)
        if (end === undefined) break
        const start = at + frame.before.length
        parts.push(framed(frame, bytes.subarray(start, end)))
        text += bytes.toString('utf8', start, end)
        at = end + frame.after.length
      }
      if (at === 0) return undefined
      const out = parts.length === 1 ? parts[0]! : Buffer.concat(parts)
      return { out, upTo: at, index: frame.index, text }
    },
    learn(data, mended) {
      frame = frameOf(data, mended)
    },
  }
}

/** Where the text of the event at `at` ends, if it is framed as the last was and has no escapes. */
function textEnd({ before, after }: Frame, bytes: Buffer, at: number): number | undefined {
  const start = at + before.length
  if (start >= bytes.length || bytes.compare(before, 0, before.length, at, start) !== 0) {
    return undefined
  }
  const end = bytes.indexOf(quote, start)
  const next = end + after.length
  if (
    end <= start ||
    next > bytes.length ||
    bytes.compare(after, 0, after.length, end, next) !== 0
  ) {
    return undefined
  }
  const escape = bytes.indexOf(backslash, start)
  return escape === -1 || escape > end ? end : undefined
}

function framed({ outBefore, outAfter }: Frame, text: Buffer): Buffer {
  const out = Buffer.allocUnsafe(outBefore.length + text.length + outAfter.length)
  outBefore.copy(out, 0)
  text.copy(out, outBefore.length)
  outAfter.copy(out, outBefore.length + text.length)
  return out
}

function frameOf(data: string, mended: Chunk): Frame | undefined {
  const [choice, ...others] = mended.choices
  if (!choice || others.length > 0 || choice.finish_reason !== null) return undefined
  const { content, ...more } = choice.delta
  if (typeof content !== 'string' || Object.keys(more).length > 0) return undefined
  const came = around(`data: ${data}\n\n`)
  const sent = around(dataEvent(mended))
  if (!came || !sent || !isTheText(came)) return undefined
  return {
    before: Buffer.from(came.before),
    after: Buffer.from(came.after),
    outBefore: Buffer.from(sent.before),
    outAfter: Buffer.from(sent.after),
    index: choice.index,
  }
}

/** What stands around the first `content` of an event, the quotes included. */
function around(text: string): { before: string; after: string } | undefined {
  const match = /"content": ?"/.exec(text)
  if (!match) return undefined
  const start = match.index + match[0].length
  return { before: text.slice(0, start), after: text.slice(stringEnd(text, start - 1) - 1) }
}

/** True when the string in between is the text of the only choice, and not some other `content`. */
function isTheText({ before, after }: { before: string; after: string }): boolean {
  const probe = 'a text that no model writes'
  const event = parseRecord((before + probe + after).slice('data: '.length))
  const [choice] = recordsIn(event?.['choices'])
  return isRecord(choice?.['delta']) && choice['delta']['content'] === probe
}
