import type { Usage } from './chat.ts'
import type { Pool } from './pool.ts'
import { nodeProblem } from './problem.ts'
import { parseRecord } from './json.ts'

type Counting = { pool: Pool; signal: AbortSignal; served: string }

/** How many tokens each text is: `/v1/encode` has it on every version, else it is estimated. */
export async function countTokens(
  texts: string[],
  { pool, signal, served }: Counting,
): Promise<number[]> {
  try {
    const answered = await pool.exchange({
      model: served,
      signal,
      request: node => ({
        method: 'POST',
        path: '/v1/encode',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          model: node.models.get(served),
          input: texts,
          do_preprocess: false,
          add_bos: false,
        }),
        stream: false,
      }),
    })
    const text = answered.kind === 'answer' ? answered.body.toString() : ''
    const length = nodeProblem(200, text) ? undefined : parseRecord(text)?.['length']
    if (Array.isArray(length) && length.every(Number.isInteger)) return length as number[]
  } catch (error) {
    if (signal.aborted) throw error
  }
  return texts.map(estimateTokens)
}

/** The usage of an answer that nobody counted: by the texts that were told and said. */
export async function countUsage(told: string, said: string, counting: Counting): Promise<Usage> {
  const [prompt = 0, completion = 0] = await countTokens([told, said], counting)
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
  }
}

/** A guess: a CJK character is about a token, four of any other are. */
export function estimateTokens(text: string): number {
  const wide = text.match(/[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]/g)?.length ?? 0
  return Math.ceil(wide + (text.length - wide) / 4)
}
