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
  const results = new Map<unknown, string>()
  for (const message of messages) {
    if (message['role'] === 'tool') {
      results.set(message['tool_call_id'], contentText(message['content']))
    }
  }
  const used = new Set<unknown>()
  return messages.flatMap(message => {
    const calls = recordsIn(message['tool_calls'])
    if (calls.length > 0) {
      return write({
        content: contentText(message['content']),
        calls: calls.map(call => {
          used.add(call['id'])
          return { ...plainCall(call), result: results.get(call['id']) ?? '' }
        }),
      })
    }
    if (message['role'] !== 'tool') return [message]
    if (used.has(message['tool_call_id'])) return []
    return [{ role: 'user', content: contentText(message['content']) }]
  })
}

function plainCall(call: Json): PlainCall {
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
