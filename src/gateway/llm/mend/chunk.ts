import { type Chunk, type ChunkChoice, mendUsage, type TurnChoice, type Usage } from '../chat.ts'
import { isRecord, type Json, numberOf } from '../json.ts'
import { type NodeProblem, nodeProblem } from '../problem.ts'
import {
  type ChoiceMender,
  type ChoiceOptions,
  createChoiceMender,
  type HeldCall,
} from './choice.ts'

export type MendOptions = ChoiceOptions & {
  id: string
  created: number
  /** As the client named it. */
  model: string
  /** The client asked for usage: a last chunk carries it. Else no chunk does. */
  includeUsage: boolean
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
  push(chunk: Json): void
  /** The error the node sent in its stream. */
  readonly problem: NodeProblem | undefined
  /** True once every choice that began has its finish reason. */
  readonly finished: boolean
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
export function createMender(options: MendOptions, emit: (chunk: Chunk) => void): Mender {
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
    const chunk: Chunk = { ...more, ...envelope, choices: sent }
    if (includeUsage) chunk.usage = null
    emit(chunk)
  }
  const sendOne = (choice: ChunkChoice | undefined): void => {
    if (choice) send([choice])
  }
  const turns = (): TurnChoice[] => [...choices.values()].map(choice => choice.turn())

  return {
    get problem() {
      return problem
    },
    get finished() {
      return choices.size > 0 && [...choices.values()].every(({ finish }) => finish !== undefined)
    },
    push(chunk) {
      if ('error' in chunk || 'error_code' in chunk || chunk['object'] === 'error') {
        problem ??= nodeProblem(200, JSON.stringify(chunk)) ?? unnamed
        return
      }
      const { choices: raw, usage: counted, ...more } = chunk
      if (counted) usage = mendUsage(counted) ?? usage
      if (!Array.isArray(raw)) return
      const sent: ChunkChoice[] = []
      for (const one of raw as unknown[]) {
        if (!isRecord(one)) continue
        const mender = choiceAt(numberOf(one['index']) ?? 0)
        const mended = mender.push(one)
        if (mended) sent.push(mended)
        if (mender.finish === 'error') problem ??= unnamed
      }
      if (sent.length > 0) send(sent, more)
    },
    settle() {
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
}

const unnamed: NodeProblem = { status: 502, message: 'the engine failed on this request' }
