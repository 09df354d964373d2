import { destination, type Logger, pino } from 'pino'
import type { Config } from '../../config.ts'
import { createScrub } from './scrub.ts'

/** How lines wait for their way out. */
export const logLimits = {
  /** So much is written at once, if it comes in time. */
  gatheredBytes: 32_768,
  everyMs: 100,
  /** A reader that falls behind so far is not waited for. */
  waitingBytesMax: 16 * 1_048_576,
} as const

/**
 * The log, without whatever the configuration keeps secret. It goes to standard error unless told
 * otherwise, so that what a command prints stays clean.
 */
export const createLog = (config: Config, to: string | number = 2): Logger =>
  pino({ level: config.logLevel, hooks: { streamWrite: createScrub(config) } }, gatherLines(to))

/**
 * Gathers lines for a moment, since a write for each costs as much as a call, and what pino gathers
 * by itself it measures anew with each line. They are out when the process ends, be it by an error.
 */
export function gatherLines(to: string | number): { write(line: string): void; flushSync(): void } {
  const { gatheredBytes, everyMs, waitingBytesMax } = logLimits
  const file = destination({
    dest: to,
    sync: false,
    // Less is written when it is told to; so at the end it begins no write that nobody waits for.
    minLength: gatheredBytes,
    maxWrite: 2 * gatheredBytes,
    maxLength: waitingBytesMax,
  })
  let text = ''
  let bytes = 0

  function handOn(): void {
    if (bytes > 0) file.write(text)
    text = ''
    bytes = 0
  }
  function flush(): void {
    handOn()
    file.flush()
  }
  function flushSync(): void {
    file.flushSync()
    handOn()
    file.flushSync()
  }
  setInterval(flush, everyMs).unref()
  process.once('exit', flushSync)
  return {
    write(line) {
      text += line
      bytes += Buffer.byteLength(line)
      if (bytes >= gatheredBytes) flush()
    },
    flushSync,
  }
}
