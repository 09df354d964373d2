import { fail } from '../../registry/errors.ts'
import type { PoolNode } from './node.ts'
import type { Want } from './pick.ts'

type Take = (want: Want) => PoolNode | undefined
type Waiter = { want: Want; settle: (node: PoolNode | undefined) => void }
type WaitOptions = { signal: AbortSignal; waitMs: number; queuedMax: number }

/** Requests for which no node has room, first come first served. */
export type Queue = {
  readonly size: number
  /** A node, or undefined when `waitMs` passed; a full queue is a 429 at once. */
  wait(want: Want, options: WaitOptions): Promise<PoolNode | undefined>
  /** Gives out what has become free. */
  serve(take: Take): void
  /** How many wait for a model that this node has. */
  waitingFor(node: PoolNode): number
  close(): void
}

/** Makes an empty queue. */
export function createQueue(): Queue {
  const waiters = new Set<Waiter>()
  return {
    get size() {
      return waiters.size
    },
    async wait(want, { signal, waitMs, queuedMax }) {
      const before = [...waiters].filter(waiter => waiter.want.model === want.model).length
      if (before >= queuedMax) {
        throw fail('TG_BUSY', want.model ?? 'the model server', Math.min(waitMs, 1_000))
      }
      const { promise, resolve } = Promise.withResolvers<PoolNode | undefined>()
      const waiter = { want, settle: resolve }
      const leave = (): void => {
        waiters.delete(waiter)
        resolve(undefined)
      }
      const timer = setTimeout(leave, waitMs)
      signal.addEventListener('abort', leave, { once: true })
      waiters.add(waiter)
      const node = await promise
      clearTimeout(timer)
      signal.removeEventListener('abort', leave)
      return node
    },
    serve(take) {
      for (const waiter of waiters) {
        const node = take(waiter.want)
        if (!node) continue
        waiters.delete(waiter)
        waiter.settle(node)
      }
    },
    waitingFor: node =>
      [...waiters].filter(({ want }) => want.model === undefined || node.models.has(want.model))
        .length,
    close() {
      for (const waiter of waiters) waiter.settle(undefined)
      waiters.clear()
    },
  }
}
