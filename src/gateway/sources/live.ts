import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { isToolError, toToolError, type ToolError } from '../../registry/errors.ts'
import type { Registry } from '../../registry/registry.ts'
import { kindDefaults } from '../../registry/sources/record.ts'
import {
  type Draft,
  isStdio,
  type SourceDefinition,
  sourceId,
} from '../../registry/sources/source.ts'
import type { Tool, ToolLog } from '../../registry/tool.ts'
import { adopt, type Adopting } from './adopt.ts'
import type { Linted, Reading } from './describe.ts'
import type { Fetched, Known } from './fetch-document.ts'
import type { Keep } from './keep.ts'
import { createPlaces } from './places.ts'
import { type SourceReport, type SourceState, toReport } from './report.ts'
import type { Way } from './way.ts'

/** How a source is watched. */
export const liveLimits = {
  /** From the first byte asked for to the last. */
  fetchMs: 20_000,
  probeMs: 5_000,
  /** Between two signs of life. */
  everyMs: 30_000,
  /** Between two looks at a description that is large and seldom changes. */
  refreshMs: 300_000,
  /** After a failure; twice as long after each further one. */
  retryMs: 5_000,
  retryMsMax: 60_000,
  /** Calls that fail may bring a check forward, but no closer to the last one than this. */
  suspectMs: 1_000,
  staleMs: 15_000,
  /** Work on many tools stops this often to let others have the loop. */
  sliceMs: 8,
  /** A source that leaves is closed when no call came for so long. */
  leaveMs: 1_000,
} as const

/** One source, kept alive. */
export type Live = {
  readonly id: string
  readonly definition: SourceDefinition
  /** Registers what was kept of it, so that a dead server does not stop the start. */
  restore(): Promise<void>
  /** Fetches and registers; what goes wrong is in the report. */
  load(): Promise<void>
  /** Does what is due. */
  tick(): Promise<void>
  /** Has it looked at soon: a call met something odd. */
  suspect(what: 'down' | 'stale' | 'changed'): void
  report(): SourceReport
  error(): ToolError | undefined
  /** Looks at nothing any more, and closes when the calls under way, and on their way to it, have ended. */
  leave(): Promise<void>
  close(): Promise<void>
}

/** What a live source stands on. */
export type LiveOptions = {
  definition: SourceDefinition
  configured: boolean
  registry: Registry
  way: Way
  keep: Keep
  describe: (
    definition: SourceDefinition,
    fetched: Fetched,
    signal: AbortSignal,
  ) => Promise<Reading>
  now: () => number
  log: ToolLog
  limits?: Partial<Record<keyof typeof liveLimits, number>>
}

