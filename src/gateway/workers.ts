import { availableParallelism } from 'node:os'
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

/** Bounds of the threads that do CPU work. */
export const workerLimits = {
  threadsMax: 2,
  queueMax: 256,
  idleMs: 120_000,
  heapMbMax: 1_024,
  retryAfterMs: 2_000,
} as const

/** What travels to a thread: everything is plain data. */
export type WorkerTask = {
  module: string
  name: string
  input: JsonObject
  files: Record<string, Uint8Array>
  settings: Settings
  requestId: string
}
/** A log line that a thread leaves to the main thread. */
export type WorkerLog = { level: keyof ToolLog; data: object; message: string }
/** What comes back: the output with `savedMark(n)` for the n-th file saved, or an error of ours. */
export type WorkerReply = { logs: WorkerLog[] } & (
  | { output: JsonObject; saved: NewFile[] }
  | { error: { code: ErrorCode; args: readonly unknown[]; cause?: string } }
)

/** Stands in an output for the n-th file a worker saved, until the main thread has stored it. */
export const savedMark = (index: number): string => `worker-file:${index}`

/** Threads for tools that say `runsOn: 'worker'`; none is started before the first call. */
export type Workers = {
  run(tool: Tool, input: JsonObject, context: ToolContext): Promise<JsonObject>
  close(): Promise<void>
}

/** Makes the pool. A call that is aborted ends its thread, since CPU work listens to nothing. */
export function createWorkers(options: {
  settings: Settings
  /** The operator's folder of tools, whose imports are mapped in the threads too. */
  toolsFolder?: string | undefined
  limits?: Partial<Record<keyof typeof workerLimits, number>>
}): Workers {
  const limits = { ...workerLimits, ...options.limits }
  let pool: Promise<Piscina> | undefined
  let closed = false

  return {
    async run(tool, input, context) {
      const task = await pack(tool, input, context)
      if (closed) throw fail('TG_STOPPING')
      const piscina = await (pool ??= open())
      if (piscina.queueSize >= limits.queueMax)
        throw fail('TG_BUSY', tool.name, limits.retryAfterMs)
      const reply = await send(piscina, task, context.signal)
      for (const { level, data, message } of reply.logs) context.log[level](data, message)
      if ('error' in reply) throw revive(reply.error)
      return unpack(tool, reply, context)
    },
    async close() {
      closed = true
      if (pool) await (await pool).destroy()
    },
  }

  async function send(
    piscina: Piscina,
    task: WorkerTask,
    signal: AbortSignal,
  ): Promise<WorkerReply> {
    try {
      return (await piscina.run(task, { signal })) as WorkerReply
    } catch (cause) {
      if (signal.aborted) throw signal.reason
      if (closed) throw failFrom(cause, 'TG_STOPPING')
      // What fills the memory of a thread is what it was given.
      if ((cause as NodeJS.ErrnoException).code === 'ERR_WORKER_OUT_OF_MEMORY')
        throw failFrom(cause, 'TG_TOO_LARGE', 'the work on this input', `${limits.heapMbMax} MiB`)
      throw cause
    }
  }

  async function open(): Promise<Piscina> {
    const { Piscina } = await import('piscina')
    return new Piscina({
      filename: new URL('./worker-thread.ts', import.meta.url).href,
      workerData: { toolsFolder: options.toolsFolder },
      minThreads: 0,
      maxThreads: Math.min(limits.threadsMax, availableParallelism()),
      idleTimeout: limits.idleMs,
      maxQueue: limits.queueMax,
      resourceLimits: { maxOldGenerationSizeMb: limits.heapMbMax },
    })
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
    { output, saved }: { output: JsonObject; saved: NewFile[] },
    context: ToolContext,
  ): Promise<JsonObject> {
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
