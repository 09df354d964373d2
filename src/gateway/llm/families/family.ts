import type { ToolOffer, ToolSpec } from '../chat.ts'
import { isRecord, type Json, parseJson, recordsIn, textOf } from '../json.ts'
import type { TextParser } from '../mend/choice.ts'

/** How one family of models is offered tools in text, and how it writes its calls. */
export type Family = {
  /** Its marks are special tokens: the node must not leave them out of its answer. */
  keepsSpecialTokens: boolean
  /** The conversation with tools, calls and results written into its text. */
  render(messages: readonly Json[], offer: ToolOffer): Json[]
  createParser(offer: ToolOffer): TextParser
}

/** A call as it stands in a history or in text. */
export type PlainCall = { name: string; arguments: string }
/** An assistant's turn with calls, and what became of them. */
export type Exchange = { content: string; calls: (PlainCall & { result: string })[] }

/** The text of a message's content, its pictures left out. */
export const contentText = (content: unknown): string =>
  typeof content === 'string'
    ? content
    : recordsIn(content)
        .map(({ text }) => textOf(text) ?? '')
        .join('')

/**
 * A text from outside in a prompt whose marks are special tokens: `<|` is broken up, so that a web
 * page a tool has read cannot end its turn and begin one as the user.
 */
export const plain = (text: string): string => text.replaceAll('<|', '<\u200b|')

/** Adds to the system message, or makes one. */
export function withSystem(messages: readonly Json[], more: string): Json[] {
  const [first, ...rest] = messages
  if (first?.['role'] !== 'system') return [{ role: 'system', content: more }, ...messages]
  const before = contentText(first['content'])
  return [{ ...first, content: before ? `${before}\n\n${more}` : more }, ...rest]
}

/**
 * Walks a history: turns that called tools are written by `write`, with their results; a result
 * that answers no call is kept as a user's message.
 */
export function rewriteCalls(
  messages: readonly Json[],
  write: (exchange: Exchange) => Json[],
): Json[] {
  const used = new Set<Json>()
  return messages.flatMap((message, index) => {
    const calls = recordsIn(message['tool_calls'])
    if (calls.length > 0) {
      const results = resultsAfter(messages, index)
      return write({
        content: contentText(message['content']),
        calls: calls.map(call => {
          const answer = results.find(
            result => !used.has(result) && result['tool_call_id'] === call['id'],
          )
          if (answer) used.add(answer)
          return { ...plainCall(call), result: contentText(answer?.['content']) }
        }),
      })
    }
    if (message['role'] !== 'tool') return [message]
    return used.has(message) ? [] : [{ role: 'user', content: contentText(message['content']) }]
  })
}

/** Up to the next turn: some clients use the ids of one turn again in another. */
function resultsAfter(messages: readonly Json[], index: number): Json[] {
  const next = messages.findIndex(({ role }, at) => at > index && role === 'assistant')
  return messages.slice(index, next === -1 ? undefined : next).filter(({ role }) => role === 'tool')
}

/**
 * Calls and their results as turns inside the user's: from 0.5 on a template takes an assistant's
 * message at the end for the beginning of the answer, and the model would go on with the result.
 */
export function callsWithinUser(
  messages: readonly Json[],
  write: (exchange: Exchange) => string,
): Json[] {
  const told: Json[] = []
  for (const message of rewriteCalls(messages, one => [{ role: 'calls', content: write(one) }])) {
    const before = told.at(-1)
    if (message['role'] !== 'calls') told.push(message)
    else if (before?.['role'] !== 'user') told.push({ ...message, role: 'user' })
    else told.splice(-1, 1, { ...before, content: withText(before['content'], message['content']) })
  }
  return told
}

const withText = (content: unknown, text: unknown): unknown =>
  Array.isArray(content)
    ? [...(content as unknown[]), { type: 'text', text }]
    : `${contentText(content)}${String(text)}`

/** A call as OpenAI writes it, without what is around it. */
export function plainCall(call: Json): PlainCall {
  const body = isRecord(call['function']) ? call['function'] : {}
  return { name: textOf(body['name']) ?? '', arguments: textOf(body['arguments']) || '{}' }
}

/** A tool as models of every family have seen it described. */
export const describe = ({ name, description, parameters }: ToolSpec): Json => ({
  name,
  description: description ?? '',
  parameters: parameters ?? { type: 'object', properties: {} },
})

/** What the choice asks of the model, in words; empty when it is free. */
export function demand({ tools, choice, parallel }: ToolOffer): string {
  const said: string[] = []
  if (choice === 'required') said.push('You must call one of these tools now.')
  if (typeof choice === 'object') said.push(`You must call the tool ${choice.name} now.`)
  if (!parallel && tools.length > 0) said.push('Call one tool at a time.')
  return said.join(' ')
}

/** Reads `{"name", "parameters" | "arguments"}` as models write it, fenced or encoded twice. */
export function readCall(text: string): PlainCall | undefined {
  const bare = text.trim().replace(/^```(?:json)?\s*|\s*```$/g, '')
  const json = parseJson(bare)
  if (!isRecord(json)) return undefined
  const name = textOf(json['name'])
  if (!name) return undefined
  const given = json['arguments'] ?? json['parameters'] ?? json['args'] ?? {}
  return { name, arguments: typeof given === 'string' ? given : JSON.stringify(given) }
}
