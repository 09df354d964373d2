import { type Llm, type LlmCall, servedModel } from '../call.ts'
import { editMembers, isRecord, type Json, type Patch } from '../json.ts'
import type { LlmLimits } from '../limits.ts'
import { wantsLoop } from '../loop.ts'
import { completionOf } from '../mend/completion.ts'
import { openAiProblem } from '../problem.ts'
import { dataEvent, doneEvent } from '../sse.ts'
import type { TurnRequest } from '../turn-request.ts'
import { modelOf, offerOf, validateChat } from '../validate.ts'
import { answerTurn } from './answer.ts'
import { copy } from './copy.ts'

/** `POST /v1/chat/completions`. */
export async function chat(llm: Llm, call: LlmCall): Promise<unknown> {
  const { json } = call.body
  const model = modelOf(json)
  if (!call.raw) validateChat(json, llm.limits)
  const served = await servedModel(llm, call, model)
  if (call.raw || llm.pool.peek(served)?.spec.raw) {
    return copy(llm, call, { path: '/v1/chat/completions', served })
  }
  if ('image_data' in json) await llm.media.guard({ image_data: json['image_data'] })
  const messages = await llm.media.check(json['messages'], call.signal)
  return answerTurn(llm, call, {
    request: chatRequest(call, { model, served, messages, limits: llm.limits }),
    passesEvents: true,
    chunk: dataEvent,
    /** A valid chunk that says nothing, with the step beside it. */
    step: (step, names) =>
      dataEvent({
        ...names,
        object: 'chat.completion.chunk',
        choices: [{ index: 0, delta: {}, finish_reason: null }],
        toolgate: step,
      }),
    end: () => doneEvent,
    broken: problem => dataEvent(openAiProblem(problem)) + doneEvent,
    whole(turn, toolgate) {
      const completion = completionOf(turn)
      return toolgate ? { ...completion, toolgate } : completion
    },
  })
}

type Checked = {
  model: string
  served: string
  /** With the media that were put in; absent where nothing changed. */
  messages: readonly Json[] | undefined
  limits: LlmLimits
}

function chatRequest(call: LlmCall, checked: Checked): TurnRequest {
  const { json, bytes } = call.body
  const { messages, limits, ...names } = checked
  const patch: Patch = { ...legacyFunctions(json), ...(messages ? { messages } : {}) }
  const changed = Object.keys(patch).length > 0
  const body = changed ? { ...json, ...patch } : json
  const options = json['stream_options']
  return {
    ...names,
    body,
    bytes: changed ? Buffer.from(editMembers(bytes.toString(), patch)) : bytes,
    stream: json['stream'] === true,
    includeUsage: isRecord(options) && options['include_usage'] === true,
    offer: offerOf(body, limits),
    splitsThoughts: wantsLoop(json),
  }
}

/** The `functions` of 2023, which Dify still sends, are tools by another name. */
function legacyFunctions(json: Json): Patch {
  const { functions, function_call: choice } = json
  if (!Array.isArray(functions) || json['tools'] != null) return {}
  return {
    functions: undefined,
    function_call: undefined,
    tools: functions.map((one: unknown) => ({ type: 'function', function: one })),
    ...(choice == null
      ? {}
      : { tool_choice: isRecord(choice) ? { type: 'function', function: choice } : choice }),
  }
}
