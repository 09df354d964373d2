import { Compile } from 'typebox/schema'
import { type Call, type CallContext, resultOf } from '../registry/call.ts'
import { fail, failFrom } from '../registry/errors.ts'
import {
  type FileRef,
  isOurs,
  type JsonObject,
  type NewFile,
  type Settings,
  type Tool,
  type ToolContext,
  type ToolLog,
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
  /** An imported tool gave something that its schema does not allow. */
  onMisfit?: (tool: string) => void
  log: ToolLog & { child?: (bindings: object) => ToolLog }
  now?: () => number
}

/** The end of the line: runs the tool, here or in a thread, and checks what it gives. */
export function createRun(options: RunOptions): Call {
  const { workers, log } = options
  const checks = new WeakMap<Tool, OutputCheck>()

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
    if (!check) checks.set(tool, (check = compileCheck(tool)))
    const problem = check(output)
    if (problem === undefined) return
    if (isOurs(tool)) throw failFrom(new Error(`${tool.name}: output${problem}`), 'TG_INTERNAL')
    if (!isObject(output)) throw fail('TG_UPSTREAM_INVALID', tool.source, 'it is no JSON object')
    options.onMisfit?.(tool.name)
    log.warn({ tool: tool.name, problem }, 'output does not fit its schema')
  }
}

/** What is wrong with an output, or undefined. */
type OutputCheck = (output: unknown) => string | undefined

const isObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function compileCheck(tool: Tool): OutputCheck {
  const validator = compile(tool)
  return output => {
    if (isObject(output) && validator.Check(output)) return undefined
    const [error] = validator.Errors(output)[1]
    return `${error?.instancePath ?? ''} ${error?.message ?? 'is no JSON object'}`
  }
}

/** A schema of somebody else's that no check can be made of is not held against its tool. */
function compile(tool: Tool): Pick<ReturnType<typeof Compile>, 'Check' | 'Errors'> {
  try {
    return Compile(tool.output)
  } catch (cause) {
    if (isOurs(tool)) throw cause
    return Compile({})
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
