import { fail } from '../../registry/errors.ts'
import { nearestName } from '../../registry/parse.ts'
import type { Llm, LlmCall } from './call.ts'
import { runChoices } from './choices.ts'
import {
  addUsage,
  functionName,
  type ModelCall,
  newChatId,
  type ToolSpec,
  type Usage,
} from './chat.ts'
import { refuse } from './problem.ts'
import { isRecord, type Json, parseRecord, recordsIn } from './json.ts'
import { createCallFilter } from './loop-filter.ts'
import { type LoopOptions, loopOptionsOf, offeredTools } from './loop-options.ts'
import type { LoopResult, LoopTools } from './loop-tools.ts'
import { runTurn, type Turn, type TurnContext } from './turn.ts'
import type { TurnRequest } from './turn-request.ts'
import { findTool } from './validate.ts'
import { withFiles } from './loop-files.ts'

/** What happened on the way to an answer, one a call and one a result. */
export type Step = {
  step: number
  id: string
  tool: string
  phase: 'call' | 'result'
  arguments?: unknown
  text?: string
  error?: { code: string; message: string; hint?: string }
  ms?: number
}
/** What the final object tells of a loop: `messages` go on where the client's own end. */
export type LoopReport = { steps: Step[]; messages: Json[] }

/** Whose loop it is, and who watches its steps. */
export type LoopRun = {
  llm: Llm
  call: LlmCall
  /** Shows a step to a client that is listening. */
  onStep?: (step: Step, names: Pick<Turn, 'id' | 'created' | 'model'>) => void
}

/** The last turn of a loop, as if it had been the only one. */
export type LoopAnswer = { turn: Turn; toolgate?: LoopReport }

/** Runs a request: one turn, or with a `toolgate` field as many as its tools need. */
export async function runLoop(
  request: TurnRequest,
  run: LoopRun,
  context: TurnContext,
): Promise<LoopAnswer> {
  const options = loopOptionsOf(request.body['toolgate'])
  if (!options) return { turn: await runChoices(request, context) }
  const { tools } = run.llm
  if (!tools) {
    throw fail(
      'TG_UNAVAILABLE',
      'the tool loop',
      'this gateway runs no tools',
      'leave `toolgate` out of the request',
    )
  }
  if ((request.body['n'] ?? 1) !== 1) throw refuse('n', 'must be 1 with toolgate')
  const deadline = AbortSignal.timeout(options.deadlineMs)
  return createLoop({ request, run, tools, options, deadline, context }).run()
}

type LoopParts = {
  request: TurnRequest
  run: LoopRun
  tools: LoopTools
  options: LoopOptions
  deadline: AbortSignal
  context: TurnContext
}

