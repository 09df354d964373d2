import type { Interceptor } from '../../registry/call.ts'
import { fail } from '../../registry/errors.ts'
import type { Tool } from '../../registry/tool.ts'
import { createGate, type Gate } from './gate.ts'

/** Bounds of the calls of one tool that wait for a place. */
export const concurrencyLimits = {
  waitersMax: 1_000,
  retryAfterMs: 1_000,
  /** A run that goes on after its call was aborted keeps its place no longer, milliseconds. */
  overtimeMs: 10_000,
} as const

/** Runs at most `tool.concurrency` calls of a tool at once; the rest wait in order, bounded. */
export function concurrency(
  changes: Partial<Record<keyof typeof concurrencyLimits, number>> = {},
): Interceptor {
  const limits = { ...concurrencyLimits, ...changes }
  const gates = new WeakMap<Tool, Gate>()

  return next => async (tool, input, context) => {
    const { signal } = context
    const leave = await gateOf(tool).enter(signal)
    let timer: NodeJS.Timeout | undefined
    const abort = (): void => {
      timer = setTimeout(leave, limits.overtimeMs).unref()
    }
    signal.addEventListener('abort', abort, { once: true })
    try {
      return await next(tool, input, context)
    } finally {
      signal.removeEventListener('abort', abort)
      clearTimeout(timer)
      leave()
    }
  }

  function gateOf(tool: Tool): Gate {
    const known = gates.get(tool)
    if (known) return known
    const { waitersMax, retryAfterMs } = limits
    const busy = () => fail('TG_BUSY', tool.name, retryAfterMs)
    const gate = createGate({ places: tool.concurrency, waitersMax, busy })
    gates.set(tool, gate)
    return gate
  }
}
