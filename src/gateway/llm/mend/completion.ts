import type { TurnChoice, Usage } from '../chat.ts'
import { isRecord, type Json, numberOf, recordsIn } from '../json.ts'
import type { Mender } from './chunk.ts'

/**
 * Reads a whole answer as if it had been streamed in one chunk: the same rules mend both, and a
 * node that answers a stream with JSON (0.5.1 to 0.7.1 with tools) needs no case of its own.
 */
export function pushCompletion(mender: Mender, completion: Json): void {
  mender.count(completion['usage'])
  for (const choice of recordsIn(completion['choices'])) {
    const message = isRecord(choice['message']) ? choice['message'] : {}
    const { message: _message, ...rest } = choice
    mender.pushChoice(numberOf(choice['index']) ?? 0, { ...rest, delta: withIndexes(message) })
  }
}

/** Calls of a whole message have no index. */
function withIndexes(message: Json): Json {
  const calls = message['tool_calls']
  if (!Array.isArray(calls) || calls.length === 0) return message
  return { ...message, tool_calls: recordsIn(calls).map((call, index) => ({ ...call, index })) }
}

/** Members of a node's answer that OpenAI's object has too, or that the client asked for. */
function extras(answer: Json): Json {
  const kept: Json = {}
  for (const name in answer) {
    if (answer[name] !== null && !own.has(name)) kept[name] = answer[name]
  }
  return kept
}
const own = new Set(['choices', 'usage', 'object', 'id', 'created', 'model'])

type Whole = {
  answer: Json
  id: string
  created: number
  model: string
  choices: TurnChoice[]
  usage: Usage | undefined
}

/** A turn as one OpenAI completion object. */
export function completionOf({ answer, id, created, model, choices, usage }: Whole): Json {
  return {
    ...extras(answer),
    id,
    object: 'chat.completion',
    created,
    model,
    choices: choices.map(({ index, content, reasoning, calls, finish, rest }) => ({
      ...withoutNulls(rest),
      index,
      message: {
        role: 'assistant',
        content: content || (calls.length > 0 ? null : ''),
        refusal: null,
        ...(reasoning && reasoning !== content ? { reasoning_content: reasoning } : {}),
        ...(calls.length > 0
          ? {
              tool_calls: calls.map(call => ({
                id: call.id,
                type: 'function',
                function: { name: call.name, arguments: call.arguments },
              })),
            }
          : {}),
      },
      logprobs: rest['logprobs'] ?? null,
      finish_reason: finish,
    })),
    ...(usage ? { usage } : {}),
  }
}

function withoutNulls(rest: Json): Json {
  const kept: Json = {}
  for (const name in rest) if (rest[name] !== null) kept[name] = rest[name]
  return kept
}
