import { LRUCache } from 'lru-cache'
import { fail, type ToolError } from '../../registry/errors.ts'
import { noRedis, type Patience, type RedisPort } from '../policies/redis-port.ts'
import type { Allowed } from './amount.ts'
import { type Outcome, type Standing, takeLocally, type Used } from './gcra.ts'
import { createShared } from './shared.ts'

/** Those who are limited and remembered by one process; who asked longest ago is forgotten. */
export const limiterLimits = { idsMax: 100_000 } as const

/** What is limited. */
export type Limited = 'key' | 'address' | 'tool' | 'model'
/** Who asks: what is counted together, under one id, and how much of it there is. */
export type Asker = { by: Limited; name: string; id: string; allowed: Allowed }
/** Makes one, once for as many calls as may be: a text that is put together anew has to be hashed anew. */
export const askerOf = (by: Limited, name: string, allowed: Allowed): Asker => ({
  by,
  name,
  id: `${by} ${name}`,
  allowed,
})
/** Told of each refusal: what was limited, and how. */
export type TellLimited = (by: Limited, policy: Standing['policy']) => void
/** A place that was given. */
export type Taken = {
  standings: readonly Standing[]
  /** Gives back a place among those at once; absent where they are not limited. */
  leave?: () => void
}

/** Limits over all replicas while Redis answers, and in each of them while it does not. */
export type Limiter = {
  /** Gives a place, at once where Redis is not asked, or an error that says when there will be one, with how the limits stand. */
  take(asker: Asker, patience: Patience): Promise<Taken | Refused> | Taken | Refused
}
/** A refusal, and how the limits stand. */
export type Refused = { error: ToolError; standings: readonly Standing[] }

type Local = Used & { busy: number }
type Waiting = { patience: Patience; settle: (taken: Taken | Refused) => void }
type Batch = { asker: Asker; waiting: Waiting[] }

/**
 * Makes it. All who ask in one turn of the loop are counted by one look at Redis, so that its price is
 * shared by those who come together. What Redis said last is where this process goes on without it.
 */
export function createLimiter(options: {
  redis: RedisPort
  now?: () => number
  onRefused?: TellLimited
}): Limiter {
  const { redis, now = Date.now, onRefused } = options
  const shared = redis === noRedis ? undefined : createShared(redis)
  const locals = new LRUCache<string, Local>({ max: limiterLimits.idsMax })
  const batches = new Map<string, Batch>()

  function localOf(id: string): Local {
    const known = locals.get(id)
    if (known) return known
    const made = { fullAt: 0, window: 0, count: 0, busy: 0 }
    locals.set(id, made)
    return made
  }

  function take(asker: Asker, patience: Patience): Promise<Taken | Refused> | Taken | Refused {
    if (!shared) return alone(asker)
    const { id } = asker
    return new Promise(settle => {
      const batch = batches.get(id)
      if (batch) return void batch.waiting.push({ patience, settle })
      const made = { asker, waiting: [{ patience, settle }] }
      batches.set(id, made)
      setImmediate(() => {
        batches.delete(id)
        void together(made)
      })
    })
  }

  function alone(asker: Asker): Taken | Refused {
    const local = localOf(asker.id)
    const outcome = takeLocally(local, asker.allowed, { wanted: 1, now: now(), busy: local.busy })
    return answer(asker, outcome, { isAdmitted: outcome.admitted > 0, local })
  }

  async function together({ asker, waiting }: Batch): Promise<void> {
    const { allowed, id } = asker
    const patience = { redisMs: Math.min(...waiting.map(one => one.patience.redisMs)) }
    const before = patience.redisMs
    const outcome = await shared?.take(id, allowed, { wanted: waiting.length, patience })
    for (const one of waiting) one.patience.redisMs -= before - patience.redisMs
    if (!outcome) {
      for (const { settle } of waiting) settle(alone(asker))
      return
    }
    const local = localOf(id)
    const { used, tokens, admitted } = outcome
    // Redis' clock may differ from ours, so what it says is kept as time from now.
    local.fullAt = now() + used.fullAt
    Object.assign(local, { window: used.window, count: used.count })
    for (const [index, { settle }] of waiting.entries()) {
      const token = tokens[index]
      settle(answer(asker, outcome, { isAdmitted: index < admitted, local, token }))
    }
  }

  function answer(
    asker: Asker,
    { standings, refusedBy = 'rate', retryMs }: Outcome,
    { isAdmitted, local, token }: { isAdmitted: boolean; local: Local; token?: string | undefined },
  ): Taken | Refused {
    const { by, allowed } = asker
    if (!isAdmitted) {
      onRefused?.(by, refusedBy)
      const error = fail(
        'TG_RATE_LIMITED',
        `${sentence[refusedBy]} of ${whatOf(asker)} is used up`,
        retryMs,
      )
      return { error, standings }
    }
    if (allowed.concurrency === undefined) return { standings }
    local.busy += 1
    let left = false
    const leave = (): void => {
      if (left) return
      left = true
      local.busy -= 1
      if (token) shared?.leave(asker.id, [token])
    }
    return { standings, leave }
  }

  return { take }
}

const whatOf = ({ by, name }: Asker): string =>
  by === 'key' || by === 'address' ? `this ${by}` : `the ${by} ${name}`

const sentence: Record<Standing['policy'], string> = {
  rate: 'the rate',
  quota: 'the quota',
  concurrency: 'the number of calls at once',
}
