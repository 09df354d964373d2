import { cachedTokens, type Chunk, newMessageId, type TurnChoice, type Usage } from '../chat.ts'
import { type Json, parseRecord } from '../json.ts'
import type { LoopReport, Step } from '../loop.ts'
import { namedEvent } from '../sse.ts'
import { anthropicReport } from './loop-messages.ts'

const stopReasons: Record<string, string> = {
  stop: 'end_turn',
  length: 'max_tokens',
  tool_calls: 'tool_use',
  content_filter: 'refusal',
}
const stopReason = (finish: string): string => stopReasons[finish] ?? 'end_turn'
/** What a node has no word for is null, as the SDKs type it: a strict one wants every member. */
const countOf = (usage: Usage | undefined): Json => ({
  input_tokens: usage?.prompt_tokens ?? 0,
  output_tokens: usage?.completion_tokens ?? 0,
  cache_creation_input_tokens: null,
  cache_read_input_tokens: cachedTokens(usage) ?? null,
  output_tokens_details: null,
  server_tool_use: null,
})
const usageOf = (usage: Usage | undefined): Json => ({
  ...countOf(usage),
  cache_creation: null,
  inference_geo: null,
  service_tier: null,
  speed: null,
})
const unsaid = { container: null, stop_details: null }
const textBlock = (text: string): Json => ({ type: 'text', text, citations: null })
const toolBlock = (id: string, name: string, input: Json): Json => ({
  type: 'tool_use',
  id,
  name,
  input,
  caller: { type: 'direct' },
})

/** Thoughts carry a signature there; ours says where they came from. */
const signature = 'toolgate'

/** A turn as one Anthropic message. */
export function messageOf(
  { content, reasoning, calls, finish }: TurnChoice,
  {
    model,
    usage,
    toolgate,
  }: { model: string; usage: Usage | undefined; toolgate?: LoopReport | undefined },
): Json {
  return {
    id: newMessageId(),
    type: 'message',
    role: 'assistant',
    model,
    content: [
      ...(reasoning && reasoning !== content
        ? [{ type: 'thinking', thinking: reasoning, signature }]
        : []),
      ...(content ? [textBlock(content)] : []),
      ...calls.map(call => toolBlock(call.id, call.name, parseRecord(call.arguments) ?? {})),
    ],
    stop_reason: stopReason(finish),
    stop_sequence: null,
    ...unsaid,
    diagnostics: null,
    usage: usageOf(usage),
    ...(toolgate ? { toolgate: anthropicReport(toolgate) } : {}),
  }
}

/** Writes chunks as the events of an Anthropic stream. */
export type MessageEncoder = {
  start(): string
  chunk(chunk: Chunk): string
  step(step: Step): string
  end(finish: string, usage: Usage | undefined, toolgate?: LoopReport): string
}

/** Makes the encoder of one stream. */
export function createMessageEncoder(model: string): MessageEncoder {
  let index = -1
  let open: 'text' | 'thinking' | number | undefined
  let started = false

  const event = (type: string, more: Json): string => namedEvent(type, { type, ...more })
  const close = (): string => {
    if (open === undefined) return ''
    const signed =
      open === 'thinking'
        ? event('content_block_delta', { index, delta: { type: 'signature_delta', signature } })
        : ''
    open = undefined
    return signed + event('content_block_stop', { index })
  }
  const begin = (kind: 'text' | 'thinking' | number, block: Json): string => {
    const before = close()
    open = kind
    index += 1
    return before + event('content_block_start', { index, content_block: block })
  }
  const delta = (more: Json): string => event('content_block_delta', { index, delta: more })
  const start = (): string => {
    if (started) return ''
    started = true
    const message = {
      id: newMessageId(),
      type: 'message',
      role: 'assistant',
      model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      ...unsaid,
      diagnostics: null,
      usage: usageOf(undefined),
    }
    return event('message_start', { message }) + event('ping', {})
  }
  return {
    start,
    chunk({ choices }) {
      let out = start()
      for (const { delta: said } of choices) {
        if (said.reasoning_content) {
          if (open !== 'thinking')
            out += begin('thinking', { type: 'thinking', thinking: '', signature: '' })
          out += delta({ type: 'thinking_delta', thinking: said.reasoning_content })
        }
        if (said.content) {
          if (open !== 'text') out += begin('text', textBlock(''))
          out += delta({ type: 'text_delta', text: said.content })
        }
        for (const call of said.tool_calls ?? []) {
          if (open !== call.index) {
            out += begin(call.index, toolBlock(call.id ?? '', call.function.name ?? '', {}))
          }
          if (call.function.arguments) {
            out += delta({ type: 'input_json_delta', partial_json: call.function.arguments })
          }
        }
      }
      return out
    },
    step: step => start() + event('ping', { toolgate: step }),
    end: (finish, usage, toolgate) =>
      start() +
      close() +
      event('message_delta', {
        delta: { stop_reason: stopReason(finish), stop_sequence: null, ...unsaid },
        usage: countOf(usage),
        ...(toolgate ? { toolgate: anthropicReport(toolgate) } : {}),
      }) +
      event('message_stop', {}),
  }
}
