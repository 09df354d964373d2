import { doctorLimits } from './finding.ts'

/** What another server said to a short question. */
export type Told = { status: number; text: string; headers: Headers; askedAt: number; ms: number }
/** Asks, for a bounded time; any status is an answer. */
export type Ask = (
  url: string,
  options?: { headers?: Record<string, string>; body?: unknown },
) => Promise<Told>

/** Asks over the network; the answers' dates tell whose clock is wrong. */
export const ask: Ask = async (url, { headers = {}, body } = {}) => {
  const askedAt = Date.now()
  const answer = await fetch(url, {
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers },
    signal: AbortSignal.timeout(doctorLimits.checkMs),
    redirect: 'manual',
  })
  const text = await readText(answer)
  return { status: answer.status, text, headers: answer.headers, askedAt, ms: Date.now() - askedAt }
}

async function readText(answer: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of answer.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true })
    if (text.length > doctorLimits.answerBytesMax) break
  }
  return text
}

/** JSON, or undefined where it is none. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // What is no JSON is what the check is about.
    return undefined
  }
}
