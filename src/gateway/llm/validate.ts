import type { ToolOffer, ToolSpec } from './chat.ts'
import { isCount, isRecord, type Json, recordsIn, textOf } from './json.ts'
import { refuse } from './problem.ts'
import type { LlmLimits } from './limits.ts'

/** The usual roles, and those that the templates of tool-using models have. */
const roles = new Set([
  'system',
  'developer',
  'user',
  'assistant',
  'tool',
  'function',
  'environment',
  'ipython',
  'observation',
  'latest_reminder',
])

/** The model a request names. */
export function modelOf(body: Json): string {
  const model = body['model']
  if (typeof model !== 'string' || model === '') {
    throw refuse('model', 'is missing: name a model, GET /v1/models lists them')
  }
  return model
}

/** Refuses what no node could serve, and says what to change. */
export function validateChat(body: Json, limits: LlmLimits): void {
  const { messages } = body
  if (typeof messages !== 'string') validateMessages(messages, limits)
  else if (messages === '') throw refuse('messages', 'is empty: send at least one message')
  validateCounts(body, limits)
}

/** Refuses numbers and switches that mean nothing, on every surface. */
export function validateCounts(body: Json, limits: LlmLimits): void {
  for (const name of ['max_tokens', 'max_completion_tokens']) {
    const value = body[name]
    if (value != null && !isCount(value)) {
      throw refuse(name, 'must be a whole number of at least 1; leave it out for no limit')
    }
  }
  const { n, stream } = body
  if (n != null && !(isCount(n) && n <= limits.choicesMax)) {
    throw refuse('n', `must be a whole number from 1 to ${limits.choicesMax}`)
  }
  if (stream != null && typeof stream !== 'boolean') throw refuse('stream', 'must be true or false')
}

function validateMessages(messages: unknown, limits: LlmLimits): void {
  if (!Array.isArray(messages)) throw refuse('messages', 'must be a list of {role, content}')
  if (messages.length === 0) throw refuse('messages', 'is empty: send at least one message')
  if (messages.length > limits.messagesMax) {
    throw refuse('messages', `has more than ${limits.messagesMax} entries`)
  }
  for (const [index, message] of (messages as unknown[]).entries()) {
    if (!isRecord(message)) throw refuse(`messages[${index}]`, 'must be an object {role, content}')
    const { role, content } = message
    if (typeof role !== 'string' || !roles.has(role)) {
      throw refuse(`messages[${index}].role`, 'must be system, developer, user, assistant or tool')
    }
    if (content != null && typeof content !== 'string' && !Array.isArray(content)) {
      throw refuse(`messages[${index}].content`, 'must be a string, a list of parts, or null')
    }
  }
}

/** The tools a chat request offers. `any` is how some frameworks say `required`. */
export function offerOf(body: Json, limits: LlmLimits): ToolOffer {
  const { tools, tool_choice: choice } = body
  if (tools != null && !Array.isArray(tools)) throw refuse('tools', 'must be a list')
  const specs = (tools ?? []).map(specOf)
  if (specs.length > limits.toolsMax)
    throw refuse('tools', `has more than ${limits.toolsMax} entries`)
  const parallel = body['parallel_tool_calls'] !== false
  if (choice == null || choice === 'auto') return { tools: specs, choice: 'auto', parallel }
  if (choice === 'none') return { tools: specs, choice, parallel }
  // A loop has tools of its own to choose from: it looks at the choice once it knows them.
  const loops = isRecord(body['toolgate'])
  if (specs.length === 0 && !loops)
    throw refuse('tool_choice', 'needs tools: send the list, or leave it out')
  if (choice === 'required' || choice === 'any')
    return { tools: specs, choice: 'required', parallel }
  if (!isRecord(choice)) throw refuse('tool_choice', 'must be auto, none, required or a function')
  return choice['type'] === 'allowed_tools'
    ? allowedTools(choice, specs, parallel)
    : { ...namedTool(choice, specs, loops), parallel }
}

function specOf(tool: unknown, index: number): ToolSpec {
  const body = isRecord(tool) && isRecord(tool['function']) ? tool['function'] : {}
  const { name, description, parameters } = body
  if (typeof name !== 'string' || name === '') {
    throw refuse(
      `tools[${index}].function.name`,
      'is missing: a tool is {type: "function", function: {name, …}}',
    )
  }
  return {
    name,
    ...(typeof description === 'string' ? { description } : {}),
    ...(isRecord(parameters) ? { parameters } : {}),
  }
}

/** The tool of this name; a choice of another is a mistake. */
export const findTool = (tools: readonly ToolSpec[], name: string | undefined): ToolSpec => {
  const tool = tools.find(one => one.name === name)
  if (!tool) throw refuse('tool_choice', `names ${JSON.stringify(name)}, which is not in tools`)
  return tool
}

function namedTool(
  choice: Json,
  specs: readonly ToolSpec[],
  loops: boolean,
): Omit<ToolOffer, 'parallel'> {
  const named = isRecord(choice['function']) ? choice['function'] : choice
  const name = textOf(named['name'])
  if (loops && name !== undefined && !specs.some(tool => tool.name === name))
    return { tools: specs, choice: { name } }
  const tool = findTool(specs, name)
  return { tools: [tool], choice: { name: tool.name } }
}

/** `allowed_tools` came with 0.14; the same is said to every node by a shorter list. */
function allowedTools(choice: Json, specs: readonly ToolSpec[], parallel: boolean): ToolOffer {
  const allowed = isRecord(choice['allowed_tools']) ? choice['allowed_tools'] : choice
  const tools = recordsIn(allowed['tools']).map(one =>
    findTool(specs, textOf(isRecord(one['function']) ? one['function']['name'] : one['name'])),
  )
  return { tools, choice: allowed['mode'] === 'required' ? 'required' : 'auto', parallel }
}

/** True when the model may call something. */
export const offersTools = ({ tools, choice }: ToolOffer): boolean =>
  tools.length > 0 && choice !== 'none'
/** True when it must. */
export const demandsCall = (offer: ToolOffer): boolean =>
  offersTools(offer) && offer.choice !== 'auto'
