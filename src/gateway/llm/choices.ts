import type { Chunk, Usage } from './chat.ts'
import { editMembers, numberOf, type Patch } from './json.ts'
import { runTurn, type Turn, type TurnContext } from './turn.ts'
import type { TurnRequest } from './turn-request.ts'

/**
 * Runs a turn with as many choices as were asked for. Before 0.17 a node takes `n` and answers one
 * choice; no route tells such a node from a newer one, so what is missing after the answer is asked
 * for anew: at once where the answer is whole, one after another in a stream.
 */
export async function runChoices(request: TurnRequest, context: TurnContext): Promise<Turn> {
  const first = await runTurn(request, context)
  const missing = (numberOf(request.body['n']) ?? 1) - first.choices.length
  if (missing <= 0) return first
  const names = { id: first.id, created: first.created }
  const ask = (offset: number): Promise<Turn> => {
    const index = first.choices.length + offset
    return runTurn({ ...single(request, index), names }, { ...context, ...moved(context, index) })
  }
  const more: Turn[] = []
  if (request.stream) for (let at = 0; at < missing; at += 1) more.push(await ask(at))
  else more.push(...(await Promise.all(Array.from({ length: missing }, (_, at) => ask(at)))))
  const usage = more.reduce((sum, turn) => together(sum, turn.usage), first.usage)
  return {
    ...first,
    usage,
    choices: [
      ...first.choices,
      ...more.map(({ choices }, at) => ({ ...choices[0]!, index: first.choices.length + at })),
    ],
    close(ending) {
      for (const turn of more) turn.close(ending)
      first.close({ usage, ...ending })
    },
  }
}

/** The request for one choice. With its seed the first would only be said again. */
function single(request: TurnRequest, index: number): TurnRequest {
  const seed = numberOf(request.body['seed'])
  const patch: Patch = { n: undefined, ...(seed === undefined ? {} : { seed: seed + index }) }
  return {
    ...request,
    body: { ...request.body, ...patch },
    ...(request.bytes ? { bytes: Buffer.from(editMembers(request.bytes.toString(), patch)) } : {}),
  }
}

/** The chunks of a choice under its own index; the usage is told once, of all together. */
function moved({ emit }: TurnContext, index: number): Pick<TurnContext, 'emit' | 'passEvents'> {
  if (!emit) return {}
  return {
    passEvents: undefined,
    emit(chunk: Chunk) {
      if (chunk.choices.length === 0) return
      emit({ ...chunk, choices: chunk.choices.map(choice => ({ ...choice, index })) })
    },
  }
}

/** The prompt is one, however often it was read. */
const together = (one: Usage | undefined, two: Usage | undefined): Usage | undefined =>
  one && two
    ? {
        prompt_tokens: one.prompt_tokens,
        completion_tokens: one.completion_tokens + two.completion_tokens,
        total_tokens: one.total_tokens + two.completion_tokens,
      }
    : (one ?? two)
