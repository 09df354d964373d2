import { availableParallelism } from 'node:os'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import type { Piscina } from 'piscina'
import { type ErrorCode, fail, failFrom, rebuild } from '../registry/errors.ts'
import {
  artifactsOf,
  fileInputsOf,
  type FileRef,
  type JsonObject,
  type NewFile,
  type Settings,
  type Tool,
  type ToolContext,
  type ToolLog,
} from '../registry/tool.ts'
import { createGate } from './policies/gate.ts'

/** Bounds of the threads that do CPU work. */
export const workerLimits = {
  threadsMax: 2,
  queueMax: 256,
  idleMs: 120_000,
  heapMbMax: 1_024,
  retryAfterMs: 2_000,
  /** How long a stop waits for work that is running. */
  closeMs: 5_000,
} as const

type TransferList = NonNullable<NonNullable<Parameters<Piscina['run']>[1]>['transferList']>

/** What travels to a thread: everything is plain data. */
export type WorkerTask = {
  module: string
  name: string
  input: JsonObject
  files: Record<string, Uint8Array>
  settings: Settings
  requestId: string
  /** Says that the call is aborted, to a tool that ends by its signal. */
  aborts?: MessagePort
}
/** A log line that a thread leaves to the main thread. */
export type WorkerLog = { level: keyof ToolLog; data: object; message: string }
/** What comes back: the output's JSON with `savedMark(n)` for the n-th file saved, or an error. */
export type WorkerReply = { logs: WorkerLog[] } & (
  | { json: string; saved: NewFile[] }
  | { error: { code: ErrorCode; args: readonly unknown[]; cause?: string } }
)

/** Stands in an output for the n-th file a worker saved, until the main thread has stored it. */
export const savedMark = (index: number): string => `worker-file:${index}`

/** Threads for tools that say `runsOn: 'worker'`; none is started before the first call. */
export type Workers = {
  run(tool: Tool, input: JsonObject, context: ToolContext): Promise<JsonObject>
  /** Threads at work, and calls that wait for one. */
  load(): { busy: number; queued: number }
  close(): Promise<void>
}

/**
 * Makes the pool. A call that is aborted ends its thread, since CPU work listens to nothing; but a
 * tool that says `endsBySignal` is only told, for killing a thread in native code kills the process.
 */
export function createWorkers(options: {
  settings: Settings
  /** The operator's folder of tools, whose imports are mapped in the threads too. */
  toolsFolder?: string | undefined
  /** Told of a thread that failed while it had no call. */
  onError?: (error: unknown) => void
  limits?: Partial<Record<keyof typeof workerLimits, number>>
}): Workers {
  const limits = { ...workerLimits, ...options.limits }
  const threads = Math.min(limits.threadsMax, availableParallelism())
  // The pool's own line stands still when the thread before it is ended, so it never gets one.
  const gate = createGate({
    places: threads,
    waitersMax: limits.queueMax,
    busy: () => fail('TG_BUSY', 'this work', limits.retryAfterMs),
  })
  let pool: Promise<Piscina> | undefined
  let closed = false

  return {
    async run(tool, input, context) {
      const task = await pack(tool, input, context)
      const reply = await send(task, { signal: context.signal, kill: !tool.endsBySignal })
      for (const { level, data, message } of reply.logs) context.log[level](data, message)
      if ('error' in reply) throw revive(reply.error)
      return unpack(tool, reply, context)
    },
    load: gate.load,
    async close() {
      closed = true
      // Queued work is dropped, running work may end: a thread in native code must not be killed.
      if (pool) await (await pool).close({ force: true })
    },
  }

  async function send(
    task: WorkerTask,
    { signal, kill }: { signal: AbortSignal; kill: boolean },
  ): Promise<WorkerReply> {
    const leave = await gate.enter(signal)
    try {
      if (closed) throw fail('TG_STOPPING')
      const piscina = await (pool ??= open())
      const run = kill ? piscina.run(task, { signal }) : tellOnAbort(piscina, task, signal)
      return (await run) as WorkerReply
    } catch (cause) {
      if (signal.aborted) throw signal.reason
      if (closed) throw failFrom(cause, 'TG_STOPPING')
      // What fills the memory of a thread is what it was given.
      if ((cause as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY')
        throw failFrom(cause, 'TG_TOO_LARGE', 'the work on this input', `${limits.heapMbMax} MiB`)
      throw cause
    } finally {
      leave()
    }
  }

  async function tellOnAbort(
    piscina: Piscina,
    task: WorkerTask,
    signal: AbortSignal,
  ): Promise<unknown> {
    const { port1, port2 } = new MessageChannel()
    const tell = (): void => port1.postMessage('aborted')
    signal.addEventListener('abort', tell, { once: true })
    if (signal.aborted) tell()
    try {
      // Piscina's type is inferred from another overload than the one that it calls.
      const transferList = [port2] as unknown as TransferList
      return await piscina.run({ ...task, aborts: port2 }, { transferList })
    } finally {
      signal.removeEventListener('abort', tell)
      port1.close()
    }
  }

  async function open(): Promise<Piscina> {
    const { Piscina } = await import('piscina')
    const piscina = new Piscina({
      filename: new URL('./worker-thread.ts', import.meta.url).href,
      workerData: { toolsFolder: options.toolsFolder },
      minThreads: 0,
      maxThreads: threads,
      idleTimeout: limits.idleMs,
      closeTimeout: limits.closeMs,
      resourceLimits: { maxOldGenerationSizeMb: limits.heapMbMax },
    })
    // Without a listener the error of an idle thread would end the process. A pool that closes
    // tells here of the work that it ended, which its callers hear of.
    piscina.on('error', (error: unknown) => {
      if (!closed) options.onError?.(error)
    })
    return piscina
  }

  async function pack(tool: Tool, input: JsonObject, context: ToolContext): Promise<WorkerTask> {
    const refs = fileInputsOf(tool).flatMap(
      ({ name }) => (input[name] as FileRef | undefined) ?? [],
    )
    const files = await Promise.all(
      refs.map(async ref => [ref.id, await context.readFile(ref)] as const),
    )
    return {
      module: tool.module ?? '',
      name: tool.name,
      input,
      files: Object.fromEntries(files),
      settings: options.settings,
      requestId: context.requestId,
    }
  }

  async function unpack(
    tool: Tool,
    { json, saved }: { json: string; saved: NewFile[] },
    context: ToolContext,
  ): Promise<JsonObject> {
    const output = JSON.parse(json) as JsonObject
    const ids = await Promise.all(saved.map(file => context.saveFile(file)))
    const marks = new Map(ids.map((id, index) => [savedMark(index), id]))
    const named = artifactsOf(tool).flatMap(({ name }) => {
      const id = marks.get(output[name] as string)
      return id ? [[name, id] as const] : []
    })
    return { ...output, ...Object.fromEntries(named) }
  }
}

/** The error of a thread; its cause came as text. */
function revive({
  code,
  args,
  cause,
}: {
  code: ErrorCode
  args: readonly unknown[]
  cause?: string
}) {
  return cause === undefined
    ? rebuild(code, args)
    : Object.assign(rebuild(code, args), {
        cause: Object.assign(new Error(cause), { stack: cause }),
      })
}
