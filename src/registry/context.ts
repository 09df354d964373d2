import type { Static, TSchema } from 'typebox'
import type { FileRef } from './file.ts'

/** What `run` may use. All of it ends with the call. */
export type ToolContext = {
  /** Aborts when the deadline passes or the last caller leaves; give it to everything awaited. */
  signal: AbortSignal
  requestId: string
  /** GETs JSON (or POSTs with `body`) and checks it; any failure is the upstream's, named. */
  getJson: GetJson
  /** As getJson, for text of any kind. */
  getText: (url: string | URL, options?: UpstreamOptions) => Promise<string>
  /** An operator's setting by its env-style name; undefined when absent. */
  setting: (name: string) => string | undefined
  /** The bytes of a file input. */
  readFile: (file: FileRef) => Promise<Uint8Array>
  /** Stores an output file and returns its id, for an `Artifact` property. */
  saveFile: (file: NewFile) => Promise<string>
  /** Tells a waiting caller how far the work is; a no-op where nobody listens. */
  progress: (done: number, total?: number, message?: string) => void
  /** The time now, milliseconds since the epoch. */
  now: () => number
  log: ToolLog
}
/** A file to be stored. */
export type NewFile = { bytes: Uint8Array; mediaType: string; name: string }
/** Structured logging; messages are constants, facts are data. */
export type ToolLog = {
  [level in 'debug' | 'info' | 'warn' | 'error']: (data: object, message: string) => void
}

/** Options of one upstream request. */
export type UpstreamOptions = {
  /** Added to the URL's query; undefined values are left out. */
  query?: Record<string, string | number | boolean | undefined>
  headers?: Record<string, string>
  /** A JSON body; makes it a POST. */
  body?: unknown
  /** Reads an error answer first: the error to throw, or undefined for the usual 502/503. */
  onError?: (answer: { status: number; text: string }) => Error | undefined
}
/** GETs and parses JSON; with a schema the answer is checked and typed, else unknown. */
export type GetJson = {
  <S extends TSchema>(
    url: string | URL,
    options: UpstreamOptions & { schema: S },
  ): Promise<Static<S>>
  (url: string | URL, options?: UpstreamOptions): Promise<unknown>
}
