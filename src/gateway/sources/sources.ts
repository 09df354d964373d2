import type { Dispatcher } from 'undici'
import { setTimeout as delay } from 'node:timers/promises'
import { fail, toToolError } from '../../registry/errors.ts'
import type { Registry } from '../../registry/registry.ts'
import { parseSource, type SourceDefinition, sourceId } from '../../registry/sources/source.ts'
import type { ToolLog } from '../../registry/tool.ts'
import { asObject } from '../../registry/views/walk.ts'
import { createGuard, type Guard } from '../http/guard.ts'
import { type Breaker, createBreaker } from '../policies/breaker.ts'
import { noRedis, type RedisPort } from '../policies/redis-port.ts'
import { describeInThread } from './describe.ts'
import { createKeep, noKeep } from './keep.ts'
import { createLive, type Live, type liveLimits } from './live.ts'
import { createPlaces } from './places.ts'
import type { SourceReport } from './report.ts'
import { createWay } from './way.ts'

/** Bounds of all sources together. */
export const sourcesLimits = {
  sourcesMax: 100,
  /** The start waits so long for servers; those that are later join when they come. */
  startMs: 3_000,
  redisWaitMs: 500,
  /** How often due work is looked for, and what other replicas were told. */
  tickMs: 1_000,
  syncMs: 10_000,
  /** A removal is remembered so long, for replicas that were away. */
  removedMs: 86_400_000,
  /** Descriptions read at once. */
  threadsMax: 2,
} as const

/** All servers whose tools are brought in. */
export type Sources = {
  /** Registers the configured sources and what Redis knows, and watches them. Never throws. */
  start(): Promise<void>
  /** Adds a source, or puts another in its place; TG_URL_REFUSED, TG_FORBIDDEN, TG_REFUSED. */
  put(definition: SourceDefinition): Promise<{ report: SourceReport; isNew: boolean }>
  get(id: string): SourceReport | undefined
  list(): SourceReport[]
  /** Takes a source and its tools out; undefined when there is none. */
  remove(id: string): Promise<SourceReport | undefined>
  /** Puts the configured sources in the place of those before; what has not changed goes on. */
  configure(definitions: readonly SourceDefinition[]): Promise<void>
  /** Does what is due; the watch calls it. */
  tick(): Promise<void>
  close(): Promise<void>
}

/** What sources stand on. */
export type SourcesOptions = {
  registry: Registry
  /** Those of the configuration. */
  definitions: readonly SourceDefinition[]
  redis: RedisPort
  version: string
  allowedHosts: readonly string[]
  log: ToolLog
  now?: () => number
  /** Leaves the servers that fail alone; absent = one of its own. */
  breaker?: Breaker
  /** Around every request that goes out. */
  interceptors?: Dispatcher.DispatchInterceptor[]
  /** In place of the network, for tests. */
  createGuard?: typeof createGuard
  limits?: Partial<Record<keyof typeof sourcesLimits, number>>
  liveLimits?: Partial<Record<keyof typeof liveLimits, number>>
}

