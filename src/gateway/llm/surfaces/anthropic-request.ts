import { isCount, isRecord, type Json, recordsIn, textOf } from '../json.ts'
import { refuse } from '../problem.ts'

/** An Anthropic request as a chat request. What has no counterpart (metadata, betas) is left out. */
export function toChatBody(body: Json): Json {
  const { messages, max_tokens: max, system, stop_sequences: stops, thinking } = body
  if (!Array.isArray(messages) || messages.length === 0) {
    throw refuse('messages', 'must be a list of at least one message')
  }
  if (!isCount(max)) {
    const what = max === undefined ? 'is missing: it ' : ''
    throw refuse('max_tokens', `${what}must be a whole number of at least 1`)
  }
  if (system != null && typeof system !== 'string' && !Array.isArray(system)) {
    throw refuse('system', 'must be a string or a list of text blocks')
  }
  if (stops != null && !Array.isArray(stops)) throw refuse('stop_sequences', 'must be a list')
  const systemText =
    textOf(system) ??
    recordsIn(system)
      .map(({ text }) => textOf(text) ?? '')
      .join('\n')
  const passed = ['temperature', 'top_p', 'top_k', 'stream', 'session_id', 'toolgate'].filter(
    name => name in body,
  )
  return {
    model: body['model'],
    max_tokens: max,
    messages: [
      ...(systemText ? [{ role: 'system', content: systemText }] : []),
      ...messages.flatMap((message: unknown, index: number) => toChatMessages(message, index)),
    ],
    ...Object.fromEntries(passed.map(name => [name, body[name]])),
    ...(Array.isArray(stops) && stops.length > 0 ? { stop: stops } : {}),
    ...(isRecord(thinking)
      ? { chat_template_kwargs: { enable_thinking: thinking['type'] !== 'disabled' } }
      : {}),
    ...toolsOf(body),
  }
}

function toChatMessages(message: unknown, index: number): Json[] {
  const where = `messages.${index}`
  if (!isRecord(message)) throw refuse(where, 'must be an object {role, content}')
  const { role, content } = message
  if (role !== 'user' && role !== 'assistant' && role !== 'system') {
    throw refuse(`${where}.role`, 'must be user or assistant')
  }
  if (typeof content === 'string') return [{ role, content }]
  if (!Array.isArray(content))
    throw refuse(`${where}.content`, 'must be a string or a list of blocks')
  const blocks = recordsIn(content)
  if (role === 'assistant') return [assistantMessage(blocks)]
  blocks.forEach((block, at) => refuseUnread(block, `${where}.content.${at}`))
  return userMessages(blocks, role)
}

/** What would be left out: a model that never saw it would answer all the same. */
function refuseUnread({ type, source, content }: Json, where: string): void {
  if (type === 'document' && isRecord(source) && source['type'] === 'text') return
  if (type === 'image') {
    const kind = isRecord(source) ? source['type'] : undefined
    if (kind === 'base64' || kind === 'url') return
    throw refuse(`${where}.source.type`, 'must be base64 or url')
  }
  if (type === 'tool_result') {
    return recordsIn(content).forEach((one, at) => refuseUnread(one, `${where}.content.${at}`))
  }
  if (type === 'text') return
  throw refuse(`${where}.type`, 'must be text, image or tool_result: no node reads another')
}

/** Thoughts of earlier turns are not told again: templates drop them too. */
function assistantMessage(blocks: Json[]): Json {
  const calls = blocks.filter(({ type }) => type === 'tool_use')
  return {
    role: 'assistant',
    content: blocks.map(({ type, text }) => (type === 'text' ? (textOf(text) ?? '') : '')).join(''),
    ...(calls.length > 0
      ? {
          tool_calls: calls.map(({ id, name, input }) => ({
            id,
            type: 'function',
            function: { name, arguments: JSON.stringify(input ?? {}) },
          })),
        }
      : {}),
  }
}

function userMessages(blocks: Json[], role: string): Json[] {
  const results = blocks.filter(({ type }) => type === 'tool_result')
  const parts = [
    ...results.flatMap(({ content }) => recordsIn(content).flatMap(imagePart)),
    ...blocks.flatMap(block => {
      const text = textIn(block)
      return text === undefined ? imagePart(block) : [{ type: 'text', text }]
    }),
  ]
  const onlyText = parts.every(({ type }) => type === 'text')
  const content = onlyText ? parts.map(part => ('text' in part ? part.text : '')).join('\n') : parts
  return [
    ...results.map(({ tool_use_id: id, content: said, is_error: failed }) => ({
      role: 'tool',
      tool_call_id: id,
      content: (failed === true ? 'Error: ' : '') + blockText(said),
    })),
    ...(parts.length > 0 ? [{ role, content }] : []),
  ]
}

const blockText = (content: unknown): string =>
  textOf(content) ??
  recordsIn(content)
    .map(block => textIn(block) ?? '')
    .join('\n')

/** What a block of text or a document in text says. */
function textIn({ type, text, source }: Json): string | undefined {
  if (type === 'document') return isRecord(source) ? (textOf(source['data']) ?? '') : ''
  return type === 'text' ? (textOf(text) ?? '') : undefined
}

function imagePart(block: Json): { type: string; image_url?: Json; text?: string }[] {
  const source = block['source']
  if (block['type'] !== 'image' || !isRecord(source)) return []
  const url =
    source['type'] === 'base64'
      ? `data:${String(source['media_type'])};base64,${String(source['data'])}`
      : String(source['url'])
  return [{ type: 'image_url', image_url: { url } }]
}

function toolsOf({ tools, tool_choice: choice, toolgate }: Json): Json {
  if (tools != null && !Array.isArray(tools)) throw refuse('tools', 'must be a list')
  recordsIn(tools).forEach(({ name, type, input_schema: schema }, index) => {
    // Anthropic's own tools have a type and no schema: they run nowhere here, and are left out.
    if (typeof name === 'string' && name && (isRecord(schema) || typeof type === 'string')) return
    throw refuse(`tools.${index}`, 'must be {name, description, input_schema}')
  })
  const functions = recordsIn(tools)
    .filter(({ input_schema: schema }) => isRecord(schema))
    .map(({ name, description, input_schema: parameters }) => ({
      type: 'function',
      function: { name, ...(typeof description === 'string' ? { description } : {}), parameters },
    }))
  if (functions.length === 0 && !isRecord(toolgate)) {
    if (isRecord(choice) && (choice['type'] === 'any' || choice['type'] === 'tool'))
      throw refuse('tool_choice', 'needs tools: send the list, or leave it out')
    return {}
  }
  const { type, name, disable_parallel_tool_use: single } = isRecord(choice) ? choice : {}
  const wanted: Record<string, unknown> = {
    any: 'required',
    none: 'none',
    tool: { type: 'function', function: { name } },
  }
  const stated = typeof type === 'string' ? wanted[type] : undefined
  return {
    ...(functions.length > 0 ? { tools: functions } : {}),
    ...(stated === undefined ? {} : { tool_choice: stated }),
    ...(single === true ? { parallel_tool_calls: false } : {}),
  }
}