/** Makes a live source; it does nothing until it is told to. */
export function createLive(options: LiveOptions): Live {
  const { definition, registry, way, keep, now, log } = options
  const limits = { ...liveLimits, ...options.limits }
  const id = sourceId(definition)
  const of = hashOf(JSON.stringify(isStdio(definition) ? definition.args : definition.url))
  const closing = new AbortController()
  const places = createPlaces(definition.concurrency ?? kindDefaults[definition.kind].concurrency)
  let state: SourceState = 'loading'
  let failure: ToolError | undefined
  let failures = 0
  let known: Known | undefined
  let hash = ''
  let tools: Tool[] = []
  let drafts = new Map<string, Draft>()
  let reading: Omit<Reading, 'linted'> = { quarantined: [], notes: [] }
  let [fetchedAt, checkedAt, dueAt] = [0, 0, 0]
  let mustLoad = true
  let busy: Promise<void> | undefined
  let [begun, ended] = [0, 0]
  let closed: Promise<void> | undefined

  /** One check at a time; whoever asks meanwhile waits for the one under way. */
  const alone = (work: () => Promise<void>): Promise<void> =>
    (busy ??= work().finally(() => {
      busy = undefined
      checkedAt = now()
      const backoffMs = Math.min(limits.retryMs * 2 ** Math.min(failures, 10), limits.retryMsMax)
      dueAt = checkedAt + (failures > 0 ? backoffMs : limits.everyMs)
    }))

  const within = (ms: number): AbortSignal =>
    AbortSignal.any([closing.signal, AbortSignal.timeout(ms)])

  async function load(): Promise<void> {
    try {
      mustLoad = false
      const found = await way.fetch(within(limits.fetchMs), known)
      if (found) await take(found)
      fetchedAt = now()
      turn('ready', undefined)
    } catch (error) {
      if (!closing.signal.aborted) await fell(toToolError(error))
    }
  }

  /** Registers a description, unless it is the one that is registered. */
  async function take(found: Fetched): Promise<void> {
    const { text, ...where } = found
    const foundHash = hashOf(text)
    known = where
    if (foundHash === hash) return
    const { linted, ...rest } = await options.describe(definition, found, closing.signal)
    await register(linted)
    reading = rest
    hash = foundHash
    for (const { name, reason } of rest.quarantined.slice(0, 20))
      log.warn({ source: id, tool: name, reason }, 'a tool of a source is quarantined')
    if (
      definition.kind !== 'http' &&
      !(await keep.saveDescription(id, { text, url: found.url, of }))
    )
      log.debug({ source: id }, 'a description is not kept')
  }

  async function register(linted: readonly Linted[]): Promise<void> {
    const adopted = await adopt(linted, {
      definition,
      registry,
      way,
      before: tools,
      run,
      sliceMs: limits.sliceMs,
    })
    if (closing.signal.aborted) return
    drafts = adopted.drafts
    tools = adopted.tools
    registry.put(id, tools)
  }

  /** A call of one of its tools, by what the tool is now. */
  const run: Adopting['run'] = async (name, draft, input, context) => {
    begun += 1
    try {
      return await places.take(name, context.signal, () =>
        way.run(drafts.get(name) ?? draft, name, { input, context }),
      )
    } catch (error) {
      if (isToolError(error) && error.code === 'TG_UPSTREAM_UNREACHABLE') live.suspect('down')
      throw error
    } finally {
      ended += 1
    }
  }

  /** The server could not be asked, or said something else than a description. */
  async function fell(error: ToolError): Promise<void> {
    const isDown = downCodes.has(error.code)
    if (tools.length === 0) return turn(isDown ? 'unreachable' : 'failed', error)
    if (!isDown) return turn('stale', error)
    if (!way.probe) return turn('unreachable', error)
    // Its document may live apart from it: it is asked itself.
    await probe()
    if (state !== 'unreachable') turn('stale', error)
  }

  async function probe(): Promise<void> {
    const address = [...drafts.values()].map(addressOf).find(Boolean)
    if (!address || !way.probe) return
    try {
      await way.probe(address, within(limits.probeMs))
      if (state === 'unreachable') turn(fetchedAt > 0 ? 'ready' : 'stale', undefined)
      else failures = 0
    } catch (error) {
      if (!closing.signal.aborted) turn('unreachable', toToolError(error))
    }
  }

  function turn(next: SourceState, error: ToolError | undefined): void {
    failures = error ? failures + 1 : 0
    failure = error
    if (next !== state) {
      const level = next === 'ready' ? 'info' : 'warn'
      log[level](
        {
          source: id,
          state: next,
          tools: tools.length,
          ...(error ? { problem: error.message } : {}),
        },
        'source',
      )
    }
    state = next
    const why =
      next === 'unreachable'
        ? {
            reason: error?.message ?? `${way.host} does not answer`,
            remedy: `start ${way.host} or mend the source "${id}"; it is tried again by itself`,
          }
        : undefined
    for (const { name } of tools) registry.setUnavailable(name, why)
  }

  const refreshMs = definition.refreshMs ?? (way.probe ? limits.refreshMs : limits.everyMs)
  const live: Live = {
    id,
    definition,
    async restore() {
      const kept = definition.kind === 'http' ? undefined : await keep.description(id)
      if (kept?.of !== of) return
      try {
        await take(kept)
        turn('stale', undefined)
      } catch (err) {
        log.warn({ source: id, err }, 'what was kept of a source cannot be read')
      }
    },
    load: () => alone(load),
    async tick() {
      if (now() < dueAt || busy) return
      const isOld = now() - fetchedAt >= refreshMs || fetchedAt === 0
      const wantsLoad = mustLoad || isOld || tools.length === 0
      if (!wantsLoad || (state === 'unreachable' && way.probe && tools.length > 0))
        return alone(probe)
      return alone(load)
    },
    suspect(what) {
      if (what !== 'down') mustLoad = true
      const gapMs = what === 'stale' ? limits.staleMs : limits.suspectMs
      dueAt = Math.min(dueAt, Math.max(now(), checkedAt + gapMs))
    },
    report: () =>
      toReport({
        definition,
        configured: options.configured,
        state,
        failure,
        tools,
        drafts,
        quarantined: reading.quarantined,
        notes: reading.notes,
        fetchedAt,
        checkedAt,
      }),
    error: () => failure,
    async leave() {
      closing.abort(new Error('the source is closed'))
      for (let seen = -1; !closed && (seen !== begun || ended < begun);) {
        seen = begun
        await delay(limits.leaveMs, undefined, { ref: false })
      }
      await live.close()
    },
    close() {
      closing.abort(new Error('the source is closed'))
      return (closed ??= way.close())
    },
  }
  return live
}

const hashOf = (text = ''): string => createHash('sha256').update(text).digest('hex')

/** Errors that say that nobody is there. */
const downCodes = new Set(['TG_UPSTREAM_UNREACHABLE', 'TG_UPSTREAM_BUSY', 'TG_DEADLINE'])

const addressOf = ({ call }: Draft): string | undefined =>
  call.kind === 'operation'
    ? `${call.server}/`
    : call.kind === 'template'
      ? URL.parse(call.url.replace(/[{].*$/s, ''))?.origin
      : undefined
