import { Compile } from 'typebox/schema'
import { type Call, type CallContext, resultOf } from '../registry/call.ts'
import { failFrom } from '../registry/errors.ts'
import type {
  FileRef,
  JsonObject,
  NewFile,
  Settings,
  Tool,
  ToolContext,
  ToolLog,
} from '../registry/tool.ts'
import type { Upstream } from './http/upstream.ts'
import type { Workers } from './workers.ts'

/** What a run needs of the gateway. */
export type RunOptions = {
  upstream: Upstream
  workers: Workers
  settings: Settings
  readFile: (file: FileRef) => Promise<Uint8Array>
  saveFile: (file: NewFile) => Promise<string>
  log: ToolLog & { child?: (bindings: object) => ToolLog }
  now?: () => number
}

/** The end of the line: runs the tool, here or in a thread, and checks what it gives. */
export function createRun(options: RunOptions): Call {
  const { workers, log } = options
  const checks = new WeakMap<Tool, ReturnType<typeof Compile>>()

  return async (tool, input, context) => {
    const output = await runTool(tool, input, context)
    checkOutput(tool, output)
    return resultOf(output)
  }

  function runTool(tool: Tool, input: JsonObject, context: CallContext): Promise<JsonObject> {
    const toolContext = createToolContext(tool, context, options)
    return tool.runsOn === 'worker'
      ? workers.run(tool, input, toolContext)
      : tool.run(input, toolContext)
  }

  /** Our own tools keep their word or it is a 500; an imported one that does not is only noted. */
  function checkOutput(tool: Tool, output: JsonObject): void {
    let check = checks.get(tool)
    if (!check) checks.set(tool, (check = Compile(tool.output)))
    if (check.Check(output)) return
    const [error] = check.Errors(output)[1]
    const problem = `${tool.name}: output${error?.instancePath ?? ''} ${error?.message ?? 'does not fit'}`
    if (tool.source === 'builtin' || tool.source === 'local')
      throw failFrom(new Error(problem), 'TG_INTERNAL')
    log.warn({ tool: tool.name, problem }, 'output does not fit its schema')
  }
}

function createToolContext(tool: Tool, context: CallContext, options: RunOptions): ToolContext {
  const { settings, now = Date.now, log } = options
  const { signal, requestId } = context
  const deadlineAt = context.deadlineAt ?? now() + tool.timeoutMs
  return {
    signal,
    requestId,
    ...options.upstream.for(tool, { signal, deadlineAt, patience: context.patience }),
    setting: name => settings[name],
    readFile: options.readFile,
    saveFile: options.saveFile,
    progress: context.progress ?? noProgress,
    now,
    log: log.child?.({ tool: tool.name, requestId }) ?? log,
  }
}

const noProgress = (): void => undefined