/** Puts the sources of a gateway together; nothing is fetched before `start` or `put`. */
export function createSources(options: SourcesOptions): Sources {
  const { registry, log, now = Date.now } = options
  const limits = { ...sourcesLimits, ...options.limits }
  const keep = options.redis === noRedis ? noKeep : createKeep(options.redis)
  const breaker = options.breaker ?? createBreaker({ now })
  const threads = createPlaces(limits.threadsMax)
  const lives = new Map<string, Live>()
  /** Those whose place is taken, and whose calls are not over. */
  const leaving = new Set<Live>()
  const configured = new Map(options.definitions.map(one => [sourceId(one), JSON.stringify(one)]))
  /** What an admin added here, as Redis holds it. */
  const added = new Map<string, string>()
  const turns = new Map<string, Promise<unknown>>()
  let timer: NodeJS.Timeout | undefined
  let syncAt = 0

  /** Changes of one source happen one after the other. */
  function inTurn<Value>(id: string, work: () => Promise<Value>): Promise<Value> {
    const turn = (turns.get(id) ?? Promise.resolve()).then(work, work)
    turns.set(id, turn)
    const forget = (): void => {
      if (turns.get(id) === turn) turns.delete(id)
    }
    turn.finally(forget).catch(() => undefined)
    return turn
  }

  function open(definition: SourceDefinition): Live {
    const id = sourceId(definition)
    const way = createWay(definition, {
      guardFor,
      breaker,
      version: options.version,
      now,
      log,
      onListChanged: () => lives.get(id)?.suspect('changed'),
      onStale: () => lives.get(id)?.suspect('stale'),
    })
    return createLive({
      definition,
      configured: configured.has(id),
      registry,
      way,
      keep,
      describe: (definition, fetched, signal) =>
        threads.take(id, signal, () =>
          describeInThread(definition, fetched, { host: way.host, signal }),
        ),
      now,
      log,
      ...(options.liveLimits ? { limits: options.liveLimits } : {}),
    })
  }

  /** Private addresses within reach are those that the operator stated, and no others. */
  function guardFor(origins: readonly string[], timeoutMs: number): Guard {
    return (options.createGuard ?? createGuard)({
      allowedHosts: options.allowedHosts,
      allowedOrigins: origins,
      ...(options.interceptors ? { interceptors: options.interceptors } : {}),
      // A slow tool is ended by its own deadline, not by the connection's.
      limits: { headersMs: timeoutMs, bodySilenceMs: timeoutMs },
    })
  }

  /** Puts a source in the place of the one of its name, if there is one. */
  async function replace(definition: SourceDefinition): Promise<Live> {
    const id = sourceId(definition)
    const live = open(definition)
    const before = lives.get(id)
    lives.set(id, live)
    await live.load()
    const error = live.error()
    if (error?.code === 'TG_URL_REFUSED') {
      if (before) lives.set(id, before)
      else lives.delete(id)
      await live.close()
      throw error
    }
    if (live.report().tools.length === 0) registry.remove(id)
    if (before) retire(before)
    return live
  }

  /** Nobody waits for the calls of what was replaced or removed, and none of them is ended. */
  function retire(live: Live): void {
    leaving.add(live)
    live
      .leave()
      .catch((err: unknown) => log.warn({ source: live.id, err }, 'a source cannot be closed'))
      .finally(() => leaving.delete(live))
  }

  /** Redis is connected to in the background; what it holds of sources is worth a short wait. */
  async function redisIsThere(): Promise<void> {
    if (options.redis === noRedis) return
    const endsAt = performance.now() + limits.redisWaitMs
    while (performance.now() < endsAt) {
      if (await options.redis.attempt(client => client.ping())) return
      await delay(20)
    }
  }

  async function begin(definition: SourceDefinition): Promise<void> {
    const id = sourceId(definition)
    try {
      const live = open(definition)
      lives.set(id, live)
      await live.restore()
      await live.load()
    } catch (err) {
      log.error({ source: id, err: toToolError(err) }, 'a source cannot be opened')
    }
  }

  async function drop(id: string): Promise<SourceReport | undefined> {
    const live = lives.get(id)
    if (!live) return undefined
    lives.delete(id)
    const report = live.report()
    registry.remove(id)
    retire(live)
    return report
  }

  /** Follows what other replicas were told; what Redis has lost is told to it again. */
  async function sync(): Promise<void> {
    syncAt = now() + limits.syncMs
    const known = await keep.definitions()
    if (!known) return
    for (const [id, json] of Object.entries(known)) {
      if (configured.has(id) || added.get(id) === json) continue
      const entry = asObject(JSON.parse(json))
      if (typeof entry['removedAt'] === 'number') {
        added.delete(id)
        await inTurn(id, () => drop(id))
        if (now() - entry['removedAt'] > limits.removedMs) await keep.removeDefinition(id)
        continue
      }
      added.set(id, json)
      await inTurn(id, () => replace(parseSource(entry['definition']))).catch((err: unknown) =>
        log.warn({ source: id, err }, 'a source of another replica cannot be opened'),
      )
    }
    for (const [id, json] of added) if (!(id in known)) await keep.saveDefinition(id, json)
  }

  const sources: Sources = {
    async start() {
      const begun = redisIsThere().then(() =>
        Promise.all([
          ...options.definitions.map(begin),
          sync().catch((err: unknown) => log.warn({ err }, 'sources cannot be read from Redis')),
        ]),
      )
      timer = setInterval(() => void sources.tick(), limits.tickMs)
      timer.unref()
      await Promise.race([begun, delay(limits.startMs, undefined, { ref: false })])
    },

    async put(definition) {
      const id = sourceId(definition)
      if (configured.has(id))
        throw fail(
          'TG_FORBIDDEN',
          `the source "${id}" is stated in the configuration: change it there, or choose another name`,
        )
      const isNew = !lives.has(id)
      if (isNew && lives.size >= limits.sourcesMax)
        throw fail('TG_REFUSED', `there are ${limits.sourcesMax} sources already`, 'remove one')
      const live = await inTurn(id, () => replace(definition))
      const json = JSON.stringify({ definition, at: now() })
      added.set(id, json)
      await keep.saveDefinition(id, json)
      return { report: live.report(), isNew }
    },

    get: id => lives.get(id)?.report(),
    list: () =>
      [...lives.values()].map(live => live.report()).toSorted((a, b) => (a.id < b.id ? -1 : 1)),

    async remove(id) {
      if (configured.has(id))
        throw fail(
          'TG_FORBIDDEN',
          `the source "${id}" is stated in the configuration: take it out there`,
        )
      const report = await inTurn(id, () => drop(id))
      if (!report) return undefined
      added.delete(id)
      await keep.saveDefinition(id, JSON.stringify({ removedAt: now() }))
      await keep.removeDescription(id)
      return report
    },

    async configure(definitions) {
      const next = new Map(definitions.map(one => [sourceId(one), one]))
      const gone = [...configured.keys()].filter(id => !next.has(id))
      const changed = [...next].filter(([id, one]) => configured.get(id) !== JSON.stringify(one))
      for (const id of gone) configured.delete(id)
      for (const [id, one] of changed) configured.set(id, JSON.stringify(one))
      await Promise.all([
        ...gone.map(id => inTurn(id, () => drop(id))),
        ...changed.map(([id, one]) =>
          inTurn(id, () => replace(one)).catch((err: unknown) =>
            log.error({ source: id, err: toToolError(err) }, 'a source cannot be opened'),
          ),
        ),
      ])
    },

    async tick() {
      const work = [...lives.values()].map(live => live.tick())
      if (now() >= syncAt) work.push(sync())
      await Promise.all(
        work.map(one =>
          one.catch((err: unknown) => log.warn({ err }, 'a source cannot be looked at')),
        ),
      )
    },

    async close() {
      clearInterval(timer)
      await Promise.all([...lives.values(), ...leaving].map(live => live.close()))
    },
  }
  return sources
}
