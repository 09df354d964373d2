import type { CallDelta, Chunk, ChunkChoice } from './chat.ts'
import type { TurnContext } from './turn.ts'

/** Keeps the gateway's own calls out of the client's stream; the client's are numbered anew. */
export function createCallFilter(isOurs: (name: string) => boolean) {
  const shown = new Map<number, number | undefined>()
  let count = 0
  return {
    around(emit: ((chunk: Chunk) => void) | undefined): Pick<TurnContext, 'emit'> {
      if (!emit) return {}
      shown.clear()
      return {
        emit(chunk) {
          if (!chunk.choices.some(({ delta }) => delta.tool_calls)) return emit(chunk)
          const choices = chunk.choices.flatMap((choice): ChunkChoice[] => {
            const kept = (choice.delta.tool_calls ?? []).flatMap((call): CallDelta[] => {
              const name = call.function.name
              if (name !== undefined) {
                shown.set(call.index, isOurs(name) ? undefined : count)
                if (!isOurs(name)) count += 1
              }
              const index = shown.get(call.index)
              return index === undefined ? [] : [{ ...call, index }]
            })
            const { tool_calls: _calls, ...delta } = choice.delta
            if (kept.length > 0) return [{ ...choice, delta: { ...delta, tool_calls: kept } }]
            return Object.keys(delta).length > 0
              ? [{ ...choice, delta: { content: '', ...delta } }]
              : []
          })
          if (choices.length > 0) emit({ ...chunk, choices })
        },
      }
    },
  }
}
