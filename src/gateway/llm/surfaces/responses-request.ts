import { contentText } from '../families/family.ts'
import { isCount, isRecord, type Json, recordsIn, textOf } from '../json.ts'
import { refuse } from '../problem.ts'

/** What only a server that keeps conversations could do. */
const stateful: Record<string, string> = {
  previous_response_id: 'is not kept here: send the whole conversation in `input`',
  conversation: 'is not kept here: send the whole conversation in `input`',
  background: 'must be false: answers are not kept here',
  prompt: 'is not kept here: send its text in `instructions`',
}

/** A Responses request as a chat request. Hosted tools are left out: no node has them. */
export function toChatBody(body: Json): Json {
  for (const [name, why] of Object.entries(stateful)) {
    if (body[name] != null && body[name] !== false) throw refuse(name, why)
  }
  const { input, instructions, max_output_tokens: max, reasoning, text } = body
  const messages =
    typeof input === 'string' ? [{ role: 'user', content: input }] : inputMessages(input)
  if (messages.length === 0) throw refuse('input', 'is empty: send a string or a list of items')
  if (max != null && !isCount(max)) {
    throw refuse('max_output_tokens', 'must be a whole number of at least 1')
  }
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
  const messages: Json[] = []
  /** Of the results before: a tool's message has text alone, and results stand together. */
  let pictures: Json[] = []
  const showPictures = (): void => {
    if (pictures.length > 0) messages.push({ role: 'user', content: pictures })
    pictures = []
  }
  for (const [index, item] of (input as unknown[]).entries()) {
    const where = `input[${index}]`
    if (!isRecord(item)) throw refuse(where, 'must be an object')
    const { type = 'message', call_id: id, name, output } = item
    if (type === 'function_call_output') {
      const said = Array.isArray(output) ? contentOf(output, `${where}.output`) : output
      const parts = recordsIn(said)
      pictures.push(...parts.filter(part => part['type'] === 'image_url'))
      const content = Array.isArray(said) ? contentText(parts) : textOf(said)
      messages.push({ role: 'tool', tool_call_id: id, content: content ?? JSON.stringify(output) })
      continue
    }
    showPictures()
    if (type === 'function_call') {
      const call = {
        id,
        type: 'function',
        function: { name, arguments: textOf(item['arguments']) ?? '{}' },
      }
      const before = messages.at(-1)
      // Calls of one turn are one message.
      if (before?.['role'] === 'assistant') {
        const calls = [...recordsIn(before['tool_calls']), call]
        messages.splice(-1, 1, { ...before, tool_calls: calls })
      } else messages.push({ role: 'assistant', content: '', tool_calls: [call] })
    } else if (type === 'message') {
      const content = contentOf(item['content'], `${where}.content`)
      messages.push({ role: item['role'], content })
    } else if (!isPast(type)) {
      throw refuse(`${where}.type`, 'must be message, function_call or function_call_output')
    }
  }
  showPictures()
  return messages
}

/** Thoughts and calls of hosted tools in a history: templates drop them too. */
const isPast = (type: unknown): boolean =>
  typeof type === 'string' && /^reasoning$|_call(?:_output)?$/.test(type)

function contentOf(content: unknown, where: string): unknown {
  if (typeof content === 'string') return content
  const parts = recordsIn(content).map((part, index): Json => {
    const { type, image_url: url } = part
    if (type === 'input_image') {
      if (typeof url === 'string') return { type: 'image_url', image_url: { url } }
      throw refuse(`${where}[${index}].image_url`, 'is missing: files are not kept here')
    }
    const text = textOf(part['text']) ?? textOf(part['refusal'])
    if (text !== undefined) return { type: 'text', text }
    throw refuse(`${where}[${index}].type`, 'must be input_text or input_image')
  })
  return parts.every(part => 'text' in part)
    ? parts.map(part => String(part['text'])).join('')
    : parts
}

function toolsOf({ tools, tool_choice: choice, toolgate }: Json): Json {
  if (tools != null && !Array.isArray(tools)) throw refuse('tools', 'must be a list')
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
  if (functions.length === 0 && !isRecord(toolgate)) {
    if (choice === 'required' || (isRecord(choice) && choice['type'] === 'function'))
      throw refuse('tool_choice', 'needs functions in tools: send the list, or leave it out')
    return {}
  }
  const stated =
    isRecord(choice) && choice['type'] === 'function'
      ? { type: 'function', function: { name: choice['name'] } }
      : choice
  return {
    ...(functions.length > 0 ? { tools: functions } : {}),
    ...(stated == null ? {} : { tool_choice: stated }),
  }
}