function createLoop({ request, run, tools, options, deadline, context }: LoopParts) {
  const own = request.offer.tools
  /** All of the client's: its choice may leave some out of this turn. */
  const stated = recordsIn(request.body['tools'])
  const theirs = new Set(stated.map(functionName))
  const offered = offeredTools(tools, options, run.call.caller).filter(
    ({ name }) => !theirs.has(name),
  )
  const specs: ToolSpec[] = [
    ...own,
    ...offered.map(({ name, description, input }) => ({ name, description, parameters: input })),
  ]
  const { choice: wanted } = request.offer
  if (typeof wanted === 'object') findTool(specs, wanted.name)
  if (wanted === 'required' && specs.length === 0)
    throw refuse('tool_choice', 'needs tools: toolgate.tools names none')
  const isOurs = (name: string): boolean => !theirs.has(name)
  const clientTools = stated.filter(
    tool => typeof wanted === 'object' || own.some(({ name }) => name === functionName(tool)),
  )
  const names = { id: newChatId(), created: Math.floor(context.pool.now() / 1000) }
  const signal = AbortSignal.any([context.signal, deadline])
  const report: LoopReport = { steps: [], messages: [] }
  const filter = createCallFilter(isOurs)
  let usage: Usage | undefined
  let calls = 0

  const turnRequest = (step: number): TurnRequest => {
    const { bytes: _bytes, ...rest } = request
    const left = tokensLeft(options, usage)
    const choice = step === 1 ? wanted : 'auto'
    const { tool_choice: _choice, ...body } = request.body
    return {
      ...rest,
      names,
      continues: step > 1,
      needsUsage: true,
      offer: { ...request.offer, tools: specs, choice },
      body: {
        ...body,
        messages: [...messagesOf(request.body), ...report.messages],
        ...(specs.length > 0 ? { tools: [...clientTools, ...toolsOf(offered)] } : {}),
        ...(step === 1 && request.body['tool_choice'] != null
          ? { tool_choice: request.body['tool_choice'] }
          : {}),
        ...(left === undefined ? {} : { max_tokens: Math.min(left, maxTokensOf(request.body)) }),
      },
    }
  }
  const show = (step: Step): void => {
    report.steps.push(step)
    if (options.streamSteps) run.onStep?.(step, { ...names, model: request.model })
  }
  const runCall = async (
    step: number,
    call: ModelCall,
  ): Promise<{ call: ModelCall; result: LoopResult }> => {
    const { id, name: tool } = call
    const args = parseRecord(call.arguments)
    show({ step, id, tool, phase: 'call', arguments: args ?? call.arguments })
    const from = context.pool.now()
    const result = await callTool({ call, args, known: offered.map(({ name }) => name) })
    const ms = context.pool.now() - from
    show({
      step,
      id,
      tool,
      phase: 'result',
      text: result.text,
      ...(result.error ? { error: result.error } : {}),
      ms,
    })
    return { call, result }
  }
  const callTool = async ({
    call,
    args,
    known,
  }: {
    call: ModelCall
    args: Json | undefined
    known: string[]
  }) => {
    const { name } = call
    if (!known.includes(name)) {
      return failed(fail('TG_TOOL_UNKNOWN', name, nearestName(name, known)))
    }
    if (!args) return failed(fail('TG_BODY_INVALID', 'the arguments are not a JSON object'))
    try {
      return await tools.call(name, args, {
        signal,
        ...run.call.caller,
        requestId: run.call.requestId,
        deadlineMs: options.callDeadlineMs,
      })
    } catch (error) {
      if (signal.aborted) throw error
      return failed(run.call.why(error))
    }
  }
  /** The answer of a loop that ends here, with the sum of what it took. */
  const ending = (turn: Turn, clientCalls: ModelCall[], finish?: string): LoopAnswer => {
    const choices = turn.choices.map(choice => ({
      ...choice,
      calls: clientCalls,
      finish: finish ?? choice.finish,
    }))
    const toolgate = report
    run.call.note({ steps: report.steps.filter(({ phase }) => phase === 'result').length, calls })
    const close = (): void => turn.close({ usage, toolgate, ...(finish ? { finish } : {}) })
    return { turn: { ...turn, choices, usage, close }, toolgate }
  }

  return {
    async run(): Promise<LoopAnswer> {
      let last: Turn | undefined
      try {
        for (let step = 1; ; step += 1) {
          const turn = await runTurn(turnRequest(step), {
            ...context,
            signal,
            ...filter.around(context.emit),
          })
          last = turn
          usage = addUsage(usage, turn.usage)
          const [choice] = turn.choices
          const made = choice?.calls ?? []
          const ours = made.filter(({ name }) => isOurs(name))
          const clients = made.filter(({ name }) => !isOurs(name))
          report.messages.push(assistantMessage(choice?.content ?? '', made))
          if (ours.length === 0) return ending(turn, clients)
          const spent = tokensLeft(options, usage) === 0
          if (step > options.maxSteps || calls + ours.length > options.maxCalls || spent) {
            return ending(turn, [], 'length')
          }
          calls += ours.length
          const results = await Promise.all(ours.map(call => runCall(step, call)))
          const node = turn.node
          report.messages.push(
            ...(await withFiles(results, { node, tools, limits: run.llm.limits })),
          )
          if (clients.length > 0) return ending(turn, clients)
        }
      } catch (error) {
        if (!deadline.aborted || context.signal.aborted) throw error
        if (last) return ending(last, [], 'length')
        throw Object.assign(fail('TG_DEADLINE', 'the tool loop', options.deadlineMs), {
          cause: error,
        })
      }
    },
  }
}

const failed = ({ code, message, hint }: ReturnType<typeof fail>): LoopResult => ({
  text: `${code}: ${message}.${hint ? ` ${hint}` : ''}`,
  error: { code, message, ...(hint ? { hint } : {}) },
})

const messagesOf = ({ messages }: Json): Json[] =>
  typeof messages === 'string' ? [{ role: 'user', content: messages }] : recordsIn(messages)

const toolsOf = (offered: ReturnType<LoopTools['list']>): Json[] =>
  offered.map(({ name, description, input }) => ({
    type: 'function',
    function: { name, description, parameters: input },
  }))

const maxTokensOf = (body: Json): number => {
  const stated = body['max_completion_tokens'] ?? body['max_tokens']
  return typeof stated === 'number' ? stated : Infinity
}

const tokensLeft = ({ maxTokens }: LoopOptions, usage: Usage | undefined): number | undefined =>
  maxTokens === undefined ? undefined : Math.max(0, maxTokens - (usage?.completion_tokens ?? 0))

const assistantMessage = (content: string, calls: ModelCall[]): Json => ({
  role: 'assistant',
  content,
  ...(calls.length > 0
    ? {
        tool_calls: calls.map(({ id, name, arguments: text }) => ({
          id,
          type: 'function',
          function: { name, arguments: text },
        })),
      }
    : {}),
})

/** True for a request that wants the gateway to run tools. */
export const wantsLoop = (body: Json): boolean => isRecord(body['toolgate'])
