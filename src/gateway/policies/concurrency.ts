import type { Interceptor } from '../../registry/call.ts'
import { fail } from '../../registry/errors.ts'
import type { Tool } from '../../registry/tool.ts'

/** How many calls may wait for a place, for each tool. */
export const concurrencyLimits = {
  waitersMax: 1_000,
  retryAfterMs: 1_000,
  /** A run that goes on after its call was aborted keeps its place no longer, milliseconds. */
  overtimeMs: 10_000,
} as const

type Gate = { running: number; waiters: Set<() => void> }

/** Runs at most `tool.concurrency` calls of a tool at once; the rest wait in order, bounded. */
export function concurrency(
  changes: Partial<Record<keyof typeof concurrencyLimits, number>> = {},
): Interceptor {
  const limits = { ...concurrencyLimits, ...changes }
  const gates = new WeakMap<Tool, Gate>()
  return next => async (tool, input, context) => {
    let gate = gates.get(tool)
    if (!gate) gates.set(tool, (gate = { running: 0, waiters: new Set() }))
    if (gate.running >= tool.concurrency) await enter(gate, tool, context.signal)
    else gate.running += 1
    const { signal } = context
    let timer: NodeJS.Timeout | undefined
    const free = once(() => leave(gate))
    const abort = (): void => {
      timer = setTimeout(free, limits.overtimeMs).unref()
    }
    signal.addEventListener('abort', abort, { once: true })
    try {
      return await next(tool, input, context)
    } finally {
      signal.removeEventListener('abort', abort)
      clearTimeout(timer)
      free()
    }
  }

  function enter(gate: Gate, tool: Tool, signal: AbortSignal): Promise<void> {
    if (gate.waiters.size >= limits.waitersMax)
      throw fail('TG_BUSY', tool.name, limits.retryAfterMs)
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        gate.waiters.delete(go)
        reject(signal.reason as Error)
      }
      const go = (): void => {
        signal.removeEventListener('abort', abort)
        resolve()
      }
      signal.addEventListener('abort', abort, { once: true })
      if (signal.aborted) abort()
      else gate.waiters.add(go)
    })
  }

  /** Hands the place to the next waiter, or frees it. */
  function leave(gate: Gate): void {
    const [first] = gate.waiters
    if (!first) {
      gate.running -= 1
      return
    }
    gate.waiters.delete(first)
    first()
  }
}

function once(act: () => void): () => void {
  let done = false
  return () => {
    if (!done) act()
    done = true
  }
}
