import { mendFinish, mendUsage, newCompletionId, type Usage } from '../chat.ts'
import { isRecord, type Json, numberOf, parseRecord, recordsIn } from '../json.ts'
import { type NodeProblem, nodeProblem, saysError } from '../problem.ts'
import { dataEvent } from '../sse.ts'

/** Mends the objects of one answer of `/v1/completions`. */
export type TextMender = {
  /** An answer that came whole. */
  whole(answer: Json): Json
  /** An event of a stream, as it is to be sent: empty where it says nothing. */
  event(data: string): string
  /** The usage that was asked for and that the stream has not told. */
  lastUsage(usage: Usage): string
  /** True where `lastUsage` is still owed. */
  owesUsage(): boolean
  usage(): Usage | undefined
  /** The error the node sent in its stream. */
  problem(): NodeProblem | undefined
  /** All text of a stream. */
  said(): string
}

type Options = {
  /** As the client named it. */
  model: string
  created: number
  /** How many answers there are. */
  count: number
}

/** Makes the mender of the answer to this request. */
export function createTextMender(request: Json, { model, created, count }: Options): TextMender {
  const id = newCompletionId()
  const options = request['stream_options']
  const wantsUsage = isRecord(options) && options['include_usage'] === true
  const ended = new Set<number>()
  let usage: Usage | undefined
  let usageSent = false
  let problem: NodeProblem | undefined
  let text = ''

  const choicesOf = (json: Json): Json[] =>
    recordsIn(json['choices']).map(choice => ({
      ...choice,
      index: numberOf(choice['index']) ?? 0,
      text: typeof choice['text'] === 'string' ? choice['text'] : '',
      logprobs: choice['logprobs'] ?? null,
      finish_reason: mendFinish(choice['finish_reason']) ?? null,
    }))
  /** In a stream the answers to all prompts come one after another, each under the index 0. */
  const streamed = (choice: Json): Json[] => {
    let index = numberOf(choice['index']) ?? 0
    if (index === 0) while (ended.has(index)) index += 1
    if (index >= count || ended.has(index)) return []
    if (choice['finish_reason'] !== null) ended.add(index)
    text += String(choice['text'])
    return [{ ...choice, index }]
  }
  const object = (json: Json, choices: Json[]): Json => ({
    ...json,
    id,
    object: 'text_completion',
    created,
    model,
    choices,
  })
  const mender: TextMender = {
    usage: () => usage,
    problem: () => problem,
    said: () => text,
    owesUsage: () => wantsUsage && !usageSent,
    lastUsage(counted) {
      usageSent = true
      return dataEvent({ ...object({}, []), usage: counted })
    },
    whole(answer) {
      const { usage: counted, ...rest } = answer
      const whole = object(rest, choicesOf(answer))
      usage = mendUsage(counted)
      return usage ? { ...whole, usage } : whole
    },
    event(data) {
      const json = parseRecord(data)
      if (!json) return ''
      if (saysError(json)) {
        problem ??= nodeProblem(200, data)
        return ''
      }
      const { usage: counted, ...rest } = json
      usage = mendUsage(counted) ?? usage
      const choices = choicesOf(json).flatMap(streamed)
      if (choices.length === 0) return ''
      return dataEvent({ ...object(rest, choices), ...(wantsUsage ? { usage: null } : {}) })
    },
  }
  return mender
}
