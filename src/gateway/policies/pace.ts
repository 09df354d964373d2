import type { Redis } from 'ioredis'
import { fail } from '../../registry/errors.ts'
import type { Patience, RedisPort } from './redis-port.ts'

/** What waiting for a turn is bounded by. */
export const paceLimits = {
  /** No caller waits longer for its turn, whatever its deadline. */
  waitMsMax: 120_000,
  /**
   * A turn may be used so late and no later: turns are booked this much further apart, so that no
   * two requests leave within the interval, whatever timers and busy replicas do.
   */
  lateMsMax: 100,
  /** Upstreams remembered by one process. */
  linesMax: 1_000,
} as const

/** How long a caller can wait. */
export type PaceWait = { signal: AbortSignal; deadlineAt: number; patience?: Patience }

/** A politeness clock for each upstream, shared by all replicas while Redis lives. */
export type Pace = {
  /**
   * Waits for a turn at `key`: at most one in `intervalMs`, and in this process one at a time.
   * Call what it returns when the answer was read. A turn that would come after the deadline is
   * refused at once with TG_RATE_LIMITED and costs nobody anything; throws the signal's reason
   * when the caller leaves.
   */
  take(key: string, intervalMs: number, wait: PaceWait): Promise<() => void>
}

/** A reserved turn; `sharedAt` is the same instant on Redis' clock. */
type Turn = { at: number; lengthMs: number; sharedAt?: number }
type Waiter = { turn: Turn; start: () => void }
type Line = { freeAt: number; busy: boolean; waiters: Waiter[]; timer?: NodeJS.Timeout }

/** Makes the clock. With no Redis, or a dead one, each replica keeps its own. */
export function createPace(options: {
  redis: RedisPort
  now?: () => number
  limits?: Partial<Record<keyof typeof paceLimits, number>>
}): Pace {
  const { redis, now = Date.now } = options
  const limits = { ...paceLimits, ...options.limits }
  const lines = new Map<string, Line>()

  async function take(key: string, intervalMs: number, wait: PaceWait): Promise<() => void> {
    wait.signal.throwIfAborted()
    const line = lineOf(key)
    let turn = await reserve(key, line, intervalMs, wait)
    await stand(key, line, turn, wait.signal)
    const release = once(() => {
      line.busy = false
      advance(line)
    })
    try {
      while (now() - turn.at > limits.lateMsMax) {
        turn = await reserve(key, line, intervalMs, wait)
        await pause(turn.at - now(), wait.signal)
      }
    } catch (error) {
      giveBack(key, line, turn)
      release()
      throw error
    }
    return release
  }

  function lineOf(key: string): Line {
    const known = lines.get(key)
    if (known) return known
    if (lines.size >= limits.linesMax)
      for (const [other, { busy, waiters, freeAt }] of lines)
        if (!busy && waiters.length === 0 && freeAt <= now()) lines.delete(other)
    const made: Line = { freeAt: 0, busy: false, waiters: [] }
    lines.set(key, made)
    return made
  }

  /** Books the next turn, or throws without booking when it comes too late. */
  async function reserve(key: string, line: Line, intervalMs: number, wait: PaceWait) {
    const patienceMs = Math.max(0, Math.min(wait.deadlineAt - now(), limits.waitMsMax))
    const lengthMs = intervalMs + limits.lateMsMax
    // No turn is booked so late: the clock was set back.
    if (line.freeAt - now() > limits.waitMsMax + lengthMs) line.freeAt = now()
    const ownMs = Math.max(0, line.freeAt - now())
    const shared = await redis.attempt(
      client => reserveShared(client, key, { lengthMs, patienceMs, ownMs }),
      wait.patience,
    )
    // Others of this process may have booked while Redis was asked in vain.
    const waitMs = shared ? shared.waitMs : Math.max(0, line.freeAt - now())
    if (shared ? shared.refused : waitMs > patienceMs)
      throw fail('TG_RATE_LIMITED', `${key} takes one request in ${intervalMs / 1000} s`, waitMs)
    const turn: Turn = { at: now() + waitMs, lengthMs }
    if (shared) turn.sharedAt = shared.at
    line.freeAt = Math.max(line.freeAt, turn.at + lengthMs)
    return turn
  }

  /** Waits until the turn has come and the request before it has been answered. */
  function stand(key: string, line: Line, turn: Turn, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        giveBack(key, line, shiftForward(line, waiter))
        advance(line)
        reject(signal.reason as Error)
      }
      const waiter: Waiter = {
        turn,
        start: () => {
          signal.removeEventListener('abort', leave)
          resolve()
        },
      }
      const behind = line.waiters.findIndex(other => other.turn.at > turn.at)
      line.waiters.splice(behind < 0 ? line.waiters.length : behind, 0, waiter)
      if (signal.aborted) return leave()
      signal.addEventListener('abort', leave, { once: true })
      advance(line)
    })
  }

  function advance(line: Line): void {
    clearTimeout(line.timer)
    const first = line.waiters[0]
    if (!first || line.busy) return
    const waitMs = first.turn.at - now()
    if (waitMs > 0) {
      line.timer = setTimeout(advance, waitMs, line)
      return
    }
    line.waiters.shift()
    line.busy = true
    first.start()
  }

  function giveBack(key: string, line: Line, { at, lengthMs, sharedAt }: Turn): void {
    if (line.freeAt === at + lengthMs) line.freeAt = at
    if (sharedAt === undefined) return
    // Nobody waits for this: the port never throws, and a turn not given back is only a pause.
    void redis.attempt(client => giveBackShared(client, key, { sharedAt, lengthMs }))
  }

  return { take }
}

