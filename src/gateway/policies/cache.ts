import { LRUCache } from 'lru-cache'
import {
  type CacheControl,
  type CacheReport,
  type Call,
  type Interceptor,
  type Result,
  resultFromJson,
} from '../../registry/call.ts'
import { fail } from '../../registry/errors.ts'
import { filesIn } from '../../registry/tool.ts'
import { cacheKey } from './cache-key.ts'
import { redisLimits } from './redis-port.ts'
import type { Entry, Store } from './store.ts'

/** Bounds of the work that stale answers cause. */
export const cacheLimits = {
  /** After a revalidation that failed, the upstream is left alone this long, milliseconds. */
  revalidateRestMs: 5_000,
  revalidationsMax: 10_000,
} as const

type CacheOptions = {
  store: Store
  now?: () => number
  /** Told of a revalidation that failed behind a stale answer. */
  onRevalidateError?: (tool: string, error: unknown) => void
}
/** The two places an answer may come from; each is one interceptor, see `gateway/pipeline.ts`. */
export type Cache = { l1: Interceptor; l2: Interceptor }

/** True when a call may be answered from the store, or its answer put there. */
export const isStorable = (tool: { cache?: unknown }, control: CacheControl | undefined): boolean =>
  tool.cache !== undefined && !control?.noStore

/**
 * Answers from the store when it can. A stale answer goes out at once while a new one is fetched
 * behind it, and goes on being sent while the upstream fails. `l1` looks in this process and stands
 * before the flight; `l2` looks in Redis, inside the flight, so that equal calls ask Redis once.
 */
export function createCache(options: CacheOptions): Cache {
  const { store, now = Date.now, onRevalidateError } = options
  const restsUntil = new LRUCache<string, number>({ max: cacheLimits.revalidationsMax })

  const reader =
    (hit: 'l1' | 'redis', find: Find): Interceptor =>
    next =>
    async (tool, input, context) => {
      const { control, report } = context
      if (!isStorable(tool, control)) {
        report.forward = 'bypass'
        if (control?.onlyIfCached) throw fail('TG_NOT_CACHED', tool.name)
        return next(tool, input, context)
      }
      const key = cacheKey(tool, input, context)
      const found = control?.noCache ? undefined : find(key, context.patience)
      const entry = found instanceof Promise ? await found : found
      const at = now()
      if (entry && fits(entry, control, at)) {
        const fresh = isFresh(entry, at)
        if (!fresh) revalidate(next, key, tool, input, context)
        return answerFrom(entry, fresh ? hit : 'stale', report, at)
      }
      report.forward = control?.noCache ? 'bypass' : entry ? 'stale' : (report.forward ?? 'miss')
      if (control?.onlyIfCached && hit === 'redis') throw fail('TG_NOT_CACHED', tool.name)
      return next(tool, input, context)
    }

  return { l1: reader('l1', store.peek), l2: reader('redis', store.fetch) }

  /** Fetches anew behind a stale answer, once at a time, on nobody's time but the tool's. */
  function revalidate(next: Call, key: string, ...[tool, input, context]: Parameters<Call>): void {
    if (now() < (restsUntil.get(key) ?? 0)) return
    restsUntil.set(key, Number.POSITIVE_INFINITY)
    const { requestId, face, caller } = context
    next(tool, input, {
      requestId,
      face,
      ...(caller === undefined ? {} : { caller }),
      signal: new AbortController().signal,
      // Only a fresh answer will do, be it another replica's.
      control: { maxAgeMs: tool.cache?.ttlMs ?? 0 },
      report: {},
      patience: { redisMs: redisLimits.operationMs },
    }).then(
      () => void restsUntil.delete(key),
      (error: unknown) => {
        restsUntil.set(key, now() + cacheLimits.revalidateRestMs)
        onRevalidateError?.(tool.name, error)
      },
    )
  }
}

type Find = (
  key: string,
  patience: { redisMs: number },
) => Promise<Entry | undefined> | Entry | undefined

/** Stores what a run gave. It stands inside the flight, so that others find the answer when it lands. */
export function cacheWrite(
  options: Pick<CacheOptions, 'store' | 'now'> & {
    /** Keeps a file for as long as an answer that names it is stored. */
    keepFile: (id: string, until: number) => Promise<unknown>
  },
): Interceptor {
  const { store, now = Date.now, keepFile } = options
  return next => async (tool, input, context) => {
    const result = await next(tool, input, context)
    if (!tool.cache || context.control?.noStore) return result
    const { ttlMs, staleMs = 0 } = tool.cache
    const entry = { json: result.json, storedAt: now(), ttlMs, staleMs }
    const until = entry.storedAt + ttlMs + staleMs
    await Promise.all(filesIn(tool, result.output).map(id => keepFile(id, until)))
    await store.save(cacheKey(tool, input, context), entry, context.patience)
    context.report.stored = true
    context.report.ttlMs = ttlMs
    return result
  }
}

/** True while an entry's time to live runs; one that a clock set back puts far ahead is not fresh. */
export const isFresh = ({ storedAt, ttlMs }: Entry, now: number): boolean =>
  Math.abs(now - storedAt) < ttlMs

/** True when an entry is as young as the caller wants it. */
export const fits = (
  { storedAt }: Entry,
  control: CacheControl | undefined,
  now: number,
): boolean => control?.maxAgeMs === undefined || now - storedAt < control.maxAgeMs

/** A result out of an entry; says in the report where it came from and how old it is. */
export function answerFrom(
  entry: Entry,
  hit: NonNullable<CacheReport['hit']>,
  report: CacheReport,
  now: number,
): Result {
  if (report.forward) delete report.forward
  report.hit = hit
  report.ageMs = Math.max(0, now - entry.storedAt)
  report.ttlMs = entry.storedAt + entry.ttlMs - now
  return resultFromJson(entry.json)
}
