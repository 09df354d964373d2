import { type CallDelta, type ModelCall, newCallId } from '../chat.ts'
import { isRecord, type Json, numberOf, recordsIn, textOf } from '../json.ts'
import { isObjectSoFar, settleArguments } from './arguments.ts'

type CallState = {
  index: number
  /** The index the node gave it. */
  from: number
  id: string
  name: string
  nameSent: boolean
  text: string
  /** How much of `text` the client has. */
  sent: number
}

type JoinOptions = {
  parallel: boolean
  /** The node may be one that forgets the closing characters. */
  closes: boolean
  /** A call of this name cannot be without arguments: absent ones were lost. */
  needsArguments(name: string): boolean
}

/** Puts the calls of one choice together out of whatever fragments a node sends. */
export type CallJoiner = {
  /** Fragments as they are to be sent on: one entry a call, id and name in its first alone. */
  push(fragments: unknown): CallDelta[]
  /** A call that came whole, from text that was parsed here. */
  add(call: { name: string; arguments: string }): CallDelta[]
  /** What is still to be sent, and what is wrong, once the node is done. */
  settle(): { deltas: CallDelta[]; broken: string[] }
  calls(): ModelCall[]
}

/**
 * Joins by `index` alone: the first id and name win (up to 0.12 each fragment has a fresh id), many
 * entries of one index in a chunk become one, ids are ours and unique.
 */
export function createCallJoiner(options: JoinOptions): CallJoiner {
  const states: CallState[] = []

  const stateOf = (fragment: Json): CallState | undefined => {
    const from = numberOf(fragment['index']) ?? Math.max(0, states.length - 1)
    const known = states.find(state => state.from === from)
    if (known) return known
    if (!options.parallel && states.length > 0) return undefined
    const index = states.length
    const state = { index, from, id: newCallId(), name: '', nameSent: false, text: '', sent: 0 }
    states.push(state)
    return state
  }
  /** What of a call may go out now. */
  const next = (state: CallState): CallDelta | undefined => {
    if (!state.name) return undefined
    const text = isObjectSoFar(state.text) ? state.text.slice(state.sent) : ''
    if (state.nameSent && text === '') return undefined
    state.sent += text.length
    if (state.nameSent) return { index: state.index, function: { arguments: text } }
    state.nameSent = true
    const { index, id, name } = state
    return { index, id, type: 'function', function: { name, arguments: text } }
  }
  return {
    push(fragments) {
      const touched = new Set<CallState>()
      for (const fragment of recordsIn(fragments)) {
        const state = stateOf(fragment)
        const body = isRecord(fragment['function']) ? fragment['function'] : {}
        if (!state) continue
        state.name ||= textOf(body['name']) ?? ''
        state.text += argumentsText(body['arguments'])
        touched.add(state)
      }
      return [...touched].flatMap(state => next(state) ?? [])
    },
    add({ name, arguments: text }) {
      if (!options.parallel && states.length > 0) return []
      const from = -1 - states.length
      const state = {
        index: states.length,
        from,
        id: newCallId(),
        name,
        nameSent: false,
        text,
        sent: 0,
      }
      states.push(state)
      return [next(state)!]
    },
    settle() {
      const deltas: CallDelta[] = []
      const broken: string[] = []
      for (const state of states) {
        if (!state.name) continue
        const { whole, suffix, absent: none } = settleArguments(state.text, options)
        const lost = none && options.needsArguments(state.name)
        if (whole === undefined || lost) broken.push(state.name)
        else {
          state.text = whole
          state.sent = whole.length
          if (suffix) deltas.push({ index: state.index, function: { arguments: suffix } })
        }
      }
      return { deltas, broken }
    },
    calls: () =>
      states.flatMap(({ id, name, text }) => (name ? [{ id, name, arguments: text }] : [])),
  }
}

const argumentsText = (value: unknown): string =>
  typeof value === 'string' ? value : isRecord(value) ? JSON.stringify(value) : ''