/** Takes a waiter out; those behind move up by one turn, and the last turn is left over. */
function shiftForward(line: Line, leaver: Waiter): Turn {
  const place = line.waiters.indexOf(leaver)
  let free = leaver.turn
  for (const waiter of line.waiters.splice(place).slice(1)) {
    const own = waiter.turn
    waiter.turn = free
    free = own
    line.waiters.push(waiter)
  }
  return free
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error)
    const leave = () => {
      clearTimeout(timer)
      reject(signal.reason as Error)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', leave)
      resolve()
    }, ms)
    signal.addEventListener('abort', leave, { once: true })
  })

const once = (run: () => void): (() => void) => {
  let done = false
  return () => {
    if (done) return
    done = true
    run()
  }
}

/** Redis' own clock decides, so that replicas whose clocks differ agree. */
const reserveScript = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.ceil(time[2] / 1000)
local free = tonumber(redis.call('GET', KEYS[1]) or 0)
local at = math.max(free, now + tonumber(ARGV[3]))
local wait = at - now
if wait > tonumber(ARGV[2]) then return {1, wait, at} end
local length = tonumber(ARGV[1])
redis.call('SET', KEYS[1], string.format('%d', at + length), 'PX', wait + length)
return {0, wait, at}`

/** Only the last booked turn can be given back: later ones stand on it. */
const giveBackScript = `
local at = tonumber(ARGV[1])
local length = tonumber(ARGV[2])
if tonumber(redis.call('GET', KEYS[1]) or 0) ~= at + length then return 0 end
redis.call('SET', KEYS[1], string.format('%d', at), 'PX', ARGV[3])
return 1`

const keyOf = (key: string): string => `tg:p:${key}`

async function reserveShared(
  client: Redis,
  key: string,
  ask: { lengthMs: number; patienceMs: number; ownMs: number },
): Promise<{ refused: boolean; waitMs: number; at: number }> {
  const whole = [ask.lengthMs, ask.patienceMs, ask.ownMs].map(Math.ceil)
  const [refused, waitMs, at] = (await client.eval(reserveScript, 1, keyOf(key), ...whole)) as [
    number,
    number,
    number,
  ]
  return { refused: refused === 1, waitMs, at }
}

const giveBackShared = (client: Redis, key: string, turn: { sharedAt: number; lengthMs: number }) =>
  client.eval(giveBackScript, 1, keyOf(key), turn.sharedAt, turn.lengthMs, paceLimits.waitMsMax)
