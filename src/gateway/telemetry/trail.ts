/** Bounds of what waits to be written. */
export const trailLimits = {
  waitingBytesMax: 4 * 1_048_576,
  chunkBytesMax: 256 * 1024,
  /** Lines are gathered for so long, milliseconds. */
  gatherMs: 50,
  /** After a failure the next try comes so late, milliseconds. */
  retryMs: 1_000,
  closeMs: 2_000,
} as const

/** Where lines end up. */
export type TrailSink = {
  /** Writes what it can of the bytes and says how many; throws when it can write none. */
  write(bytes: Buffer): Promise<number>
  close(): Promise<void>
}
/** Lines on their way to a sink; who adds one never waits. */
export type Trail = {
  add: (line: string) => void
  /** Lines that found no room, in all. */
  dropped: () => number
  /** Writes what waits, for a bounded time. */
  close: () => Promise<void>
}

/**
 * Makes a trail. While the sink fails, lines wait up to a bound; what is over it is dropped and
 * counted, and the trail says so itself as soon as it can.
 */
export function createTrail(options: {
  sink: TrailSink
  /** Told when writing begins to fail, with the error, and when it works again. */
  onChange: (error?: unknown) => void
  /** The line that tells of lines which were dropped. */
  gap: (dropped: number) => string
  limits?: Partial<Record<keyof typeof trailLimits, number>>
}): Trail {
  const { sink, onChange, gap } = options
  const limits = { ...trailLimits, ...options.limits }
  let lines: string[] = []
  let waitingBytes = 0
  let rest: Buffer = Buffer.alloc(0)
  let dropped = 0
  let untold = 0
  let failing = false
  let closing = false
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> | undefined

  return {
    add(line) {
      const bytes = Buffer.byteLength(line) + 1
      if (waitingBytes + bytes > limits.waitingBytesMax) {
        dropped += 1
        untold += 1
        return
      }
      waitingBytes += bytes
      lines.push(line)
      later(limits.gatherMs)
    },
    dropped: () => dropped,
    async close() {
      closing = true
      clearTimeout(timer)
      const endsAt = performance.now() + limits.closeMs
      const written = Promise.resolve(writing).then(() => drain(endsAt))
      await bounded(written, limits.closeMs)
      await bounded(sink.close(), limits.closeMs)
    },
  }

  function later(ms: number): void {
    if (closing) return
    timer ??= setTimeout(() => {
      timer = undefined
      writing ??= drain().finally(() => {
        writing = undefined
        if (waitingBytes > 0) later(failing ? limits.retryMs : limits.gatherMs)
      })
    }, ms).unref()
  }

  /** Writes until nothing is left or the sink fails. */
  async function drain(endsAt = Number.POSITIVE_INFINITY): Promise<void> {
    while (performance.now() < endsAt && take()) {
      try {
        const written = await sink.write(rest.subarray(0, limits.chunkBytesMax))
        rest = rest.subarray(written)
        waitingBytes -= written
        turn(false)
      } catch (error) {
        turn(true, error)
        return
      }
    }
  }

  /** Fills `rest` from the lines; true while there is something to write. */
  function take(): boolean {
    if (rest.length > 0) return true
    if (untold > 0) {
      lines.push(gap(untold))
      waitingBytes += Buffer.byteLength(lines.at(-1) ?? '') + 1
      untold = 0
    }
    if (lines.length === 0) return false
    rest = Buffer.from(`${lines.join('\n')}\n`)
    lines = []
    return true
  }

  function turn(fails: boolean, error?: unknown): void {
    if (failing === fails) return
    failing = fails
    onChange(error)
  }
}

/** What hangs in the kernel must not keep a gateway from ending. */
async function bounded(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>(resolve => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([work, late]).finally(() => clearTimeout(timer))
}
