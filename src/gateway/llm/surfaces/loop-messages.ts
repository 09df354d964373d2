import { type PlainCall, plainCall } from '../families/family.ts'
import { type Json, isRecord, parseRecord, recordsIn, textOf } from '../json.ts'
import type { LoopReport } from '../loop.ts'

/** A report whose messages go into `messages` of Anthropic's API. */
export const anthropicReport = ({ steps, messages }: LoopReport): LoopReport => ({
  steps,
  messages: messages.map(anthropicMessage),
})

/** A report whose messages go into `input` of the Responses API. */
export const responsesReport = ({ steps, messages }: LoopReport): LoopReport => ({
  steps,
  messages: messages.flatMap(inputItems),
})

function anthropicMessage(message: Json): Json {
  const { role, content, tool_call_id: id } = message
  if (role === 'tool') {
    return { role: 'user', content: [{ type: 'tool_result', tool_use_id: id, content }] }
  }
  const calls = callsOf(message).map(({ id: call, name, arguments: text }) => ({
    type: 'tool_use',
    id: call,
    name,
    input: parseRecord(text) ?? {},
  }))
  if (typeof content !== 'string') return { role, content: recordsIn(content).map(anthropicPart) }
  if (calls.length === 0) return { role, content }
  return { role, content: [...(content ? [{ type: 'text', text: content }] : []), ...calls] }
}

function anthropicPart(part: Json): Json {
  const url = pictureOf(part)
  if (url === undefined) return part
  const [, type, data] = /^data:([^;,]+);base64,(.*)$/s.exec(url) ?? []
  const source =
    data === undefined ? { type: 'url', url } : { type: 'base64', media_type: type, data }
  return { type: 'image', source }
}

function inputItems(message: Json): Json[] {
  const { role, content, tool_call_id: id } = message
  if (role === 'tool') return [{ type: 'function_call_output', call_id: id, output: content }]
  const calls = callsOf(message).map(({ id: call, name, arguments: text }) => ({
    type: 'function_call',
    call_id: call,
    name,
    arguments: text,
  }))
  if (content === '' && calls.length > 0) return calls
  const said = typeof content === 'string' ? content : recordsIn(content).map(inputPart)
  return [{ type: 'message', role, content: said }, ...calls]
}

function inputPart(part: Json): Json {
  const url = pictureOf(part)
  return url === undefined
    ? { type: 'input_text', text: part['text'] }
    : { type: 'input_image', image_url: url, detail: 'auto' }
}

const pictureOf = ({ image_url: picture }: Json): string | undefined =>
  isRecord(picture) ? textOf(picture['url']) : undefined

const callsOf = (message: Json): (PlainCall & { id: unknown })[] =>
  recordsIn(message['tool_calls']).map(call => ({ id: call['id'], ...plainCall(call) }))
