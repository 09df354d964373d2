import { functionName } from '../chat.ts'
import { contentText } from '../families/family.ts'
import { isRecord, type Json, parseRecord, type Patch, recordsIn } from '../json.ts'
import { maybeBelow, type PoolNode, surelyFrom } from '../node.ts'

/** A rule for the messages of a request; gives back the same list when there is nothing to mend. */
type MessageRule = (messages: readonly Json[], served: string) => readonly Json[]

/** Changes the messages that want it, and leaves the list as it is when none does. */
const where = (
  messages: readonly Json[],
  wants: (message: Json) => boolean,
  change: (message: Json) => Json,
): readonly Json[] =>
  messages.some(wants) ? messages.map(one => (wants(one) ? change(one) : one)) : messages

/** LMDeploy knows no `developer`; chat templates that do not know a role fail or drop it. */
export const developerIsSystem: MessageRule = messages =>
  where(
    messages,
    ({ role }) => role === 'developer',
    message => ({ ...message, role: 'system' }),
  )

/** Up to 0.17 an absent or null content is a KeyError on multimodal nodes. */
export const contentIsThere: MessageRule = messages =>
  where(
    messages,
    ({ content }) => content === null || content === undefined,
    message => ({ ...message, content: '' }),
  )

const callsOf = (message: Json): Json[] => recordsIn(message['tool_calls'])
const argumentsOf = (call: Json): unknown =>
  isRecord(call['function']) ? call['function']['arguments'] : undefined
const isBroken = (call: Json): boolean => {
  const text = argumentsOf(call)
  return typeof text !== 'string' || parseRecord(text) === undefined
}

/**
 * A call in the history whose arguments are no JSON object is a 400 on every later turn: a model
 * that once wrote broken JSON would end its conversation. What it wrote is kept as a string.
 */
export const historyArgumentsAreObjects: MessageRule = messages =>
  where(
    messages,
    message => callsOf(message).some(isBroken),
    message => ({
      ...message,
      tool_calls: callsOf(message).map(call => {
        if (!isBroken(call)) return call
        const text = argumentsOf(call)
        const whole = isRecord(text)
          ? JSON.stringify(text)
          : text === '' || text === null || text === undefined
            ? '{}'
            : JSON.stringify({ unreadable: text })
        return {
          ...call,
          function: { ...(call['function'] as Json | undefined), arguments: whole },
        }
      }),
    }),
  )

/** Kimi K2's template wants `functions.NAME:COUNT` ids; clients were given unique ones. */
export const kimiCallIds: MessageRule = (messages, served) => {
  if (!/kimi/i.test(served) || !messages.some(message => callsOf(message).length > 0))
    return messages
  const ids = new Map<unknown, string>()
  let count = 0
  return messages.map(message => {
    if (message['role'] === 'tool') {
      return {
        ...message,
        tool_call_id: ids.get(message['tool_call_id']) ?? message['tool_call_id'],
      }
    }
    const calls = callsOf(message)
    if (calls.length === 0) return message
    const renamed = calls.map(call => {
      const id = `functions.${functionName(call) ?? 'unknown'}:${count}`
      count += 1
      ids.set(call['id'], id)
      return { ...call, id }
    })
    return { ...message, tool_calls: renamed }
  })
}

const messageRules: readonly MessageRule[] = [
  developerIsSystem,
  contentIsThere,
  historyArgumentsAreObjects,
  kimiCallIds,
]

/** All rules for messages, in order. */
export const mendMessages = (messages: readonly Json[], served: string): readonly Json[] =>
  messageRules.reduce((mended, rule) => rule(mended, served), messages)

/** A rule for the members beside the messages. */
type BodyRule = (body: Json, node: PoolNode) => Patch

const internalFields = [
  'session_id',
  'migration_request',
  'with_cache',
  'preserve_cache',
  'toolgate',
]
/** Fields that belong between LMDeploy's own parts: two equal session ids are a 500 there. */
export const dropInternalFields: BodyRule = body => without(body, internalFields, () => true)

/** Takes out the members of some names that are no good. */
function without(body: Json, names: readonly string[], bad: (value: unknown) => boolean): Patch {
  const patch: Patch = {}
  for (const name of names) if (name in body && bad(body[name])) patch[name] = undefined
  return patch
}

/** Before 0.18 a bare string was a message; from then on only a list is. */
export const messagesAreAList: BodyRule = ({ messages }) =>
  typeof messages === 'string' ? { messages: [{ role: 'user', content: messages }] } : {}

/** Old nodes ignore the new name, and would stop after 512 tokens or never. */
export const maxTokensForOldNodes: BodyRule = (body, node) =>
  maybeBelow(node, 14) && body['max_completion_tokens'] != null && body['max_tokens'] == null
    ? { max_tokens: body['max_completion_tokens'] }
    : {}

/** 0.18 lets `required` silently replace the format; what comes is a call, which has its schema. */
export const requiredWithoutFormat: BodyRule = ({
  tool_choice: choice,
  response_format: format,
}) => (choice === 'required' && format != null ? { response_format: undefined } : {})

/** Before 0.17 `n: null` is refused, and it means one everywhere. */
export const nullMeansAbsent: BodyRule = body =>
  without(body, nullableFields, value => value === null)
const nullableFields = ['n', 'tools', 'tool_choice', 'stream_options', 'max_tokens']

/** What models write around a call. */
const callTags = ['<tool_call>', '<|plugin|>', '<|action_start|>', '<|python_tag|>', '<|tool_calls']

/**
 * A tool parser reads calls that nobody offered: from 0.18 on they vanish, before that they come as
 * calls to a client that waits for text. Who tells the model of tools in words of his own wants the
 * words back: `none` leaves them alone.
 */
export const ownToolPrompt: BodyRule = (body, node) => {
  const { tools, tool_choice: choice, messages } = body
  if (tools != null || choice != null || !surelyFrom(node, 13)) return {}
  const isTold = recordsIn(messages).some(({ content }) => {
    const text = contentText(content)
    return callTags.some(tag => text.includes(tag))
  })
  return isTold ? { tool_choice: 'none' } : {}
}

const bodyRules: readonly BodyRule[] = [
  dropInternalFields,
  messagesAreAList,
  maxTokensForOldNodes,
  requiredWithoutFormat,
  nullMeansAbsent,
  ownToolPrompt,
]

/** What of a chat request must change for this node: nothing, in the usual case. */
export function mendBody(body: Json, node: PoolNode, served: string): Patch {
  const patch: Patch = {}
  for (const rule of bodyRules) Object.assign(patch, rule(body, node))
  const name = node.models.get(served)
  if (name !== undefined && name !== body['model']) patch['model'] = name
  const messages = recordsIn(patch['messages'] ?? body['messages'])
  const mended = mendMessages(messages, served)
  if (mended !== messages) patch['messages'] = mended
  return patch
}
