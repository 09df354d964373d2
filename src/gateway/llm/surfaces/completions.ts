import { fail } from '../../../registry/errors.ts'
import { type Llm, type LlmCall, servedModel } from '../call.ts'
import { mendFinish, mendUsage, newCompletionId } from '../chat.ts'
import { editMembers, isRecord, type Json, numberOf, parseRecord, recordsIn } from '../json.ts'
import { nodeProblem, openAiProblem, refusalOf, refuse } from '../problem.ts'
import { createSseReader, dataEvent, doneEvent, type SseReader } from '../sse.ts'
import { modelOf } from '../validate.ts'
import { copy } from './copy.ts'

/**
 * `POST /v1/completions`. Whoever asks for special tokens (Lagent and the course's demos) gets the
 * node's bytes; others get OpenAI's shapes: ids that are no `-1`, a finish reason in every chunk,
 * usage where it was asked for.
 */
export async function completions(llm: Llm, call: LlmCall): Promise<unknown> {
  const { json } = call.body
  const model = modelOf(json)
  const { prompt } = json
  if (!call.raw && typeof prompt !== 'string' && !Array.isArray(prompt)) {
    throw refuse('prompt', 'must be a string or a list')
  }
  const served = await servedModel(llm, call, model)
  const options = { path: '/v1/completions', served }
  const untouched =
    call.raw || json['skip_special_tokens'] === false || llm.pool.peek(served)?.spec.raw
  if (untouched) return copy(llm, call, options)
  return mended(llm, call, { ...options, model })
}

type Names = { path: string; served: string; model: string }

async function mended(llm: Llm, call: LlmCall, { path, served, model }: Names): Promise<unknown> {
  const { json, bytes } = call.body
  const asked = json['stream'] === true
  const mend = createCompletionMender(json, { model, created: Math.floor(llm.now() / 1000) })
  const out = asked ? call.openStream({ keepAlive: true }) : undefined
  let pending = ''
  let done = false
  let reader: SseReader | undefined
  try {
    const exchanged = await llm.pool.exchange({
      model: served,
      conversation: json,
      signal: call.signal,
      request(node) {
        done = false
        call.note({ node: node.url })
        reader = createSseReader(({ data }) => {
          if (data === '[DONE]') done = true
          else pending += mend.event(data)
        }, llm.limits)
        const name = node.models.get(served)
        const changes = {
          ...('session_id' in json ? { session_id: undefined } : {}),
          ...(name !== json['model'] ? { model: name } : {}),
        }
        return {
          method: 'POST',
          path,
          headers: { 'content-type': 'application/json' },
          body: Object.keys(changes).length > 0 ? editMembers(bytes.toString(), changes) : bytes,
          stream: asked,
        }
      },
      ...(out
        ? {
            sink: {
              head: () => out.head(),
              data(bytes) {
                reader?.push(bytes)
                const ready = pending
                pending = ''
                return ready === '' || out.write(ready)
              },
              onPaused: resume => out.onDrain(resume),
            },
          }
        : {}),
    })
    const { node, retries, queuedMs } = exchanged
    call.note({ node: node.url, retries, queuedMs })
    if (exchanged.kind === 'answer') {
      const body = exchanged.body.toString()
      const problem = nodeProblem(exchanged.status, body)
      if (problem) throw refusalOf(problem, node.url)
      const answer = parseRecord(body)
      if (!answer) throw fail('TG_UPSTREAM_INVALID', node.url, 'its answer is not JSON')
      call.note({ usage: mendUsage(answer['usage']) })
      if (!out?.started)
        return call.reply
          .type('application/json; charset=utf-8')
          .send(JSON.stringify(mend.whole(answer)))
      out.end(dataEvent(mend.whole(answer)) + doneEvent)
      return call.reply
    }
    reader?.end()
    const problem = mend.problem()
    if (problem) throw refusalOf(problem, node.url)
    if (exchanged.error || !done)
      throw fail('TG_UPSTREAM_FAILED', node.url, 'it broke off in the middle of its answer')
    call.note({ usage: mend.usage() })
    out?.end(pending + doneEvent)
  } catch (error) {
    const shown = call.why(error)
    if (!out?.started) throw shown
    if (shown.code !== 'TG_CLIENT_CLOSED')
      out.end(`${pending}${dataEvent(openAiProblem(shown))}${doneEvent}`)
  }
  return call.reply
}

/** Mends the objects of one completion. */
function createCompletionMender(
  body: Json,
  { model, created }: { model: string; created: number },
) {
  const id = newCompletionId()
  const options = body['stream_options']
  const wantsUsage = isRecord(options) && options['include_usage'] === true
  let usage: ReturnType<typeof mendUsage>
  let problem: ReturnType<typeof nodeProblem>
  const choicesOf = (json: Json): Json[] =>
    recordsIn(json['choices']).map(choice => ({
      ...choice,
      index: numberOf(choice['index']) ?? 0,
      text: typeof choice['text'] === 'string' ? choice['text'] : '',
      logprobs: choice['logprobs'] ?? null,
      finish_reason: mendFinish(choice['finish_reason']) ?? null,
    }))
  const object = (json: Json, choices: Json[]): Json => ({
    ...json,
    id,
    object: 'text_completion',
    created,
    model,
    choices,
  })
  return {
    usage: () => usage,
    problem: () => problem,
    whole(answer: Json): Json {
      const { usage: counted, ...rest } = answer
      const whole = object(rest, choicesOf(answer))
      const mended = mendUsage(counted)
      return mended ? { ...whole, usage: mended } : whole
    },
    event(data: string): string {
      const json = parseRecord(data)
      if (!json) return ''
      if ('error' in json || 'error_code' in json || json['object'] === 'error') {
        problem ??= nodeProblem(200, data)
        return ''
      }
      const { usage: counted, ...rest } = json
      usage = mendUsage(counted) ?? usage
      const choices = choicesOf(json)
      if (choices.length === 0) {
        return wantsUsage && usage ? dataEvent({ ...object(rest, []), usage }) : ''
      }
      return dataEvent({ ...object(rest, choices), ...(wantsUsage ? { usage: null } : {}) })
    },
  }
}
