import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { fail } from '../registry/errors.ts'

/** How a gateway ends. */
export const lifeLimits = {
  /** Of `stopMs`, what is kept for those that are ended, to hear of it, milliseconds. */
  lastMs: 2_000,
  /** How often connections that have become idle are looked for, milliseconds. */
  idleMs: 100,
} as const

/** Ends calls and streams that a gateway which is to end cannot wait for. */
export type Life = {
  /** True once nothing new should come: readiness says so, and connections are not kept. */
  readonly isStopping: boolean
  /** Says that the end is near, and gives a balancer the time to notice. */
  drain: () => Promise<void>
  /** Has something ended with TG_STOPPING when the grace is over; call what it gives when it ended by itself. */
  follow(end: (reason: Error) => void): () => void
  /** Ends with a server: its open calls get the grace, then are ended, each in its face's own words. */
  endWith(app: FastifyInstance): void
}

declare module 'fastify' {
  interface FastifyInstance {
    life?: Life
  }
}

/** Makes it. `drainMs` is for the balancer, `stopMs` for all that is open after that. */
export function createLife({ drainMs, stopMs }: { drainMs: number; stopMs: number }): Life {
  const open = new Set<(reason: Error) => void>()
  let isStopping = false

  return {
    get isStopping() {
      return isStopping
    },
    async drain() {
      isStopping = true
      // A server that listens keeps the process; a wait alone does not.
      await delay(drainMs, undefined, { ref: false })
    },
    follow(end) {
      open.add(end)
      return () => open.delete(end)
    },
    endWith(app) {
      let timers: NodeJS.Timeout[] = []
      app.decorate('life', this)
      app.addHook('onRequest', (_request, reply, done) => {
        if (isStopping) reply.header('connection', 'close')
        done()
      })
      app.addHook('preClose', async () => {
        isStopping = true
        const graceMs = Math.max(0, stopMs - lifeLimits.lastMs)
        timers = [
          setTimeout(() => {
            for (const end of open) end(fail('TG_STOPPING'))
          }, graceMs),
          // What has got its answer need not be waited for.
          setInterval(() => app.server.closeIdleConnections(), lifeLimits.idleMs),
        ]
      })
      app.addHook('onClose', async () => {
        for (const timer of timers) clearTimeout(timer)
      })
    },
  }
}
