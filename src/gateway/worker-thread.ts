import { receiveMessageOnPort, workerData } from 'node:worker_threads'
import { fail, toToolError } from '../registry/errors.ts'
import type { NewFile, Tool, ToolContext } from '../registry/tool.ts'
import { mapToolImports } from './map-tool-imports.ts'
import { savedMark, type WorkerLog, type WorkerReply, type WorkerTask } from './workers.ts'

const { toolsFolder } = (workerData ?? {}) as { toolsFolder?: string }
if (toolsFolder) mapToolImports(toolsFolder)

/** Runs one call in a thread: imports the tool's module, which a function cannot travel without. */
export default async function runTask(task: WorkerTask): Promise<WorkerReply> {
  const saved: NewFile[] = []
  const logs: WorkerLog[] = []
  try {
    const tool = await load(task)
    const output = await tool.run(task.input, contextOf(task, saved, logs))
    // As text, since an object that holds what cannot travel would be lost with the reason.
    return { json: JSON.stringify(output ?? null), saved, logs }
  } catch (thrown) {
    const { code, args, cause } = toToolError(thrown)
    return { error: { code, args, ...(cause === undefined ? {} : { cause: say(cause) }) }, logs }
  }
}

/** A cause may hold what cannot travel, so its text goes. */
const say = (cause: unknown): string =>
  cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)

async function load({ module, name }: WorkerTask): Promise<Tool> {
  const loaded = (await import(module)) as { default?: Tool | Tool[] }
  const tool = [loaded.default ?? []].flat().find(tool => tool.name === name)
  if (!tool) throw new Error(`${module}: its default export is not the tool "${name}"`)
  return tool
}

/** Aborts when the main thread says so; a word that came before the start counts. */
function signalOf({ aborts }: WorkerTask): AbortSignal {
  const controller = new AbortController()
  const abort = (): void => controller.abort(fail('TG_CLIENT_CLOSED'))
  if (aborts && receiveMessageOnPort(aborts)) abort()
  aborts?.once('message', abort)
  aborts?.unref()
  return controller.signal
}

function contextOf(task: WorkerTask, saved: NewFile[], logs: WorkerLog[]): ToolContext {
  const log = (level: WorkerLog['level']) => (data: object, message: string) =>
    void logs.push({ level, data, message })
  const offLimits = (): never => {
    throw new Error('a tool that runs in a worker has no network: fetch in a tool on the loop')
  }
  return {
    signal: signalOf(task),
    requestId: task.requestId,
    getJson: offLimits,
    getText: offLimits,
    setting: name => task.settings[name],
    readFile: file => {
      const bytes = task.files[file.id]
      if (!bytes) throw new Error(`the file ${file.id} did not travel with the call`)
      return Promise.resolve(bytes)
    },
    // A copy, since with a part of a large buffer all of it would travel.
    saveFile: file =>
      Promise.resolve(savedMark(saved.push({ ...file, bytes: Uint8Array.from(file.bytes) }) - 1)),
    progress: () => undefined,
    now: Date.now,
    log: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
  }
}
