import type { Answer, CallContext, Invoke } from '../../registry/call.ts'
import { toToolError } from '../../registry/errors.ts'

/** What is known of a call when it has ended. */
export type CallFacts = {
  /** The name that was called, be there such a tool or not. */
  name: string
  args: unknown
  /** `ok`, or the code of its error. */
  outcome: string
  ms: number
  context: CallContext
  answer?: Answer
}
/** Told of every call of every face; it must neither throw nor wait. */
export type CallListener = (facts: CallFacts) => void

/** Wraps the way in, so that all who listen hear of every call once it has ended. */
export const watchCalls =
  (listeners: readonly CallListener[]) =>
  (invoke: Invoke): Invoke =>
  async (name, args, context) => {
    const startedAt = (context.startedAt = performance.now())
    try {
      const answer = await invoke(name, args, context)
      const ms = performance.now() - startedAt
      const facts = { name, args, outcome: 'ok', ms, context, answer }
      for (const tell of listeners) tell(facts)
      return answer
    } catch (error) {
      const ms = performance.now() - startedAt
      const facts = { name, args, outcome: toToolError(error).code, ms, context }
      for (const tell of listeners) tell(facts)
      throw error
    }
  }
