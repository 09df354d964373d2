import type { ToolError } from '../../../registry/errors.ts'
import type { Llm, LlmCall } from '../call.ts'
import type { Chunk } from '../chat.ts'
import { bytesOf } from '../sse.ts'
import { type LoopReport, runLoop, type Step, wantsLoop } from '../loop.ts'
import type { PoolNode } from '../node.ts'
import type { Turn, TurnContext } from '../turn.ts'
import type { TurnRequest } from '../turn-request.ts'

type Names = Pick<Turn, 'id' | 'created' | 'model'>

/** One surface's way of saying what a turn says. */
export type Surface = {
  request: TurnRequest
  /** Its events are OpenAI's chunks: those that need no look are passed as they are. */
  passesEvents?: boolean
  /** What a stream begins with, before the model has said anything. */
  start?(): string
  chunk(chunk: Chunk): string
  step(step: Step, names: Names): string
  /** The proper end of a stream. */
  end(turn: Turn, toolgate: LoopReport | undefined): string
  /** The end of a stream that broke. */
  broken(problem: ToolError): string
  whole(turn: Turn, toolgate: LoopReport | undefined): unknown
}

/** Runs a request, with its loop where it wants one, and answers whole or as a stream. */
export const answerTurn = (llm: Llm, call: LlmCall, surface: Surface): Promise<unknown> =>
  surface.request.stream ? stream(llm, call, surface) : whole(llm, call, surface)

const note = (call: LlmCall, { node, retries, queuedMs, usage }: Turn): void =>
  call.note({ node: node.url, retries, queuedMs, usage })

/** A client may leave in the middle: the log is to say who was at work. */
const asked =
  (call: LlmCall) =>
  ({ url }: PoolNode): void =>
    call.note({ node: url })

async function whole(llm: Llm, call: LlmCall, surface: Surface): Promise<unknown> {
  try {
    const context = { pool: llm.pool, signal: call.signal, onNode: asked(call) }
    const { turn, toolgate } = await runLoop(surface.request, { llm, call }, context)
    note(call, turn)
    return call.reply
      .type('application/json; charset=utf-8')
      .send(JSON.stringify(surface.whole(turn, toolgate)))
  } catch (error) {
    throw call.why(error)
  }
}

/** Events are gathered while one piece of the node's stream is read, then sent in one write. */
async function stream(llm: Llm, call: LlmCall, surface: Surface): Promise<unknown> {
  const out = call.openStream({ keepAlive: true })
  // Passed events are a byte a character, so what is said between them must be as well.
  const passes = surface.passesEvents === true && !wantsLoop(surface.request.body)
  const encoding = passes ? 'latin1' : 'utf8'
  let pending = ''
  const say = (text: string): void => void (pending += passes ? bytesOf(text) : text)
  const head = (): void => {
    if (out.started) return
    out.head()
    pending = (surface.start?.() ?? '') + pending
  }
  let flowing = true
  const flush = (): boolean => {
    if (pending !== '') {
      head()
      const text = pending
      pending = ''
      flowing = out.write(text, encoding)
    }
    const flows = flowing
    flowing = true
    return flows
  }
  const context: TurnContext = {
    pool: llm.pool,
    signal: call.signal,
    onNode: asked(call),
    emit: chunk => say(surface.chunk(chunk)),
    ...(passes ? { passEvents: (events: string) => void (pending += events) } : {}),
    onHead() {
      head()
      flush()
    },
    flows: flush,
    onDrain: resume => out.onDrain(resume),
  }
  try {
    const { turn, toolgate } = await runLoop(
      surface.request,
      {
        llm,
        call,
        onStep(step, names) {
          say(surface.step(step, names))
          flush()
        },
      },
      context,
    )
    note(call, turn)
    turn.close()
    head()
    say(surface.end(turn, toolgate))
    out.end(pending, encoding)
  } catch (error) {
    const shown = call.why(error)
    if (!out.started) throw shown
    if (shown.code === 'TG_CLIENT_CLOSED') return call.reply
    say(surface.broken(shown))
    out.end(pending, encoding)
  }
  return call.reply
}
