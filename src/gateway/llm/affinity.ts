import { contentText } from './families/family.ts'
import { type Json, recordsIn } from './json.ts'
import { hashText } from './node.ts'

/** As much of a prompt as tells conversations apart: the rest of a long one costs time to hash. */
const prefixMax = 256

/**
 * What keeps a conversation on the node that has its KV cache: the session it names, else how it
 * begins (its system prompt and first question, which every later turn repeats).
 */
export function affinityOf(body: Json): number | undefined {
  const session = body['session_id'] ?? body['prompt_cache_key']
  if (typeof session === 'string' || (typeof session === 'number' && session >= 0)) {
    return hashText(String(session))
  }
  const { prompt, messages } = body
  if (typeof prompt === 'string') return hashText(prompt.slice(0, prefixMax))
  const beginning = recordsIn(messages)
    .slice(0, 2)
    .map(({ content }) => contentText(content).slice(0, prefixMax))
  return beginning.length > 0 ? hashText(beginning.join('\n')) : undefined
}
