import type { ToolError } from '../../../registry/errors.ts'
import {
  cachedTokens,
  type Chunk,
  type ModelCall,
  newItemId,
  newMessageId,
  newResponseId,
  reasoningTokens,
  type TurnChoice,
  type Usage,
} from '../chat.ts'
import { type Json, recordsIn } from '../json.ts'
import type { LoopReport, Step } from '../loop.ts'
import { openAiProblem } from '../problem.ts'
import { namedEvent } from '../sse.ts'
import { responsesReport } from './loop-messages.ts'

const usageOf = (usage: Usage): Json => ({
  input_tokens: usage.prompt_tokens,
  input_tokens_details: { cached_tokens: cachedTokens(usage) ?? 0, cache_write_tokens: 0 },
  output_tokens: usage.completion_tokens,
  output_tokens_details: { reasoning_tokens: reasoningTokens(usage) ?? 0 },
  total_tokens: usage.total_tokens,
})

const reasoningItem = (id: string, text: string): Json => ({
  id,
  type: 'reasoning',
  summary: text ? [{ type: 'summary_text', text }] : [],
})
const textPart = (text: string): Json => ({
  type: 'output_text',
  text,
  annotations: [],
  logprobs: [],
})
type Status = 'in_progress' | 'completed' | 'incomplete'
const messageItem = (id: string, text: string, status: Status): Json => ({
  id,
  type: 'message',
  role: 'assistant',
  status,
  content: status === 'in_progress' ? [] : [textPart(text)],
})
const callItem = (
  id: string,
  { id: call, name, arguments: text }: ModelCall,
  status: Status,
): Json => ({
  id,
  type: 'function_call',
  call_id: call,
  name,
  arguments: text,
  status,
})

type Parts = { body: Json; model: string; createdAt: number }

/** The Response object around its output: what was asked is echoed, as OpenAI's does. */
function responseOf({ body, model, createdAt }: Parts, more: Json): Json {
  return {
    object: 'response',
    access_programs: null,
    created_at: createdAt,
    model,
    status: 'in_progress',
    background: false,
    error: null,
    incomplete_details: null,
    instructions: body['instructions'] ?? null,
    max_output_tokens: body['max_output_tokens'] ?? null,
    metadata: body['metadata'] ?? {},
    output: [],
    parallel_tool_calls: body['parallel_tool_calls'] ?? true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    service_tier: 'default',
    store: false,
    temperature: body['temperature'] ?? null,
    text: body['text'] ?? { format: { type: 'text' } },
    tool_choice: body['tool_choice'] ?? 'auto',
    tools: recordsIn(body['tools']).map(tool => ({ strict: null, parameters: null, ...tool })),
    top_p: body['top_p'] ?? null,
    truncation: 'disabled',
    ...(typeof body['user'] === 'string' ? { user: body['user'] } : {}),
    ...more,
  }
}

/** The last item of an answer that was cut is cut as well. */
const statusOf = (finish: string): Status => (finish === 'length' ? 'incomplete' : 'completed')

type Ending = { usage: Usage | undefined; toolgate?: LoopReport | undefined }

const ended = (finish: string, { usage, toolgate }: Ending): Json => ({
  status: statusOf(finish),
  incomplete_details: finish === 'length' ? { reason: 'max_output_tokens' } : null,
  ...(usage ? { usage: usageOf(usage) } : {}),
  ...(toolgate ? { toolgate: responsesReport(toolgate) } : {}),
})

/** A turn as one Response. */
export function wholeResponse(
  { content, reasoning, calls, finish }: TurnChoice,
  { usage, toolgate, ...parts }: Parts & Ending,
): Json {
  const output = [
    ...(reasoning && reasoning !== content ? [reasoningItem(newItemId('rs'), reasoning)] : []),
    ...(content || calls.length === 0
      ? [messageItem(newMessageId(), content, statusOf(finish))]
      : []),
    ...calls.map(call => callItem(newItemId('fc'), call, 'completed')),
  ]
  const id = newResponseId()
  return responseOf(parts, {
    id,
    output,
    output_text: content,
    ...ended(finish, { usage, toolgate }),
  })
}

type Item =
  | { kind: 'reasoning' | 'message'; id: string; index: number; text: string }
  | { kind: 'call'; id: string; index: number; call: ModelCall; from: number }

/** Writes chunks as the events of a Responses stream. */
export type ResponseEncoder = {
  start(): string
  chunk(chunk: Chunk): string
  step(step: Step): string
  end(finish: string, usage: Usage | undefined, toolgate?: LoopReport): string
  broken(problem: ToolError): string
}

