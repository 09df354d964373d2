import { Worker } from 'node:worker_threads'
import { type ErrorCode, fail, failFrom, rebuild } from '../../registry/errors.ts'
import type { Description } from '../../registry/sources/describe.ts'
import type { Draft, Quarantined, SourceDefinition } from '../../registry/sources/source.ts'

/** Bounds of the thread that reads a description, which may have been written to harm. */
export const describeLimits = { ms: 20_000, heapMbMax: 768, youngMbMax: 96, stackMbMax: 8 } as const

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

/**
 * Reads a description in a thread of its own, which ends with it: a document that takes for ever or
 * eats memory costs that thread, and 10 MiB of YAML never stops the loop. Throws TG_UPSTREAM_INVALID.
 */
export async function describeInThread(
  definition: SourceDefinition,
  description: Description,
  options: {
    host: string
    signal: AbortSignal
    limits?: Partial<Record<keyof typeof describeLimits, number>>
  },
): Promise<Reading> {
  const { host, signal } = options
  const limits = { ...describeLimits, ...options.limits }
  signal.throwIfAborted()
  const reading: Reading = { linted: [], quarantined: [], notes: [] }
  const worker = new Worker(new URL('./describe-thread.ts', import.meta.url), {
    workerData: { definition: withoutSecrets(definition), description },
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
  const timer = setTimeout(
    () => reject(fail('TG_UPSTREAM_INVALID', host, `it was not read within ${limits.ms} ms`)),
    limits.ms,
  )
  const abort = (): void => reject(signal.reason as Error)
  signal.addEventListener('abort', abort, { once: true })
  worker.on('message', (batch: Batch) => {
    if ('done' in batch) return resolve(reading)
    if ('error' in batch) return reject(rebuild(batch.error.code, batch.error.args))
    if ('problem' in batch)
      return reject(fail('TG_UPSTREAM_INVALID', host, `it cannot be read: ${batch.problem}`))
    for (const { json, version } of batch.linted)
      reading.linted.push({ draft: JSON.parse(json) as Draft, version })
    reading.quarantined.push(...(batch.quarantined ?? []))
    reading.notes.push(...(batch.notes ?? []))
    worker.postMessage('next')
  })
  worker.on('error', cause =>
    reject(
      failFrom(
        cause,
        'TG_UPSTREAM_INVALID',
        host,
        `it cannot be read: ${(cause as Error).message}`,
      ),
    ),
  )
  worker.on('exit', () => reject(fail('TG_UPSTREAM_INVALID', host, 'it could not be read')))
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
