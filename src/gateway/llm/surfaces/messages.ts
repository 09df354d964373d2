import { type Llm, type LlmCall, servedModel } from '../call.ts'
import { countTokens } from '../count.ts'
import { contentText } from '../families/family.ts'
import { isRecord, type Json, recordsIn } from '../json.ts'
import { wantsLoop } from '../loop.ts'
import { surelyFrom } from '../node.ts'
import { anthropicProblem } from '../problem.ts'
import { namedEvent } from '../sse.ts'
import { modelOf, offerOf, validateChat } from '../validate.ts'
import { createMessageEncoder, messageOf } from './anthropic-answer.ts'
import { toChatBody } from './anthropic-request.ts'
import { copy } from './copy.ts'
import { answerTurn } from './answer.ts'

/**
 * `POST /v1/messages` on any node. Passed through where the node's own is healthy: surely 0.18, and
 * no tools, whose arguments no node checks; else translated to chat and back.
 */
export async function messages(llm: Llm, call: LlmCall): Promise<unknown> {
  const { json } = call.body
  const model = modelOf(json)
  const body = call.raw ? json : toChatBody(json)
  if (!call.raw) validateChat(body, llm.limits)
  const served = await servedModel(llm, call, model)
  const node = llm.pool.peek(served)
  const checked = call.raw ? undefined : await llm.media.check(body['messages'], call.signal)
  const native = node && (node.spec.native?.includes('messages') ?? surelyFrom(node, 18))
  const plainText = !wantsLoop(json) && recordsIn(json['tools']).length === 0 && saysTextAlone(json)
  if (call.raw || (native && plainText)) {
    return copy(llm, call, {
      path: '/v1/messages',
      served,
      conversation: body,
      lastEvent: /\nevent: ?(?:message_stop|error)/,
      headers: { 'anthropic-version': '2023-06-01' },
      brokenEvent: problem => `\n\n${namedEvent('error', anthropicProblem(problem))}`,
    })
  }
  const encoder = createMessageEncoder(model)
  return answerTurn(llm, call, {
    request: {
      model,
      served,
      includeUsage: false,
      needsUsage: true,
      splitsThoughts: true,
      body: checked ? { ...body, messages: checked } : body,
      stream: json['stream'] === true,
      offer: offerOf(body, llm.limits),
    },
    start: () => encoder.start(),
    chunk: chunk => encoder.chunk(chunk),
    step: step => encoder.step(step),
    end: ({ choices, usage }, toolgate) =>
      encoder.end(choices[0]?.finish ?? 'stop', usage, toolgate),
    broken: problem => namedEvent('error', anthropicProblem(problem)),
    whole: ({ choices, usage }, toolgate) => messageOf(choices[0]!, { model, usage, toolgate }),
  })
}

/** Pictures, calls and thoughts are told to a node in our words: those it reads as we do. */
const saysTextAlone = ({ messages: said }: Json): boolean =>
  recordsIn(said).every(({ content }) => recordsIn(content).every(({ type }) => type === 'text'))

/** `POST /v1/messages/count_tokens`: asked of the node, whichever route it has for it. */
export async function countMessageTokens(llm: Llm, call: LlmCall): Promise<Json> {
  const { json } = call.body
  const model = modelOf(json)
  const body = toChatBody({ max_tokens: 1, ...json })
  await llm.media.guard(json)
  const served = await servedModel(llm, call, model)
  const node = llm.pool.peek(served)
  if (node && surelyFrom(node, 18)) {
    const exchanged = await llm.pool.exchange({
      model: served,
      signal: call.signal,
      request: one => ({
        method: 'POST',
        path: '/v1/messages/count_tokens',
        stream: false,
        headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01' },
        body: JSON.stringify({ ...json, model: one.models.get(served) }),
      }),
    })
    const counted: unknown =
      exchanged.kind === 'answer' && exchanged.status === 200
        ? JSON.parse(exchanged.body.toString())
        : undefined
    if (isRecord(counted) && typeof counted['input_tokens'] === 'number') {
      return { input_tokens: counted['input_tokens'] }
    }
  }
  const tools = body['tools'] ? JSON.stringify(body['tools']) : ''
  const text = recordsIn(body['messages']).map(
    ({ role, content, tool_calls: calls }) =>
      `${String(role)}\n${contentText(content)}${calls ? JSON.stringify(calls) : ''}`,
  )
  const [count = 0] = await countTokens([[tools, ...text].join('\n')], {
    pool: llm.pool,
    signal: call.signal,
    served,
  })
  return { input_tokens: count }
}
