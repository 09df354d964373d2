import {
  type CallDelta,
  type ChunkChoice,
  type Delta,
  mendFinish,
  type ToolOffer,
  type TurnChoice,
} from '../chat.ts'
import { isRecord, type Json, textOf } from '../json.ts'
import { type CallJoiner, createCallJoiner } from './calls.ts'

/** Text that a model wrote, told apart: what it says, what it thinks, what it calls. */
export type Piece =
  { text: string } | { reasoning: string } | { call: { name: string; arguments: string } }
/** Reads pieces out of text that arrives bit by bit; a tag cut in two is held back. */
export type TextParser = { push(text: string): Piece[]; end(): Piece[] }
/** A call found in text: not sent yet, so that it can be checked first. */
export type HeldCall = { index: number; name: string; arguments: string }

/** How one choice is to be read. */
export type ChoiceOptions = {
  offer: ToolOffer
  /** The node may be older than 0.13 and forget the end of arguments. */
  closes: boolean
  /** An earlier turn of the same answer was sent: the role is said. */
  continues?: boolean
  /** Where calls or thoughts stand in the text itself. */
  createParser?: (() => TextParser) | undefined
}

/** Mends one choice of a stream. What it returns is to be sent; undefined says nothing new. */
export type ChoiceMender = {
  /** Why the node ended it; undefined while it goes on. */
  finish(): string | undefined
  readonly held: readonly HeldCall[]
  push(raw: Json): ChunkChoice | undefined
  /** Text that was sent already. */
  said(text: string): void
  /** What a parser still held, and an answer that a reasoning parser took for a thought. */
  flush(): ChunkChoice | undefined
  /** The end of arguments, and the names of calls whose arguments came to nothing. */
  settle(): { choice: ChunkChoice | undefined; broken: string[] }
  addCall(call: { name: string; arguments: string }): ChunkChoice | undefined
  dropCalls(): void
  /** The role, where nothing has said it. */
  begin(): ChunkChoice | undefined
  /** The choice put together. */
  turn(): TurnChoice
}

/** Makes the mender of the choice with this index. */
export function createChoiceMender(index: number, options: ChoiceOptions): ChoiceMender {
  const { offer, closes } = options
  const parser = options.createParser?.()
  const createCalls = (): CallJoiner =>
    createCallJoiner({
      parallel: offer.parallel,
      closes,
      needsArguments: name => needsArguments(offer, name),
    })
  const held: HeldCall[] = []
  /** Made when the first call comes: most answers have none. */
  let calls: CallJoiner | undefined
  let begun = options.continues === true
  let content = ''
  let reasoning = ''
  let finish: string | undefined
  let rest: Json = {}

  /** Role once: a delta that only repeats it says nothing. */
  const choiceOf = (delta: Delta, more?: Json): ChunkChoice | undefined => {
    if (begun) {
      if (isEmpty(delta) && !more?.['logprobs']) return undefined
      return { ...more, index, delta, finish_reason: null }
    }
    begun = true
    const said = 'content' in delta || delta.tool_calls ? delta : { content: '', ...delta }
    return { ...more, index, delta: { role: 'assistant', ...said }, finish_reason: null }
  }
  const callsDelta = (fragments: CallDelta[]): Delta =>
    fragments.length > 0 ? { tool_calls: fragments } : {}
  /** Pieces as one delta; their calls are held. */
  const say = (pieces: Piece[]): Delta => {
    const delta: Delta = {}
    for (const piece of pieces) {
      if ('text' in piece) {
        content += piece.text
        delta.content = (delta.content ?? '') + piece.text
      } else if ('reasoning' in piece) {
        reasoning += piece.reasoning
        delta.reasoning_content = (delta.reasoning_content ?? '') + piece.reasoning
      } else held.push({ index, ...piece.call })
    }
    return delta
  }
  const read = (text: string): Delta => {
    if (parser) return say(parser.push(text))
    content += text
    return { content: text }
  }
  const turn = (): TurnChoice => {
    const made = calls?.calls() ?? []
    const ended = finish ?? 'stop'
    const cut = ended === 'length'
    const stopped = ended === 'tool_calls' ? 'stop' : ended
    const reason = made.length > 0 && !cut ? 'tool_calls' : stopped
    return { index, content, reasoning, calls: made, rest, finish: reason }
  }

  return {
    finish: () => finish,
    held,
    turn,
    said(text) {
      content += text
    },
    push(raw) {
      if (finish !== undefined) return undefined
      const { index: _index, delta: rawDelta, finish_reason: reason, ...others } = raw
      const more = logprobsAreWhole(others)
      const said = isRecord(rawDelta) ? statements(rawDelta) : nothing
      const delta: Delta = said.text ? { ...said.more, ...read(said.text) } : said.more
      if (said.thought) {
        reasoning += said.thought
        delta.reasoning_content = said.thought + (delta.reasoning_content ?? '')
      }
      if (said.calls) {
        calls ??= createCalls()
        const fragments = calls.push(said.calls)
        if (fragments.length > 0) delta.tool_calls = fragments
      }
      finish = mendFinish(reason)
      if (finish === undefined) return choiceOf(delta, more)
      rest = more
      return choiceOf(delta)
    },
    flush() {
      const delta = parser ? say(parser.end()) : {}
      const called = held.length > 0 || (calls?.calls().length ?? 0) > 0
      if (finish === 'stop' && reasoning && !content.trim() && !called) {
        content = reasoning
        delta.content = reasoning
      }
      return isEmpty(delta) ? undefined : choiceOf(delta)
    },
    settle() {
      // An answer that was cut may end in the middle of a call: `length` says so.
      if (finish === 'length' || !calls) return { choice: undefined, broken: [] }
      const { deltas, broken } = calls.settle()
      const delta = callsDelta(deltas)
      return { choice: isEmpty(delta) ? undefined : choiceOf(delta), broken }
    },
    addCall(call) {
      calls ??= createCalls()
      return choiceOf(callsDelta(calls.add(call)))
    },
    dropCalls() {
      calls = undefined
    },
    begin: () => (begun ? undefined : choiceOf({})),
  }
}

/** LMDeploy's have no `refusal`, which OpenAI's always have. */
const logprobsAreWhole = (choice: Json): Json =>
  isRecord(choice['logprobs'])
    ? { ...choice, logprobs: { refusal: null, ...choice['logprobs'] } }
    : choice

const needsArguments = ({ tools }: ToolOffer, name: string): boolean => {
  const required = tools.find(tool => tool.name === name)?.parameters?.['required']
  return Array.isArray(required) && required.length > 0
}

const isEmpty = (delta: Delta): boolean => {
  for (const _ in delta) return false
  return true
}

type Said = {
  text?: string | undefined
  thought?: string | undefined
  calls?: unknown
  more: Delta
}
const nothing: Said = { more: {} }

/** What a node's delta says: nulls, empty lists and repeated roles are left out. */
function statements(raw: Json): Said {
  const {
    role: _role,
    content,
    reasoning_content: thought,
    reasoning,
    tool_calls: calls,
    function_call: _functionCall,
    gen_tokens: _genTokens,
    refusal: _refusal,
    ...more
  } = raw
  return {
    text: textOf(content),
    thought: textOf(thought) ?? textOf(reasoning),
    calls: Array.isArray(calls) && calls.length > 0 ? calls : undefined,
    more,
  }
}
