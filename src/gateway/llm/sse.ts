import { StringDecoder } from 'node:string_decoder'
import { fail } from '../../registry/errors.ts'

/** One server-sent event. A line that is no field at all (LMDeploy's proxy writes bare JSON) comes as `stray`. */
export type SseEvent = { event?: string; data: string; stray?: boolean }

/** Reads events out of bytes that were cut anywhere. */
export type SseReader = {
  /** Calls `onEvent` for each event that is now complete. */
  push(bytes: Buffer): void
  /** True between two events: nothing of one is held. */
  isIdle(): boolean
  /** The stream ended: an event without its blank line still counts. */
  end(): void
}

/** Makes a reader; an event over `eventBytesMax` is an error, not a silent cut. */
export function createSseReader(
  onEvent: (event: SseEvent) => void,
  { eventBytesMax }: { eventBytesMax: number },
): SseReader {
  /** Made when bytes are first cut inside of a line: most are not. */
  let decoder: StringDecoder | undefined
  let whole = true
  let rest = ''
  let data: string | undefined
  let event: string | undefined

  const flush = (): void => {
    if (data !== undefined) onEvent(event === undefined ? { data } : { event, data })
    data = undefined
    event = undefined
  }
  const line = (text: string): void => {
    if (text === '') return flush()
    if (text.startsWith('data:')) {
      const value = text.slice(text.charCodeAt(5) === 0x20 ? 6 : 5)
      data = data === undefined ? value : `${data}\n${value}`
    } else if (text.startsWith('event:')) event = text.slice(6).trim()
    else if (text.startsWith('{')) onEvent({ data: text, stray: true })
  }
  const lines = (text: string, last: boolean): void => {
    let at = 0
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', at)) {
      line(
        text.charCodeAt(end - 1) === 0x0d && end > at
          ? text.slice(at, end - 1)
          : text.slice(at, end),
      )
      at = end + 1
    }
    rest = text.slice(at)
    if (rest.length + (data?.length ?? 0) > eventBytesMax) {
      throw fail('TG_UPSTREAM_INVALID', 'the model server', 'one event of its stream has no end')
    }
    if (!last) return
    if (rest) line(rest.trimEnd())
    rest = ''
    flush()
  }
  /** A line end is never inside a character: bytes that end in one need no decoder. */
  const decode = (bytes: Buffer): string => {
    const ends = bytes[bytes.length - 1] === 0x0a
    const text = whole && ends ? bytes.toString() : (decoder ??= new StringDecoder()).write(bytes)
    whole = ends
    return text
  }
  return {
    isIdle: () => whole && rest === '' && data === undefined && event === undefined,
    push: bytes => lines(rest === '' ? decode(bytes) : rest + decode(bytes), false),
    end: () => lines(rest + (decoder?.end() ?? ''), true),
  }
}

/** The end of an OpenAI stream. */
export const doneEvent = 'data: [DONE]\n\n'
/** A line that keeps proxies and clients awake and that every SSE reader skips. */
export const keepAliveComment = ': keep-alive\n\n'
/** Data as an event of an OpenAI stream. */
export const dataEvent = (data: unknown): string => `data: ${JSON.stringify(data)}\n\n`
/** A text as its bytes, a character each: what `latin1` writes again as they were. */
export const bytesOf = (text: string): string => Buffer.from(text).toString('latin1')
/** Data as a named event, as Anthropic and the Responses API send them. */
export const namedEvent = (event: string, data: unknown): string =>
  `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
