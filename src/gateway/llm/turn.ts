import { fail, failFrom } from '../../registry/errors.ts'
import { addUsage, type Chunk, newChatId, type TurnChoice, type Usage } from './chat.ts'
import { countUsage } from './count.ts'
import type { Exchanged } from './exchange.ts'
import { createStrayParser, families, familyFor } from './families/index.ts'
import { contentText } from './families/family.ts'
import { chainParsers, createThinkParser } from './families/tags.ts'
import { type Json, parseRecord, recordsIn } from './json.ts'
import { createMender, type Mended, type Mender } from './mend/chunk.ts'
import type { TextParser } from './mend/choice.ts'
import { pushCompletion } from './mend/completion.ts'
import { maybeBelow, type PoolNode } from './node.ts'
import { nodeRequest } from './node-request.ts'
import type { Pool } from './pool.ts'
import { refusalOf } from './problem.ts'
import { repairCalls } from './repair.ts'
import { createSseReader, type SseReader } from './sse.ts'
import type { Names, TurnRequest } from './turn-request.ts'
import { offersTools } from './validate.ts'

/** What a turn needs beside the request. */
export type TurnContext = {
  pool: Pool
  signal: AbortSignal
  /** The node that is being asked now. */
  onNode?: (node: PoolNode) => void
  /** Each chunk of a stream, as soon as it is here. */
  emit?: (chunk: Chunk) => void
  /** Chunks that were written already; absent where somebody must look into them. */
  passEvents?: ((events: string) => void) | undefined
  /** The node has said 200. */
  onHead?: () => void
  /** False while the client is slow. */
  flows?: () => boolean
  onDrain?: (resume: () => void) => void
}

/** A turn that is done. Its finish chunk is sent by `close`, so that a loop may go on instead. */
export type Turn = {
  id: string
  created: number
  model: string
  node: PoolNode
  retries: number
  queuedMs: number
  choices: TurnChoice[]
  usage: Usage | undefined
  /** The node's own object, where it answered whole. */
  answer: Json
  close(ending?: Ending): void
}
/** What a loop says at its end in place of its last turn. */
export type Ending = { finish?: string; usage?: Usage | undefined; toolgate?: unknown }

/** Runs one turn: finds a node, mends what it says, checks its calls. */
export async function runTurn(request: TurnRequest, context: TurnContext): Promise<Turn> {
  const names = request.names ?? {
    id: newChatId(),
    created: Math.floor(context.pool.now() / 1000),
  }
  const { mender, exchanged, answer } = await send(request, context, names)
  const { node, retries, queuedMs } = exchanged
  const mended = mender.settle()
  const repaired = await checkCalls({ request, context, mender, mended, node })
  const choices = mender.choices()
  if (isOverflow(request, { choices, mended, node })) {
    const message = 'The messages are longer than the context length of the model.'
    throw refusalOf({ status: 400, message }, node.url)
  }
  const counted = mended.usage ?? (await usageOf(request, choices, context))
  const usage = addUsage(counted, repaired)
  const close = (ending: Ending = {}): void => mender.close({ usage, ...ending })
  return {
    ...names,
    model: request.model,
    node,
    retries,
    queuedMs,
    choices,
    usage,
    answer,
    close,
  }
}

type Sent = { mender: Mender; exchanged: Exchanged; answer: Json }
/** What reads the answer of the node that has the request now. */
type Reading = { mender: Mender; reader: SseReader | undefined; done: boolean }

/** Sends the request; once more in a family's format when the node says it has no tool parser. */
async function send(request: TurnRequest, context: TurnContext, names: Names): Promise<Sent> {
  let reading: Reading | undefined
  const exchanged = await context.pool.exchange({
    model: request.served,
    conversation: request.body,
    signal: context.signal,
    request(node) {
      context.onNode?.(node)
      reading = read(request, context, { names, node })
      return nodeRequest(request, node)
    },
    ...(request.stream
      ? {
          sink: {
            head: () => context.onHead?.(),
            data(bytes) {
              if (reading) readBytes(reading, bytes)
              return context.flows?.() ?? true
            },
            onPaused: resume => (context.onDrain ? context.onDrain(resume) : resume()),
            isDone: () => reading?.done === true,
          },
        }
      : {}),
  })
  if (!reading) throw fail('TG_INTERNAL')
  if (exchanged.kind === 'streamed') return streamed(reading, exchanged)
  const { node, problem, text = '' } = exchanged
  if (problem && wantsParser(problem.message) && !familyFor(node, request.served)) {
    node.toolless.add(request.served)
    return send(request, context, names)
  }
  if (problem) throw refusalOf(problem, node.url)
  const answer = parseRecord(text)
  if (!answer) throw fail('TG_UPSTREAM_INVALID', node.url, 'its answer is not JSON')
  pushCompletion(reading.mender, answer)
  const said = reading.mender.problem()
  if (said) throw refusalOf(said, node.url)
  return { mender: reading.mender, exchanged, answer }
}

const wantsParser = (message: string): boolean =>
  /--tool-call-parser|tool[- _]call[- _]parser/i.test(message)

