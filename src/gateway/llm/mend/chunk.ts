import { type Chunk, type ChunkChoice, mendUsage, type TurnChoice, type Usage } from '../chat.ts'
import { isRecord, type Json, numberOf, parseRecord } from '../json.ts'
import { createFrames } from './frames.ts'
import { bytesOf, dataEvent } from '../sse.ts'
import { type NodeProblem, nodeProblem, saysError } from '../problem.ts'
import {
  type ChoiceMender,
  type ChoiceOptions,
  createChoiceMender,
  type HeldCall,
} from './choice.ts'

/** How a stream is to be read, and what its chunks say of themselves. */
export type MendOptions = ChoiceOptions & {
  id: string
  created: number
  /** As the client named it. */
  model: string
  /** The client asked for usage: a last chunk carries it. Else no chunk does. */
  includeUsage: boolean
  /** Takes events, a byte a character, in place of chunks: the client reads OpenAI's, and nothing looks at them. */
  passEvents?: ((events: string) => void) | undefined
}

/** How a turn stands when its node is done. */
export type Mended = {
  choices: TurnChoice[]
  usage: Usage | undefined
  /** Names of calls whose arguments came to nothing. */
  broken: string[]
  held: HeldCall[]
}

/** Turns the chunks of any LMDeploy version into those of OpenAI's. */
export type Mender = {
  /** One event of the node's stream, as its data stood there. */
  event(data: string): void
  /** True where some bytes may need no look. */
  readonly passes: boolean
  /** Passes what needs no look from the beginning of some bytes; returns how many are done. */
  pass(bytes: Buffer): number
  push(chunk: Json): void
  /** A choice of a whole answer, its message as if it were a delta. */
  pushChoice(index: number, choice: Json): void
  /** The tokens a node says it took. */
  count(usage: unknown): void
  /** The error the node sent in its stream. */
  problem(): NodeProblem | undefined
  /** True once every choice that began has its finish reason. */
  isFinished(): boolean
  /** Sends what was held back; the finish chunks are still to come. */
  settle(): Mended
  /** A call that was held, or made good after the node was done. */
  addCall(call: HeldCall): void
  /** Forgets what was called: only where nothing of it was sent. */
  dropCalls(): void
  /** The choices as they stand now. */
  choices(): TurnChoice[]
  /** The finish chunk of each choice, then the usage. */
  close(ending: { usage?: Usage | undefined; finish?: string; toolgate?: unknown }): void
}

/** Makes the mender of one stream; `emit` gets each chunk that is to go out. */
export function createMender(
  options: MendOptions,
  emitChunk: ((chunk: Chunk) => void) | undefined,
): Mender {
  const { passEvents } = options
  const frames = passEvents && !options.createParser ? createFrames(passEvents) : undefined
  /** The event that is being mended. */
  let data: string | undefined
  const emit = (chunk: Chunk): void => {
    if (!frames) return emitChunk?.(chunk)
    const events = bytesOf(dataEvent(chunk))
    if (data !== undefined) frames.learn({ data, mended: chunk, events })
    passEvents?.(events)
  }
  const { id, created, model, includeUsage } = options
  const envelope = { id, object: 'chat.completion.chunk', created, model } as const
  const choices = new Map<number, ChoiceMender>()
  let usage: Usage | undefined
  let problem: NodeProblem | undefined

  const choiceAt = (index: number): ChoiceMender => {
    const known = choices.get(index)
    if (known) return known
    const made = createChoiceMender(index, options)
    choices.set(index, made)
    return made
  }
  const send = (sent: ChunkChoice[], more?: Json): void => {
    if (!emitChunk) return
    const chunk: Chunk = { ...more, ...envelope, choices: sent }
    if (includeUsage) chunk.usage = null
    emit(chunk)
  }
  const sendOne = (choice: ChunkChoice | undefined): void => {
    if (choice) send([choice])
  }
  /** What was passed by its bytes is said now. */
  const catchUp = (): void => {
    const taken = frames?.taken()
    if (taken) choiceAt(taken.index).said(taken.text)
  }
  const turns = (): TurnChoice[] => [...choices.values()].map(choice => choice.turn())

  const mender: Mender = {
    event(text) {
      const chunk = parseRecord(text)
      if (!chunk) return
      catchUp()
      data = text
      mender.push(chunk)
      data = undefined
    },
    passes: frames !== undefined,
    pass: bytes => frames?.pass(bytes) ?? 0,
    problem: () => problem,
    isFinished: () =>
      choices.size > 0 && [...choices.values()].every(choice => choice.finish() !== undefined),
    push(chunk) {
      if (saysError(chunk)) {
        problem ??= nodeProblem(200, JSON.stringify(chunk)) ?? unnamed
        return
      }
      const { choices: raw, usage: counted, ...more } = chunk
      mender.count(counted)
      if (!Array.isArray(raw)) return
      const sent: ChunkChoice[] = []
      let ended = false
      for (const one of raw as unknown[]) {
        if (!isRecord(one)) continue
        const mender = choiceAt(numberOf(one['index']) ?? 0)
        const mended = mender.push(one)
        if (mended) sent.push(mended)
        ended ||= mender.finish() !== undefined
        if (mender.finish() === 'error') problem ??= unnamed
      }
      if (sent.length > 0) send(sent, more)
      // Nothing that a choice says after its end may pass.
      if (ended) frames?.forget()
    },
    pushChoice(index, choice) {
      const mender = choiceAt(index)
      const mended = mender.push(choice)
      if (mended) send([mended])
      if (mender.finish() === 'error') problem ??= unnamed
    },
    count(counted) {
      if (counted) usage = mendUsage(counted) ?? usage
    },
    settle() {
      catchUp()
      if (choices.size === 0) choiceAt(0)
      const broken: string[] = []
      for (const choice of choices.values()) {
        sendOne(choice.flush())
        const settled = choice.settle()
        sendOne(settled.choice)
        broken.push(...settled.broken)
      }
      const held = [...choices.values()].flatMap(choice => [...choice.held])
      return { choices: turns(), usage, broken, held }
    },
    addCall: ({ index, ...call }) => sendOne(choiceAt(index).addCall(call)),
    dropCalls() {
      for (const choice of choices.values()) choice.dropCalls()
    },
    choices: turns,
    close({ usage: counted, finish, toolgate }) {
      for (const [index, choice] of choices) {
        sendOne(choice.begin())
        const { rest, finish: own } = choice.turn()
        const last = { ...rest, index, delta: {}, finish_reason: finish ?? own }
        send([last], toolgate ? { toolgate } : {})
      }
      const last = counted ?? usage
      if (includeUsage && last) emit({ ...envelope, choices: [], usage: last })
    },
  }
  return mender
}

const unnamed: NodeProblem = { status: 502, message: 'the engine failed on this request' }
