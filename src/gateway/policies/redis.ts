import { Redis } from 'ioredis'
import { redisLimits, type RedisPort } from './redis-port.ts'
import { isDemoted, type RedisOptions, redisPlace } from './redis-url.ts'

export { redisLimits }

/** How Redis fares, for `/health/ready` and the metrics. */
export type RedisHealth = { state: 'up' | 'down'; failures: number; error?: string }

/** A Redis that may die at any time: `attempt` never throws and never waits long. */
export type RedisGate = RedisPort & {
  health: () => RedisHealth
  /** Tells from now on what each operation took, and whether it was answered. */
  onReply: (listener: (ms: number, ok: boolean) => void) => void
  close: () => void
}

/** A client of ioredis for what `redisPlace` gave. */
export const createClient = (place: string | RedisOptions, options: RedisOptions): Redis =>
  typeof place === 'string' ? new Redis(place, options) : new Redis({ ...place, ...options })

/**
 * Connects in the background. While Redis is away `attempt` answers undefined at once; the first
 * failure closes the gate for `restMs`, so that a request waits for a dead Redis at most once.
 */
export function openRedis(options: {
  url: string
  now?: () => number
  onChange?: (health: RedisHealth) => void
  limits?: Partial<Record<keyof typeof redisLimits, number>>
}): RedisGate {
  const { now = Date.now, onChange } = options
  const limits = { ...redisLimits, ...options.limits }
  let isLeaving = false
  const client = createClient(redisPlace(options.url), {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: limits.connectMs,
    socketTimeout: limits.silenceMs,
    autoResendUnfulfilledCommands: false,
    retryStrategy: times => Math.min(times * 100, limits.reconnectMsMax),
    sentinelRetryStrategy: times => Math.min(times * 100, limits.reconnectMsMax),
    // Behind an address another server may be the primary now. One connection is left once, though
    // every command that was on its way is told so.
    reconnectOnError: error => !isLeaving && (isLeaving = isDemoted(error)),
  })
  let health: RedisHealth = { state: 'down', failures: 0 }
  let restsUntil = 0
  let told: (ms: number, ok: boolean) => void = () => undefined

  const turn = (state: RedisHealth['state'], error?: string): void => {
    const changed = health.state !== state
    health = { state, failures: health.failures + (error ? 1 : 0), ...(error ? { error } : {}) }
    if (changed) onChange?.(health)
  }
  client.on('ready', () => turn('up'))
  // What closed it, an error has told, if there was one.
  client.on('close', () => {
    isLeaving = false
    if (health.state === 'up') turn('down', 'the connection is closed')
  })
  client.on('error', (error: Error) => turn('down', error.message))
  // The outcome of a connection is told by the events above.
  const connect = (): void => void client.connect().catch(() => undefined)
  // A client that has given up, as ioredis does where a connection is ended while it is made, begins anew.
  let isClosed = false
  client.on('end', () => {
    if (!isClosed) setTimeout(connect, limits.restMs).unref()
  })
  connect()

  // Whatever `run` throws, it throws late.
  const invoke = async <T>(run: (client: Redis) => Promise<T>): Promise<T> => run(client)

  return {
    async attempt(run, patience) {
      const allowedMs = Math.min(limits.operationMs, patience?.redisMs ?? limits.operationMs)
      if (client.status !== 'ready' || now() < restsUntil || allowedMs <= 0) return undefined
      const reply = withinMs(invoke(run), allowedMs)
      try {
        const value = await reply.value
        told(reply.waitedMs(), true)
        if (health.state === 'down') turn('up')
        return value
      } catch (cause) {
        told(reply.waitedMs(), false)
        restsUntil = now() + limits.restMs
        turn('down', (cause as Error).message)
        return undefined
      } finally {
        if (patience) patience.redisMs -= reply.waitedMs()
      }
    },
    health: () => ({ ...health }),
    onReply: listener => {
      told = listener
    },
    close: () => {
      isClosed = true
      client.disconnect()
    },
  }
}

/** Waiting is counted in slices, so that a busy event loop of ours is not held against Redis. */
const sliceMs = 10

/** A reply that comes after the limit is dropped; ioredis still matches it to its command. */
function withinMs<T>(reply: Promise<T>, ms: number): { value: Promise<T>; waitedMs: () => number } {
  const startedAt = performance.now()
  const { promise, reject } = Promise.withResolvers<never>()
  let leftMs = ms
  let isLate = false
  const late = (): void => {
    isLate = true
    reject(new Error(`no reply within ${Math.round(ms)} ms`))
  }
  let timer: NodeJS.Timeout | undefined
  const slice = (): void => {
    const partMs = Math.min(sliceMs, leftMs)
    leftMs -= partMs
    // At the end a reply that lies unread in the socket is read first.
    timer = setTimeout(() => (leftMs > 0 ? slice() : setImmediate(late)), partMs)
  }
  slice()
  const value = Promise.race([reply, promise]).finally(() => clearTimeout(timer))
  // A timer may fire a moment early by this clock: what ran out is gone whole.
  const waitedMs = (): number =>
    isLate ? ms : Math.min(performance.now() - startedAt, ms - leftMs)
  return { value, waitedMs }
}
