import { randomUUID } from 'node:crypto'
import { isRecord, type Json, numberOf, textOf } from './json.ts'

/** A function a model may call, whichever API it was stated in. */
export type ToolSpec = { name: string; description?: string; parameters?: Json; strict?: boolean }
/** Which tools a request offers, and how freely the model may use them. */
export type ToolOffer = {
  tools: readonly ToolSpec[]
  choice: 'auto' | 'none' | 'required' | { name: string }
  /** False: one call a turn. */
  parallel: boolean
}

/** The name of a function, in a tool or in a call: OpenAI writes both alike. */
export const functionName = (one: Json): string | undefined =>
  isRecord(one['function']) ? textOf(one['function']['name']) : undefined

/** A call a model made. `arguments` is JSON text. */
export type ModelCall = { id: string; name: string; arguments: string }

/** A fragment of a call in a stream. */
export type CallDelta = {
  index: number
  id?: string
  type?: 'function'
  function: { name?: string; arguments?: string }
}
/** What a chunk adds to one choice. */
export type Delta = Json & {
  role?: 'assistant'
  content?: string | null
  reasoning_content?: string
  tool_calls?: CallDelta[]
}
/** One choice in a chunk: what it adds, and why it ended where it did. */
export type ChunkChoice = Json & { index: number; delta: Delta; finish_reason: string | null }
/** One event of an OpenAI chat stream, mended. */
export type Chunk = Json & {
  id: string
  object: 'chat.completion.chunk'
  created: number
  model: string
  choices: ChunkChoice[]
  usage?: Usage | null
}
/** The tokens an answer took, as OpenAI counts them. */
export type Usage = Json & {
  prompt_tokens: number
  completion_tokens: number
  total_tokens: number
}

/** One choice of a turn, put together. */
export type TurnChoice = {
  index: number
  content: string
  reasoning: string
  calls: ModelCall[]
  finish: string
  /** Members of the choice that only this server has. */
  rest: Json
}

/** The reasons OpenAI's clients know. */
const finishes = new Set(['stop', 'length', 'tool_calls', 'content_filter', 'function_call'])
/** LMDeploy's own: an aborted answer is a cut one, `parse_error` left its text as it was. */
const ownFinishes: Record<string, string> = { abort: 'length', parse_error: 'stop' }

/** A finish reason as OpenAI's clients know it; `error` is none, and stays for the caller to see. */
export function mendFinish(reason: unknown): string | undefined {
  if (typeof reason !== 'string') return undefined
  if (finishes.has(reason) || reason === 'error') return reason
  return ownFinishes[reason] ?? 'stop'
}

/** A usage object with its three numbers; undefined where a server sent none. */
export function mendUsage(usage: unknown): Usage | undefined {
  if (!isRecord(usage) || typeof usage['prompt_tokens'] !== 'number') return undefined
  const prompt = usage['prompt_tokens']
  const completion = typeof usage['completion_tokens'] === 'number' ? usage['completion_tokens'] : 0
  const { prompt_tokens_details: prompted, completion_tokens_details: completed, ...rest } = usage
  return {
    ...rest,
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    ...(isRecord(prompted) ? { prompt_tokens_details: prompted } : {}),
    ...(isRecord(completed) ? { completion_tokens_details: completed } : {}),
  }
}

const detail = (usage: Usage | undefined, group: string, name: string): number | undefined => {
  const details = usage?.[group]
  return isRecord(details) ? numberOf(details[name]) : undefined
}
/** How many of a prompt's tokens a node had in its cache, where it says so. */
export const cachedTokens = (usage: Usage | undefined): number | undefined =>
  detail(usage, 'prompt_tokens_details', 'cached_tokens')
/** How many of an answer's tokens were thoughts, where the node says so. */
export const reasoningTokens = (usage: Usage | undefined): number | undefined =>
  detail(usage, 'completion_tokens_details', 'reasoning_tokens')

/** The sum of two usages. */
export const addUsage = (one: Usage | undefined, two: Usage | undefined): Usage | undefined =>
  !one || !two
    ? (one ?? two)
    : {
        prompt_tokens: one.prompt_tokens + two.prompt_tokens,
        completion_tokens: one.completion_tokens + two.completion_tokens,
        total_tokens: one.total_tokens + two.total_tokens,
      }

function unique(prefix: string): string {
  const id = randomUUID()
  return prefix + id.slice(0, 8) + id.slice(9, 13) + id.slice(24)
}
/** Ids of our own: a node's may be `-1`, a small number used again, or change within one call. */
export const newChatId = (): string => unique('chatcmpl-')
/** The id of an answer of `/v1/completions`. */
export const newCompletionId = (): string => unique('cmpl-')
/** The id of a call, unique in every conversation. */
export const newCallId = (): string => unique('call_')
/** The id of a message, as Anthropic and the Responses API write it. */
export const newMessageId = (): string => unique('msg_')
/** The id of a Response. */
export const newResponseId = (): string => unique('resp_')
/** The id of an item in a Response: a call, or a thought. */
export const newItemId = (kind: 'fc' | 'rs'): string => unique(`${kind}_`)
