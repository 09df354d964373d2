import type { FastifyReply } from 'fastify'
import { fail } from '../../registry/errors.ts'
import type { LlmLimits } from './limits.ts'
import { keepAliveComment } from './sse.ts'

/** A stream to one client: its headers leave at once, nothing is held back. */
export type ClientStream = {
  readonly started: boolean
  readonly startedAt: number | undefined
  readonly bytesAt: number | undefined
  readonly writes: number
  /** Sends the headers; a second time does nothing. */
  head(headers?: Record<string, string>): void
  /** False when the client is slow: wait for `onDrain`. */
  write(bytes: string | Uint8Array, encoding?: 'utf8' | 'latin1'): boolean
  /** A line that is not part of the answer. */
  comment(text: string): void
  onDrain(resume: () => void): void
  end(bytes?: string, encoding?: 'utf8' | 'latin1'): void
  /** Cuts the connection: a client that wants the raw truth sees what a direct one would. */
  cut(): void
}

/** The streams that are open, counted and kept awake together. */
export type ClientStreams = {
  /** Takes one of the `streamsMax` places; `keepAlive` where the bytes are ours to add to. */
  open(reply: FastifyReply, options: { keepAlive: boolean }): ClientStream
  readonly size: number
  close(): void
}

const eventStream = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
  'x-accel-buffering': 'no',
}

type Open = ClientStream & { keepAlive: boolean; writtenAt: number }

/** Makes the set of open streams; one timer keeps all of them awake. */
export function createClientStreams(limits: LlmLimits, now: () => number): ClientStreams {
  const streams = new Set<Open>()
  const timer = setInterval(
    () => {
      const before = now() - limits.keepAliveMs
      for (const stream of streams) {
        if (stream.keepAlive && stream.started && stream.writtenAt <= before) {
          stream.comment(keepAliveComment)
        }
      }
    },
    Math.max(10, limits.keepAliveMs / 3),
  ).unref()
  return {
    get size() {
      return streams.size
    },
    open(reply, { keepAlive }) {
      if (streams.size >= limits.streamsMax) throw fail('TG_BUSY', 'the gateway', 1_000)
      const stream = openStream(reply, { limits, keepAlive, now })
      streams.add(stream)
      reply.raw.once('close', () => streams.delete(stream))
      return stream
    },
    close: () => clearInterval(timer),
  }
}

type StreamOptions = { limits: LlmLimits; keepAlive: boolean; now: () => number }

function openStream(reply: FastifyReply, { limits, keepAlive, now }: StreamOptions): Open {
  const { raw } = reply
  let stalled: NodeJS.Timeout | undefined
  const stream = {
    started: false,
    startedAt: undefined as number | undefined,
    bytesAt: undefined as number | undefined,
    writes: 0,
    writtenAt: now(),
    keepAlive,
    head(headers: Record<string, string> = eventStream) {
      if (stream.started) return
      stream.started = true
      stream.startedAt = now()
      const set = reply.getHeaders()
      reply.hijack()
      for (const [name, value] of Object.entries(set)) {
        if (value !== undefined) raw.setHeader(name, value)
      }
      raw.writeHead(200, headers)
      raw.flushHeaders()
      stream.writtenAt = now()
    },
    write(bytes: string | Uint8Array, encoding: 'utf8' | 'latin1' = 'utf8') {
      if (raw.destroyed || raw.writableEnded) return true
      stream.writtenAt = now()
      stream.bytesAt ??= stream.writtenAt
      stream.writes += 1
      // Node's answers count bytes and its sockets characters: after a burst of strings of several
      // bytes a character, `drain` never comes (nodejs 26.10).
      if (typeof bytes !== 'string') return raw.write(bytes)
      return encoding === 'utf8' ? raw.write(Buffer.from(bytes)) : raw.write(bytes, encoding)
    },
    comment(text: string) {
      stream.writtenAt = now()
      if (!raw.destroyed && !raw.writableEnded) raw.write(text)
    },
    onDrain(resume: () => void) {
      clearTimeout(stalled)
      stalled = setTimeout(() => raw.destroy(), limits.stalledMs)
      raw.once('drain', () => {
        clearTimeout(stalled)
        resume()
      })
    },
    end(bytes = '', encoding: 'utf8' | 'latin1' = 'utf8') {
      clearTimeout(stalled)
      if (raw.destroyed || raw.writableEnded) return
      if (bytes !== '') stream.writes += 1
      raw.end(bytes, encoding)
    },
    cut: () => void raw.destroy(),
  }
  raw.once('close', () => clearTimeout(stalled))
  return stream
}
