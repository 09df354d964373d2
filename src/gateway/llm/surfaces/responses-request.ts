import { isRecord, type Json, recordsIn, textOf } from '../json.ts'
import { refuse } from '../problem.ts'

/** What only a server that keeps conversations could do. */
const stateful = ['previous_response_id', 'conversation', 'background', 'prompt']

/** A Responses request as a chat request. Hosted tools are left out: no node has them. */
export function toChatBody(body: Json): Json {
  for (const name of stateful) {
    if (body[name] != null && body[name] !== false) {
      throw refuse(name, 'is not kept here: send the whole conversation in `input`')
    }
  }
  const { input, instructions, max_output_tokens: max, reasoning, text } = body
  const messages =
    typeof input === 'string' ? [{ role: 'user', content: input }] : inputMessages(input)
  if (messages.length === 0) throw refuse('input', 'is empty: send a string or a list of items')
  const passed = [
    'temperature',
    'top_p',
    'stream',
    'user',
    'parallel_tool_calls',
    'prompt_cache_key',
    'session_id',
    'toolgate',
  ]
  const format = isRecord(text) && isRecord(text['format']) ? formatOf(text['format']) : undefined
  return {
    model: body['model'],
    messages: [
      ...(typeof instructions === 'string' ? [{ role: 'system', content: instructions }] : []),
      ...messages,
    ],
    ...Object.fromEntries(
      passed.filter(name => body[name] != null).map(name => [name, body[name]]),
    ),
    ...(max == null ? {} : { max_tokens: max }),
    ...(isRecord(reasoning) && reasoning['effort'] != null
      ? { reasoning_effort: reasoning['effort'] }
      : {}),
    ...(format ? { response_format: format } : {}),
    ...toolsOf(body),
  }
}

function formatOf({ type, name, schema, strict }: Json): Json | undefined {
  if (type === 'json_object') return { type }
  return type === 'json_schema'
    ? { type, json_schema: { name, schema, strict: strict ?? false } }
    : undefined
}

function inputMessages(input: unknown): Json[] {
  if (!Array.isArray(input)) throw refuse('input', 'must be a string or a list of items')
  return recordsIn(input).reduce<Json[]>((messages, item) => {
    const { type = 'message', call_id: id, name, output } = item
    if (type === 'function_call') {
      const call = {
        id,
        type: 'function',
        function: { name, arguments: textOf(item['arguments']) ?? '{}' },
      }
      const before = messages.at(-1)
      // Calls of one turn are one message.
      if (before?.['role'] !== 'assistant')
        return [...messages, { role: 'assistant', content: '', tool_calls: [call] }]
      return [
        ...messages.slice(0, -1),
        { ...before, tool_calls: [...recordsIn(before['tool_calls']), call] },
      ]
    }
    if (type === 'function_call_output') {
      return [
        ...messages,
        { role: 'tool', tool_call_id: id, content: textOf(output) ?? JSON.stringify(output) },
      ]
    }
    return type === 'message'
      ? [...messages, { role: item['role'], content: contentOf(item['content']) }]
      : messages
  }, [])
}

function contentOf(content: unknown): unknown {
  if (typeof content === 'string') return content
  const parts = recordsIn(content).flatMap((part): Json[] => {
    if (part['type'] === 'input_image')
      return [{ type: 'image_url', image_url: { url: part['image_url'] } }]
    const text = textOf(part['text']) ?? textOf(part['refusal'])
    return text === undefined ? [] : [{ type: 'text', text }]
  })
  return parts.every(part => 'text' in part)
    ? parts.map(part => String(part['text'])).join('')
    : parts
}

function toolsOf({ tools, tool_choice: choice }: Json): Json {
  const functions = recordsIn(tools)
    .filter(({ type }) => type === 'function')
    .map(({ name, description, parameters }) => ({
      type: 'function',
      function: {
        name,
        ...(typeof description === 'string' ? { description } : {}),
        ...(isRecord(parameters) ? { parameters } : {}),
      },
    }))
  if (functions.length === 0) return {}
  const stated =
    isRecord(choice) && choice['type'] === 'function'
      ? { type: 'function', function: { name: choice['name'] } }
      : choice
  return { tools: functions, ...(stated == null ? {} : { tool_choice: stated }) }
}
