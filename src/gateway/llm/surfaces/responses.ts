import { type Llm, type LlmCall, servedModel } from '../call.ts'
import { recordsIn } from '../json.ts'
import { wantsLoop } from '../loop.ts'
import { modelOf, offerOf, validateChat } from '../validate.ts'
import { answerTurn } from './answer.ts'
import { copy } from './copy.ts'
import { createResponseEncoder, wholeResponse } from './responses-answer.ts'
import { toChatBody } from './responses-request.ts'

/**
 * `POST /v1/responses` on any node. The nodes' own is passed through only where the operator says
 * so: up to 0.16 it fails, and from then on a reasoning parser can lose the whole answer.
 */
export async function responses(llm: Llm, call: LlmCall): Promise<unknown> {
  const { json } = call.body
  const model = modelOf(json)
  const body = call.raw ? json : toChatBody(json)
  if (!call.raw) validateChat(body, llm.limits)
  const served = await servedModel(llm, call, model)
  const checked = call.raw ? undefined : await llm.media.check(body['messages'], call.signal)
  const native = llm.pool.peek(served)?.spec.native?.includes('responses')
  const plainText = !wantsLoop(json) && recordsIn(json['tools']).length === 0 && !checked
  if (call.raw || (native && plainText)) {
    const lastEvent = /\nevent: ?(?:response\.(?:completed|incomplete|failed)|error)/
    return copy(llm, call, { path: '/v1/responses', served, conversation: body, lastEvent })
  }
  const createdAt = Math.floor(llm.now() / 1000)
  const encoder = createResponseEncoder({ body: json, model, createdAt })
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
    broken: problem => encoder.broken(problem),
    whole: ({ choices, usage }, toolgate) =>
      wholeResponse(choices[0]!, { body: json, model, createdAt, usage, toolgate }),
  })
}
