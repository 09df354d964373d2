import { type Call, compose } from '../registry/call.ts'
import { bounds, type Excerpt } from './policies/bounds.ts'
import { cacheWrite, createCache } from './policies/cache.ts'
import { concurrency } from './policies/concurrency.ts'
import { deadline } from './policies/deadline.ts'
import type { RedisPort } from './policies/redis-port.ts'
import { replicaLock } from './policies/replica-lock.ts'
import { singleFlight } from './policies/single-flight.ts'
import type { Store } from './policies/store.ts'
import { type TellStage, timeAll, timeArrival, timeUntilNext } from './telemetry/stages.ts'

/** What the policies stand on. */
export type PipelineOptions = {
  run: Call
  store: Store
  redis: RedisPort
  excerpt: Excerpt
  keepFile: (id: string, until: number) => Promise<unknown>
  resultBytesMax: number
  now?: () => number
  /** Told what each stage took. */
  onStage?: TellStage
  onRevalidateError: (tool: string, error: unknown) => void
}

/** A call in its policies, in the order in which it meets them. There is one, and every face uses it. */
export function createPipeline(options: PipelineOptions): Call {
  const { run, store, redis, excerpt, keepFile, now = Date.now, onRevalidateError } = options
  const { onStage = () => undefined } = options
  const cache = createCache({ store, now, onRevalidateError })
  return compose(
    run,
    timeArrival(onStage), // the arguments are read
    cache.l1, // in this process: a hit ends here
    deadline(now), // this caller's patience
    singleFlight(), // equal calls in this process become one
    timeUntilNext('cache', onStage, cache.l2), // in Redis
    replicaLock({ store, redis, now }), // equal calls over all replicas become one
    cacheWrite({ store, now, keepFile }),
    bounds(excerpt, options.resultBytesMax),
    deadline(now), // the flight's own, which no joining waiter prolongs
    timeUntilNext('queue', onStage, concurrency()),
    timeAll('run', onStage),
  )
}
