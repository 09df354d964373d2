import type { Piece, TextParser } from '../mend/choice.ts'
import type { PlainCall } from './family.ts'

/** A mark around calls in text. Without `close`, or where the node cut it off, the end closes it. */
export type Tag = {
  open: string
  close?: string
  /** The calls in between; undefined = that was no call, and stays text. */
  read(body: string): PlainCall[] | undefined
}

/** How much of the end of `text` could be the beginning of one of `marks`. */
export function heldBack(text: string, marks: readonly string[]): number {
  let held = 0
  for (const mark of marks) {
    for (let length = Math.min(mark.length - 1, text.length); length > held; length -= 1) {
      if (text.endsWith(mark.slice(0, length))) held = length
    }
  }
  return held
}

/** Finds tagged calls in text; what may be the beginning of a tag waits for its rest. */
export function createTagParser(tags: readonly Tag[]): TextParser {
  const opens = tags.map(({ open }) => open)
  let pending = ''
  let inside: Tag | undefined

  const first = (): { tag: Tag; at: number } | undefined => {
    let found: { tag: Tag; at: number } | undefined
    for (const tag of tags) {
      const at = pending.indexOf(tag.open)
      if (at !== -1 && (!found || at < found.at)) found = { tag, at }
    }
    return found
  }
  const closeTag = (tag: Tag, body: string, pieces: Piece[]): void => {
    const calls = tag.read(body)
    if (calls) pieces.push(...calls.map(call => ({ call })))
    else pieces.push({ text: tag.open + body + (tag.close ?? '') })
    inside = undefined
  }
  const drain = (pieces: Piece[]): void => {
    for (;;) {
      if (inside) {
        const end = inside.close === undefined ? -1 : pending.indexOf(inside.close)
        if (end === -1) return
        const body = pending.slice(0, end)
        pending = pending.slice(end + (inside.close?.length ?? 0)).replace(/^\s*\n/, '')
        closeTag(inside, body, pieces)
        continue
      }
      const found = first()
      const upTo = found ? found.at : pending.length - heldBack(pending, opens)
      // Blank lines before a call belong to its mark, not to the answer.
      const text = found ? pending.slice(0, upTo).replace(/\s+$/, '') : pending.slice(0, upTo)
      if (text) pieces.push({ text })
      pending = pending.slice(found ? found.at + found.tag.open.length : upTo)
      if (!found) return
      inside = found.tag
    }
  }
  return {
    push(text) {
      const pieces: Piece[] = []
      pending += text
      drain(pieces)
      return pieces
    },
    end() {
      const pieces: Piece[] = []
      if (inside) {
        const tag = inside
        const calls = tag.read(pending)
        if (calls) pieces.push(...calls.map(call => ({ call })))
        else pieces.push({ text: tag.open + pending })
      } else if (pending) pieces.push({ text: pending })
      pending = ''
      inside = undefined
      return pieces
    },
  }
}

/** Feeds the text that one parser leaves into the next. */
export function chainParsers(outer: TextParser, inner: TextParser): TextParser {
  const through = (pieces: Piece[]): Piece[] =>
    pieces.flatMap(piece => ('text' in piece ? inner.push(piece.text) : [piece]))
  return {
    push: text => through(outer.push(text)),
    end: () => [...through(outer.end()), ...inner.end()],
  }
}

/** Tells a leading `<think>…</think>` from the answer, where the node did not. */
export function createThinkParser(): TextParser {
  const [open, close] = ['<think>', '</think>']
  let pending = ''
  let state: 'before' | 'thinking' | 'after' = 'before'
  const step = (last: boolean): Piece[] => {
    if (state === 'before') {
      const text = pending.trimStart()
      if (text.startsWith(open)) {
        state = 'thinking'
        pending = text.slice(open.length).replace(/^\n/, '')
      } else if (!last && open.startsWith(text)) return []
      else state = 'after'
    }
    if (state === 'thinking') {
      const end = pending.indexOf(close)
      const upTo =
        end !== -1 ? end : last ? pending.length : pending.length - heldBack(pending, [close])
      const reasoning = pending.slice(0, upTo)
      pending = pending.slice(end === -1 ? upTo : end + close.length)
      const pieces: Piece[] = reasoning ? [{ reasoning }] : []
      if (end === -1) return pieces
      state = 'after'
      pending = pending.trimStart()
      return [...pieces, ...step(last)]
    }
    const text = pending
    pending = ''
    return text ? [{ text }] : []
  }
  return {
    push(text) {
      pending += text
      return step(false)
    },
    end: () => step(true),
  }
}
