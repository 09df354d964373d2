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
  /** Its arguments are whole. */
  settled: boolean
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
    return begin(from)
  }
  const begin = (from: number): CallState => {
    const index = states.length
    const state: CallState = {
      index,
      from,
      id: newCallId(),
      name: '',
      nameSent: false,
      text: '',
      sent: 0,
      settled: false,
    }
    states.push(state)
    return state
  }
  /** The end of a call's arguments; undefined when they come to nothing. */
  const finish = (state: CallState): CallDelta[] | undefined => {
    if (state.settled || !state.name) return []
    const { whole, suffix, absent } = settleArguments(state.text, options)
    if (whole === undefined || (absent && options.needsArguments(state.name))) return undefined
    state.settled = true
    state.text = whole
    state.sent = whole.length
    return suffix ? [{ index: state.index, function: { arguments: suffix } }] : []
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
      const ended: CallDelta[] = []
      for (const fragment of recordsIn(fragments)) {
        const count = states.length
        const state = stateOf(fragment)
        if (!state || state.settled) continue
        // Clients that give fragments to the last call must have the whole of one before the next.
        if (states.length > count && count > 0) {
          const before = states[count - 1]!
          const delta = touched.delete(before) ? next(before) : undefined
          ended.push(...(delta ? [delta] : []), ...(finish(before) ?? []))
        }
        const body = isRecord(fragment['function']) ? fragment['function'] : {}
        state.name ||= textOf(body['name']) ?? ''
        state.text += argumentsText(body['arguments'])
        touched.add(state)
      }
      return [...ended, ...[...touched].flatMap(state => next(state) ?? [])]
    },
    add({ name, arguments: text }) {
      if (!options.parallel && states.length > 0) return []
      const state = begin(-1 - states.length)
      state.name = name
      state.text = text
      return [next(state)!]
    },
    settle() {
      const deltas: CallDelta[] = []
      const broken: string[] = []
      for (const state of states) {
        const delta = finish(state)
        if (delta) deltas.push(...delta)
        else broken.push(state.name)
      }
      return { deltas, broken }
    },
    calls: () =>
      states.flatMap(({ id, name, text }) => (name ? [{ id, name, arguments: text }] : [])),
  }
}

const argumentsText = (value: unknown): string =>
  typeof value === 'string' ? value : isRecord(value) ? JSON.stringify(value) : ''
