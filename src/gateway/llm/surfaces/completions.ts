import { fail } from '../../../registry/errors.ts'
import { type Llm, type LlmCall, servedModel } from '../call.ts'
import type { Usage } from '../chat.ts'
import { countUsage } from '../count.ts'
import { editMembers, type Json, numberOf, parseRecord } from '../json.ts'
import { createTextMender } from '../mend/text.ts'
import type { LlmLimits } from '../limits.ts'
import { nodeProblem, openAiProblem, refusalOf, refuse } from '../problem.ts'
import { createSseReader, dataEvent, doneEvent, type SseReader } from '../sse.ts'
import { modelOf, validateCounts } from '../validate.ts'
import { copy } from './copy.ts'

/**
 * `POST /v1/completions`. Whoever asks for special tokens (Lagent and the course's demos) gets the
 * node's bytes; others get OpenAI's shapes: ids that are no `-1`, a finish reason in every chunk,
 * usage where it was asked for. A `finish_reason` of null before the end is what OpenAI sends, though
 * its Python client's types have no null there.
 */
export async function completions(llm: Llm, call: LlmCall): Promise<unknown> {
  const { json } = call.body
  const model = modelOf(json)
  if (!call.raw) {
    const { prompt } = json
    if (typeof prompt !== 'string' && !(Array.isArray(prompt) && prompt.length > 0)) {
      throw refuse('prompt', 'must be a string or a list of at least one')
    }
    if (json['skip_special_tokens'] !== false) validateCounts(json, llm.limits)
  }
  const served = await servedModel(llm, call, model)
  const options = { path: '/v1/completions', served }
  const untouched =
    call.raw || json['skip_special_tokens'] === false || llm.pool.peek(served)?.spec.raw
  if (untouched) return copy(llm, call, options)
  return mended(llm, call, { ...options, model })
}

/** The prompts, each as often as an answer to it is wanted: no node does more than one at a time. */
function promptsOf({ prompt, n }: Json, { choicesMax }: LlmLimits): unknown[] {
  const isOne = !Array.isArray(prompt) || typeof prompt[0] === 'number'
  const prompts: unknown[] = isOne ? [prompt] : prompt
  const times = numberOf(n) ?? 1
  if (prompts.length * times > choicesMax)
    throw refuse('n', `asks for more than ${choicesMax} choices in all`)
  return prompts.flatMap(one => Array.from({ length: times }, () => one))
}

type Names = { path: string; served: string; model: string }

async function mended(llm: Llm, call: LlmCall, { path, served, model }: Names): Promise<unknown> {
  const { json, bytes } = call.body
  const asked = json['stream'] === true
  const prompts = promptsOf(json, llm.limits)
  const created = Math.floor(llm.now() / 1000)
  const mend = createTextMender(json, { model, created, count: prompts.length })
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
          ...((json['n'] ?? 1) === 1 ? {} : { prompt: prompts, n: undefined }),
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
              isDone: () => done,
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
      const whole = mend.whole(answer)
      call.note({ usage: mend.usage() })
      if (!out?.started)
        return call.reply.type('application/json; charset=utf-8').send(JSON.stringify(whole))
      out.end(dataEvent(whole) + doneEvent)
      return call.reply
    }
    reader?.end()
    const problem = mend.problem()
    if (problem) throw refusalOf(problem, node.url)
    if (exchanged.error || !done)
      throw fail('TG_UPSTREAM_FAILED', node.url, 'it broke off in the middle of its answer')
    const usage =
      mend.usage() ??
      (mend.owesUsage() ? await countText(llm, call, { served, said: mend.said() }) : undefined)
    call.note({ usage })
    out?.end(pending + (usage && mend.owesUsage() ? mend.lastUsage(usage) : '') + doneEvent)
  } catch (error) {
    const shown = call.why(error)
    if (!out?.started) throw shown
    if (shown.code !== 'TG_CLIENT_CLOSED')
      out.end(`${pending}${dataEvent(openAiProblem(shown))}${doneEvent}`)
  }
  return call.reply
}

type Said = { served: string; said: string }

/** Up to 0.13 a stream counts nothing. */
function countText(llm: Llm, call: LlmCall, { served, said }: Said): Promise<Usage> {
  const { prompt } = call.body.json
  const told = [prompt].flat(2).map(String).join('\n')
  return countUsage(told, said, { pool: llm.pool, signal: call.signal, served })
}
