import { getCompileCacheDir } from 'node:module'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { type ErrorCode, fail, failFrom, rebuild } from '../../registry/errors.ts'
import type { Description } from '../../registry/sources/describe.ts'
import type { Draft, Quarantined, Share, SourceDefinition } from '../../registry/sources/source.ts'

/** Bounds of the thread that reads a description, which may have been written to harm. */
export const describeLimits = {
  ms: 20_000,
  heapMbMax: 768,
  youngMbMax: 96,
  stackMbMax: 8,
  /** A description from this length on is shared by so many threads. */
  sharedCharactersMin: 1_048_576,
  threadsMax: 2,
} as const

/** What a thread is told. */
export type Job = {
  definition: SourceDefinition
  description: Description
  share: Share
  /** As the main thread does; a thread does not inherit it. */
  usesCompileCache: boolean
}

/** A draft that a view can say, and its version. */
export type Linted = { draft: Draft; version: string }
/** As the thread hands it over: text crosses faster than objects do. */
export type LintedJson = { json: string; version: string }
/** What the thread tells: drafts, then that it is done, or why it is not. */
export type Batch =
  | { linted: LintedJson[]; quarantined?: Quarantined[]; notes?: string[] }
  | { done: true }
  | { error: { code: ErrorCode; args: readonly unknown[] } }
  | { problem: string }

/** All that a description came to, linted. */
export type Reading = { linted: Linted[]; quarantined: Quarantined[]; notes: string[] }

/** How reading is bounded, and by whom it is ended. */
type Options = {
  host: string
  signal: AbortSignal
  limits?: Partial<Record<keyof typeof describeLimits, number>>
}

/**
 * Reads a description in threads of its own, which end with it: a document that takes for ever or
 * eats memory costs those threads, and 10 MiB of YAML never stops the loop. A long one is shared by
 * several. Throws TG_UPSTREAM_INVALID.
 */
export async function describeInThread(
  definition: SourceDefinition,
  description: Description,
  options: Options,
): Promise<Reading> {
  const limits = { ...describeLimits, ...options.limits }
  const isLong = description.text.length >= limits.sharedCharactersMin
  const count = isLong ? Math.min(limits.threadsMax, availableParallelism()) : 1
  // One that fails ends the others.
  const failing = new AbortController()
  const signal = AbortSignal.any([options.signal, failing.signal])
  try {
    const shares = Array.from({ length: count }, (_, index) =>
      readShare(
        {
          definition: withoutSecrets(definition),
          description,
          share: { index, count },
          usesCompileCache: getCompileCacheDir() !== undefined,
        },
        { ...options, signal, limits },
      ),
    )
    const readings = await Promise.all(shares)
    return {
      linted: readings.flatMap(({ linted }) => linted),
      quarantined: readings.flatMap(({ quarantined }) => quarantined),
      notes: [...new Set(readings.flatMap(({ notes }) => notes))],
    }
  } catch (error) {
    failing.abort(error)
    throw error
  }
}

async function readShare(
  job: Job,
  { host, signal, limits }: Options & { limits: Record<keyof typeof describeLimits, number> },
): Promise<Reading> {
  signal.throwIfAborted()
  const reading: Reading = { linted: [], quarantined: [], notes: [] }
  const worker = new Worker(new URL('./describe-thread.ts', import.meta.url), {
    workerData: job,
    resourceLimits: {
      maxOldGenerationSizeMb: limits.heapMbMax,
      maxYoungGenerationSizeMb: limits.youngMbMax,
      stackSizeMb: limits.stackMbMax,
    },
    // What a debugger or a test put in front of the gateway is not for this thread.
    execArgv: [],
    stderr: true,
    stdout: true,
  })
  const { promise, resolve, reject } = Promise.withResolvers<Reading>()
  const invalid = (problem: string): void => reject(fail('TG_UPSTREAM_INVALID', host, problem))
  const timer = setTimeout(() => invalid(`it was not read within ${limits.ms} ms`), limits.ms)
  const abort = (): void => reject(signal.reason as Error)
  signal.addEventListener('abort', abort, { once: true })
  worker.on('message', (batch: Batch) => {
    if ('done' in batch) return resolve(reading)
    if ('error' in batch) return reject(rebuild(batch.error.code, batch.error.args))
    if ('problem' in batch) return invalid(`it cannot be read: ${batch.problem}`)
    for (const { json, version } of batch.linted)
      reading.linted.push({ draft: JSON.parse(json) as Draft, version })
    reading.quarantined.push(...(batch.quarantined ?? []))
    reading.notes.push(...(batch.notes ?? []))
    worker.postMessage('next')
  })
  worker.on('error', (cause: Error) =>
    reject(failFrom(cause, 'TG_UPSTREAM_INVALID', host, `it cannot be read: ${cause.message}`)),
  )
  worker.on('exit', () => invalid('it could not be read'))
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
    await worker.terminate()
  }
}

/** The thread needs the names of headers, not what they hold. */
const withoutSecrets = (definition: SourceDefinition): SourceDefinition => ({
  ...definition,
  headers: Object.fromEntries(Object.keys(definition.headers ?? {}).map(name => [name, ''])),
  ...('env' in definition ? { env: {} } : {}),
})