/** What is framed as before is passed as it is; the rest is read event by event. */
export function readBytes({ mender, reader }: Omit<Reading, 'done'>, bytes: Buffer): void {
  if (!reader) return
  if (!mender.passes) return reader.push(bytes)
  for (let at = 0; at < bytes.length;) {
    if (reader.isIdle()) at += mender.pass(at === 0 ? bytes : bytes.subarray(at))
    if (at === bytes.length) return
    const end = bytes.indexOf('\n\n', at)
    const next = end === -1 ? bytes.length : end + 2
    reader.push(bytes.subarray(at, next))
    at = next
  }
}

/** A stream that ended: well, with an error of the node's, or in the middle. */
function streamed(reading: Reading, exchanged: Extract<Exchanged, { kind: 'streamed' }>): Sent {
  const { mender, reader } = reading
  const { node, error } = exchanged
  if (!error) reader?.end()
  const problem = mender.problem()
  if (problem) throw refusalOf(problem, node.url)
  if (error) {
    const what = 'it broke off in the middle of its answer'
    throw failFrom(error, 'TG_UPSTREAM_FAILED', node.url, what)
  }
  if (!reading.done && !mender.isFinished()) {
    throw fail('TG_UPSTREAM_FAILED', node.url, 'its stream ended before the answer did')
  }
  return { mender, exchanged, answer: {} }
}

type Reader = { names: Names; node: PoolNode }

/** What mends the answer of this node; a request that moves on begins anew. */
function read(request: TurnRequest, context: TurnContext, { names, node }: Reader): Reading {
  const { model, includeUsage, offer, continues = false } = request
  const closes = maybeBelow(node, 13)
  const createParser = parserFor(request, node)
  const mender = createMender(
    {
      ...names,
      model,
      includeUsage,
      offer,
      closes,
      continues,
      createParser,
      passEvents: context.passEvents,
    },
    context.emit,
  )
  const reading: Reading = { mender, reader: undefined, done: false }
  if (request.stream) {
    reading.reader = createSseReader(({ data }) => {
      if (data === '[DONE]') reading.done = true
      else mender.event(data)
    }, context.pool.limits)
  }
  return reading
}

/** What looks for thoughts and calls in the text; nothing where the node has told them apart. */
function parserFor(request: TurnRequest, node: PoolNode): (() => TextParser) | undefined {
  const { offer, splitsThoughts, served } = request
  const name = familyFor(node, served)
  const family = name && families[name]
  const calls = !offersTools(offer)
    ? undefined
    : family
      ? () => family.createParser(offer)
      : createStrayParser
  const thinks = splitsThoughts || (family !== undefined && calls !== undefined)
  if (!thinks) return calls
  return calls ? () => chainParsers(createThinkParser(), calls()) : createThinkParser
}

type Checked = {
  request: TurnRequest
  context: TurnContext
  mender: Mender
  mended: Mended
  node: PoolNode
}

/** Sends the calls that were held, once they are good; asks the model again where they are not. */
async function checkCalls(checked: Checked): Promise<Usage | undefined> {
  const { request, context, mender, mended, node } = checked
  const { pool, signal } = context
  const streams = request.stream && context.emit !== undefined
  const repair = await repairCalls({
    offer: request.offer,
    mended,
    node: node.url,
    sent: streams && mended.choices.some(({ calls }) => calls.length > 0),
    isRepair: request.isRepair === true,
    again: (said, wrong) => runTurn(repairRequest(request, said, wrong), { pool, signal }),
  })
  if (!repair) {
    for (const call of mended.held) mender.addCall(call)
    return undefined
  }
  if (!streams) mender.dropCalls()
  for (const call of repair.calls) mender.addCall(call)
  return repair.usage
}

function repairRequest(request: TurnRequest, said: string, wrong: string): TurnRequest {
  const { bytes: _bytes, ...rest } = request
  const messages = [
    ...recordsIn(request.body['messages']),
    { role: 'assistant', content: said },
    { role: 'user', content: `${wrong}. Write the call again, correctly, and nothing else.` },
  ]
  const body = { ...request.body, stream: false, messages }
  return { ...rest, body, stream: false, includeUsage: false, isRepair: true }
}

type Outcome = { choices: TurnChoice[]; mended: Mended; node: PoolNode }

/** Before 0.16 a prompt longer than the context is a 200 with nothing in it. */
function isOverflow({ offer }: TurnRequest, { choices, mended, node }: Outcome): boolean {
  const nothing = choices.every(
    ({ content, reasoning, calls, finish }) =>
      finish === 'length' && !content && !reasoning && calls.length === 0,
  )
  const generated = (mended.usage?.completion_tokens ?? 0) > 0
  return nothing && !generated && !offersTools(offer) && maybeBelow(node, 16)
}

/** Old nodes and others count nothing in a stream: they are asked, else it is estimated. */
async function usageOf(
  request: TurnRequest,
  choices: TurnChoice[],
  { pool, signal }: TurnContext,
): Promise<Usage | undefined> {
  if (!request.includeUsage && !request.needsUsage) return undefined
  const told = recordsIn(request.body['messages']).map(({ content }) => contentText(content))
  const said = choices.map(
    ({ content, reasoning, calls }) =>
      reasoning + content + calls.map(call => call.name + call.arguments).join(''),
  )
  const { served } = request
  return countUsage(told.join('\n'), said.join('\n'), { pool, signal, served })
}
