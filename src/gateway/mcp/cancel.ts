import { randomUUID } from 'node:crypto'
import { fail } from '../../registry/errors.ts'

/** Bounds of what is remembered for cancelling. */
export const cancelLimits = { callsMax: 10_000 } as const

/** A request as its client knows it. */
export type CallId = { session: string; id: unknown }
/** A call that may be cancelled while it is under way. */
export type Cancellable = { signal: AbortSignal; end(): void }

/** Calls of the `initialize` era that are under way, so that a message on another connection can end one. */
export type Cancels = {
  /** A session's id: a name by which its requests are told from others', nothing more. */
  newSession(): string
  /** Remembers a call until its end; undefined when there are too many to remember. */
  begin(call: CallId): Cancellable | undefined
  /** Ends a call; one that is not under way here is let be. */
  cancel(call: CallId): void
}

/** Makes the table. It is this process's alone: on another replica the call runs on to its deadline. */
export function createCancels(): Cancels {
  const calls = new Map<string, AbortController>()
  const keyOf = ({ session, id }: CallId): string => JSON.stringify([session, id])
  return {
    newSession: () => randomUUID(),
    begin(call) {
      if (calls.size >= cancelLimits.callsMax) return undefined
      const key = keyOf(call)
      const controller = new AbortController()
      calls.set(key, controller)
      return {
        signal: controller.signal,
        end() {
          if (calls.get(key) === controller) calls.delete(key)
        },
      }
    },
    cancel: call => calls.get(keyOf(call))?.abort(fail('TG_CLIENT_CLOSED')),
  }
}
