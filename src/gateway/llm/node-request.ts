import { functionName, type ToolOffer } from './chat.ts'
import type { NodeRequest } from './dispatch.ts'
import { families, familyFor } from './families/index.ts'
import { editMembers, isRecord, type Json, type Patch, recordsIn } from './json.ts'
import { mendBody, mendMessages } from './mend/request.ts'
import { type FamilyName, type PoolNode, surelyFrom } from './node.ts'
import type { TurnRequest } from './turn-request.ts'
import { offersTools } from './validate.ts'

/** The request as this node should get it. */
export function nodeRequest(request: TurnRequest, node: PoolNode): NodeRequest {
  const { body, bytes, served, offer, stream } = request
  const family = familyFor(node, served)
  const told =
    family && needsFamily(request) ? familyPatch(request, family, served) : offerPatch(body, offer)
  const patch: Patch = { ...mendBody(body, node, served), ...told }
  if ((body['stream'] ?? false) !== stream) patch['stream'] = stream
  if (stream && wantsCount(request, node) && !asksUsage(body)) {
    patch['stream_options'] = { include_usage: true }
  }
  if (!stream && 'stream_options' in body) patch['stream_options'] = undefined
  const changed = Object.keys(patch).length > 0
  return {
    method: 'POST',
    path: '/v1/chat/completions',
    headers: {
      'content-type': 'application/json',
      accept: stream ? 'text/event-stream' : 'application/json',
    },
    body: changed || bytes === undefined ? written(request, patch) : bytes,
    stream,
  }
}

/** The request with its changes; where its bytes are known, the rest of it as it came. */
const written = ({ body, bytes }: TurnRequest, patch: Patch): string =>
  bytes === undefined ? JSON.stringify({ ...body, ...patch }) : editMembers(bytes.toString(), patch)

const asksUsage = ({ stream_options: options }: Json): boolean =>
  isRecord(options) && options['include_usage'] === true

/** From 0.18 on a call of an unknown name vanishes: only the tokens it took tell of it. */
const wantsCount = ({ needsUsage, offer }: TurnRequest, node: PoolNode): boolean =>
  needsUsage === true || (offersTools(offer) && surelyFrom(node, 18))

/** A history with calls cannot be told to a node without roles for them either. */
const needsFamily = ({ offer, body }: TurnRequest): boolean =>
  offersTools(offer) ||
  recordsIn(body['messages']).some(
    ({ role, tool_calls: calls }) => role === 'tool' || Array.isArray(calls),
  )

function familyPatch({ body, offer }: TurnRequest, name: FamilyName, served: string): Patch {
  const family = families[name]
  const shown = offersTools(offer) ? offer : { ...offer, tools: [] }
  const taken = Object.fromEntries(
    ['tools', 'tool_choice', 'parallel_tool_calls', 'functions', 'function_call']
      .filter(member => member in body)
      .map(member => [member, undefined]),
  )
  return {
    ...taken,
    messages: family.render(mendMessages(recordsIn(body['messages']), served), shown),
    ...(family.keepsSpecialTokens ? { skip_special_tokens: false } : {}),
  }
}

/** What nodes do not know, said in what they do: a shorter list of tools, `required` for `any`. */
function offerPatch(body: Json, { tools, choice }: ToolOffer): Patch {
  const { tools: given, tool_choice: stated } = body
  if (choice === 'required' && stated !== 'required') {
    return { tool_choice: 'required', ...shorter(given, tools) }
  }
  if (isRecord(stated) && stated['type'] === 'allowed_tools') {
    return { tool_choice: choice, ...shorter(given, tools) }
  }
  if (Array.isArray(given) && given.length === 0)
    return { tools: undefined, tool_choice: undefined }
  return {}
}

const shorter = (given: unknown, tools: ToolOffer['tools']): Patch =>
  recordsIn(given).length === tools.length
    ? {}
    : {
        tools: recordsIn(given).filter(tool =>
          tools.some(({ name }) => name === functionName(tool)),
        ),
      }
