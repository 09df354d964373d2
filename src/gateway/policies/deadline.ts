import type { Interceptor } from '../../registry/call.ts'
import { fail, isToolError } from '../../registry/errors.ts'

/**
 * Ends a call when its time is up (TG_DEADLINE) or its caller is gone (TG_CLIENT_CLOSED), even one
 * that does not listen to its signal. The shorter of the tool's and the caller's deadline holds.
 */
export const deadline =
  (now: () => number = Date.now): Interceptor =>
  next =>
  async (tool, input, context) => {
    const ms = Math.min(tool.timeoutMs, context.deadlineMs ?? Number.POSITIVE_INFINITY)
    const controller = new AbortController()
    const { promise, reject } = Promise.withResolvers<never>()
    const end = (reason: unknown): void => {
      controller.abort(reason)
      reject(reason as Error)
    }
    const timer = setTimeout(() => end(fail('TG_DEADLINE', tool.name, ms)), ms)
    const { signal } = context
    const leave = (): void => end(reasonOf(signal))
    signal.addEventListener('abort', leave, { once: true })
    if (signal.aborted) leave()
    const deadlineAt = Math.min(now() + ms, context.deadlineAt ?? Number.POSITIVE_INFINITY)
    try {
      return await Promise.race([
        next(tool, input, { ...context, signal: controller.signal, deadlineAt }),
        promise,
      ])
    } catch (error) {
      // What the abort broke (a socket, a wait) is a consequence; the reason is what happened.
      throw controller.signal.aborted ? controller.signal.reason : error
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', leave)
    }
  }

const reasonOf = ({ reason }: AbortSignal): Error =>
  isToolError(reason) ? reason : fail('TG_CLIENT_CLOSED')