/** Makes the encoder of one stream. */
export function createResponseEncoder(parts: Parts): ResponseEncoder {
  const id = newResponseId()
  const output: Json[] = []
  let item: Item | undefined
  let sequence = 0
  let started = false

  const event = (type: string, more: Json): string => {
    const numbered = { type, sequence_number: sequence, ...more }
    sequence += 1
    return namedEvent(type, numbered)
  }
  const at = ({ id: itemId, index }: Item): Json => ({ item_id: itemId, output_index: index })
  const snapshot = (more: Json = {}): Json => ({
    response: responseOf(parts, { id, output, ...more }),
  })
  const start = (): string => {
    if (started) return ''
    started = true
    return event('response.created', snapshot()) + event('response.in_progress', snapshot())
  }
  const close = (status: Status = 'completed'): string => {
    if (!item) return ''
    const done = item
    item = undefined
    const [said, whole] = closing(done, status)
    output.push(whole)
    return said + event('response.output_item.done', { output_index: done.index, item: whole })
  }
  const closing = (done: Item, status: Status): [string, Json] => {
    if (done.kind === 'call') {
      const { name, arguments: text } = done.call
      const said = event('response.function_call_arguments.done', {
        ...at(done),
        name,
        arguments: text,
      })
      return [said, callItem(done.id, done.call, status)]
    }
    if (done.kind === 'reasoning') {
      const where = { ...at(done), summary_index: 0 }
      const part = { type: 'summary_text', text: done.text }
      const said =
        event('response.reasoning_summary_text.done', { ...where, text: done.text }) +
        event('response.reasoning_summary_part.done', { ...where, part })
      return [said, reasoningItem(done.id, done.text)]
    }
    const where = { ...at(done), content_index: 0 }
    const said =
      event('response.output_text.done', { ...where, text: done.text, logprobs: [] }) +
      event('response.content_part.done', { ...where, part: textPart(done.text) })
    return [said, messageItem(done.id, done.text, status)]
  }
  const open = (next: Item, shown: Json): string => {
    const before = close()
    item = next
    return before + event('response.output_item.added', { output_index: next.index, item: shown })
  }
  const think = (text: string): string => {
    let out = ''
    if (item?.kind !== 'reasoning') {
      const next: Item = { kind: 'reasoning', id: newItemId('rs'), index: nextIndex(), text: '' }
      out = open(next, reasoningItem(next.id, ''))
      const part = { type: 'summary_text', text: '' }
      out += event('response.reasoning_summary_part.added', { ...at(next), summary_index: 0, part })
    }
    const current = item as Extract<Item, { text: string }>
    current.text += text
    return (
      out +
      event('response.reasoning_summary_text.delta', {
        ...at(current),
        summary_index: 0,
        delta: text,
      })
    )
  }
  const say = (text: string): string => {
    let out = ''
    if (item?.kind !== 'message') {
      const next: Item = { kind: 'message', id: newMessageId(), index: nextIndex(), text: '' }
      out = open(next, messageItem(next.id, '', 'in_progress'))
      out += event('response.content_part.added', {
        ...at(next),
        content_index: 0,
        part: textPart(''),
      })
    }
    const current = item as Extract<Item, { text: string }>
    current.text += text
    return (
      out +
      event('response.output_text.delta', {
        ...at(current),
        content_index: 0,
        delta: text,
        logprobs: [],
      })
    )
  }
  const nextIndex = (): number => output.length + (item ? 1 : 0)
  const call = (
    fragment: NonNullable<Chunk['choices'][number]['delta']['tool_calls']>[number],
  ): string => {
    let out = ''
    if (item?.kind !== 'call' || item.from !== fragment.index) {
      const made = { id: fragment.id ?? '', name: fragment.function.name ?? '', arguments: '' }
      const next: Item = {
        kind: 'call',
        id: newItemId('fc'),
        index: nextIndex(),
        call: made,
        from: fragment.index,
      }
      out = open(next, callItem(next.id, made, 'in_progress'))
    }
    const current = item as Extract<Item, { kind: 'call' }>
    const delta = fragment.function.arguments
    if (!delta) return out
    current.call.arguments += delta
    return out + event('response.function_call_arguments.delta', { ...at(current), delta })
  }
  return {
    start,
    chunk({ choices }) {
      let out = start()
      for (const { delta } of choices) {
        if (delta.reasoning_content) out += think(delta.reasoning_content)
        if (delta.content) out += say(delta.content)
        for (const fragment of delta.tool_calls ?? []) out += call(fragment)
      }
      return out
    },
    step: step => start() + event('toolgate.step', { toolgate: step }),
    end(finish, usage, toolgate) {
      // An answer without a word is still a message.
      const empty = output.length === 0 && !item ? start() + say('') : start()
      const before = empty + close(statusOf(finish))
      const last = ended(finish, { usage, toolgate })
      return (
        before +
        event(finish === 'length' ? 'response.incomplete' : 'response.completed', snapshot(last))
      )
    },
    broken(problem) {
      // Clients type a closed list of codes here.
      const code = problem.status === 429 ? 'rate_limit_exceeded' : 'server_error'
      const error = { code, message: openAiProblem(problem).error.message }
      return (
        start() +
        close('incomplete') +
        event('response.failed', snapshot({ status: 'failed', error }))
      )
    },
  }
}
