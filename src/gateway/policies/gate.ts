/** Places, and a line before them. */
export type Gate = {
  /** Waits for a place; call what it gives to leave it, once or more. Rejects with the signal's reason. */
  enter: (signal: AbortSignal) => Promise<() => void>
  /** Places that are taken, and how many wait. */
  load: () => { busy: number; queued: number }
}

/** Makes a gate with so many places; when the line is full, `busy` makes the error. */
export function createGate(options: {
  places: number
  waitersMax: number
  busy: () => Error
}): Gate {
  const { places, waitersMax, busy } = options
  const waiters = new Set<() => void>()
  let taken = 0

  return {
    async enter(signal) {
      signal.throwIfAborted()
      if (taken < places) taken += 1
      else await turn(signal)
      return once(leave)
    },
    load: () => ({ busy: taken, queued: waiters.size }),
  }

  function turn(signal: AbortSignal): Promise<void> {
    if (waiters.size >= waitersMax) throw busy()
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        waiters.delete(go)
        reject(signal.reason as Error)
      }
      const go = (): void => {
        signal.removeEventListener('abort', abort)
        resolve()
      }
      signal.addEventListener('abort', abort, { once: true })
      waiters.add(go)
    })
  }

  /** Hands the place to the next in line, or frees it. */
  function leave(): void {
    const [first] = waiters
    if (!first) {
      taken -= 1
      return
    }
    waiters.delete(first)
    first()
  }
}

function once(act: () => void): () => void {
  let isDone = false
  return () => {
    if (!isDone) act()
    isDone = true
  }
}
