import autocannon from 'autocannon'
import type { Server } from './processes.ts'

/** How one figure is taken. */
export type Load = { seconds: number; rounds: number; connections: number }
/** A load that says nothing about speed and only proves that the bench runs. */
export const smoke: Load = { seconds: 1, rounds: 1, connections: 10 }
/** Many short rounds in turn: a neighbour of these machines that wakes up spoils few of them. */
export const full: Load = { seconds: 2, rounds: 11, connections: 50 }

/** What is sent: bodies in turn, to the tool's route unless another path is named. */
export type Sent = {
  bodies: string[]
  path?: string
  headers?: Record<string, string>
  /** False for an answer that is wrong, though it is a 200: a fast mistake is no figure. */
  isRight?: (answer: string) => boolean
}

/** Requests a second of a POST route; every answer must be a 200, and right. */
export async function requestsPerSecond(
  { url }: Server,
  load: Load,
  { bodies, path = '/tools/bench', headers = {}, isRight }: Sent,
): Promise<number> {
  const wrong: string[] = []
  const look = (_status: number, answer: string): void => {
    if (isRight?.(answer) === false) wrong.push(answer)
  }
  const post = {
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json', ...headers },
  } as const
  const result = await autocannon({
    url: `${url}${path}`,
    duration: load.seconds,
    connections: load.connections,
    requests: bodies.map(body => ({ ...post, body, ...(isRight ? { onResponse: look } : {}) })),
  })
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${result.non2xx} answers were not 200, ${result.errors} failed`)
  if (wrong.length > 0) throw new Error(`${wrong.length} answers were wrong: ${wrong[0]}`)
  return result.requests.average
}

/** The median ratio of two servers, measured in turns, since these machines are noisy. */
export async function ratioOf(
  measured: Server,
  baseline: Server,
  options: { load: Load } & Sent,
): Promise<{ ratio: number; measured: number; baseline: number }> {
  const { load, ...sent } = options
  const rounds: { ratio: number; measured: number; baseline: number }[] = []
  for (let round = 0; round < load.rounds; round++) {
    const base = await requestsPerSecond(baseline, load, sent)
    const ours = await requestsPerSecond(measured, load, sent)
    rounds.push({ ratio: ours / base, measured: ours, baseline: base })
  }
  rounds.sort((a, b) => a.ratio - b.ratio)
  return rounds[Math.floor(rounds.length / 2)] ?? { ratio: 0, measured: 0, baseline: 0 }
}
