import Anthropic from '@anthropic-ai/sdk'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import OpenAI from 'openai'
import t, { type Test } from 'tap'
import { messageStreamProblems, Message } from '../fixtures/llm/anthropic-shapes.ts'
import { createGateway, type Loose } from '../fixtures/llm/gateway.ts'
import {
  Chunk,
  Completion,
  readStream,
  shapeProblem,
  TextChunk,
  TextCompletion,
} from '../fixtures/llm/openai-shapes.ts'
import { type Recording, startReplay } from '../fixtures/llm/replay.ts'
import { responseStreamProblems, WholeResponse } from '../fixtures/llm/responses-shapes.ts'
import { sharedFolder } from '../fixtures/shared-folder.ts'

const { folder, skip } = sharedFolder('fixtures/lmdeploy/0.18.0/')
const recordings = (): Recording[] =>
  JSON.parse(readFileSync(new URL('index.json', folder), 'utf8'))
const bytesOf = ({ file }: Recording): string => readFileSync(new URL(file, folder), 'utf8')

/** A gateway before a node that replays; both engines alike, or LMDeploy's own proxy. */
async function setUp(t: Test, kind: 'engine' | 'proxy') {
  const paths =
    kind === 'proxy'
      ? ['/nodes/status', '/v1/chat/completions']
      : ['/v1/chat/completions', '/v1/messages', '/v1/responses', '/update_weights_from_ipc']
  const node = await startReplay(folder, { health: kind === 'engine', paths })
  const gateway = await createGateway({
    nodes: [{ url: node.url, models: ['tiny', 'zzz'], key: 'k1' }],
    limits: { attemptsMax: 1, failuresMax: 1_000, ejectMs: 1, nodelessMs: 3_000 },
  })
  const address = await gateway.listen()
  t.teardown(async () => {
    await gateway.app.close()
    await node.close()
  })
  return {
    ...gateway,
    node,
    openai: new OpenAI({ baseURL: `${address}/v1`, apiKey: 'mine', maxRetries: 0 }),
    anthropic: new Anthropic({ baseURL: address, apiKey: 'mine', maxRetries: 0 }),
    /** Plays the recording to whoever asks next; a node that was set aside is back first. */
    play: async (recording: Recording): Promise<void> => {
      node.play(recording)
      while (gateway.pool.nodes()[0]?.state !== 'ready') {
        await gateway.pool.probe()
        await sleep(5)
      }
    },
  }
}

/** What a client of the SDK gets: objects, and the error that ended them. */
type Seen = { objects: Loose[]; error?: Loose }
async function seen(asked: Promise<unknown>): Promise<Seen> {
  const objects: Loose[] = []
  const plain = (value: unknown): Loose => JSON.parse(JSON.stringify(value))
  try {
    const answer = await asked
    if (typeof answer === 'object' && answer && Symbol.asyncIterator in answer)
      for await (const one of answer as AsyncIterable<unknown>) objects.push(plain(one))
    else objects.push(plain(answer))
    return { objects }
  } catch (error) {
    return { objects, error }
  }
}
const problemsOf = (shape: Parameters<typeof shapeProblem>[0], objects: Loose[]): string[] =>
  objects.flatMap(one => shapeProblem(shape, one) ?? [])

/** What is wrong with what a client of chat got. */
function chatProblems(body: Loose, objects: Loose[]): string[] {
  if (!body.stream) return problemsOf(Completion, objects)
  const problems = problemsOf(Chunk, objects)
  const includeUsage = body.stream_options?.include_usage === true
  for (let index = 0; index < (body.n ?? 1); index += 1) {
    const mine = objects.flatMap(chunk => {
      const choices = chunk.choices.filter((one: Loose) => one.index === index)
      return choices.length > 0 || chunk.choices.length === 0 ? [{ ...chunk, choices }] : []
    })
    const read = readStream([...mine, '[DONE]'], { includeUsage })
    problems.push(...read.problems)
    if (read.said.finish === 'tool_calls' && body.tools)
      for (const call of read.said.calls)
        if (typeof JSON.parse(call.arguments) !== 'object') problems.push(`${call.name}: no object`)
  }
  return problems
}

/** The status under which a client should see what was recorded; the node's own is not always true. */
function statusOf(recording: Recording): number {
  const { file, response } = recording
  if (file in ours) return ours[file]!
  if (response.status === 401) return 502
  if (response.status === 422) return 400
  if (response.status !== 200 || file.endsWith('.sse')) return response.status
  const answer: Loose = JSON.parse(bytesOf(recording))
  return answer.object === 'error' ? answer.code : 200
}
/** Where we say something else than the node did: 0 is an error event in a stream that had begun. */
const ours: Record<string, number> = {
  'pytorch/error_bad_role.json': 400,
  'pytorch/tool_choice_named_unknown.json': 400,
  'pytorch/tool_call_broken_json.json': 502,
  'pytorch/tool_call_unknown_tool.json': 502,
  'pytorch/tool_call_broken_json_stream.sse': 0,
  'turbomind/tool_call_broken_json_stream.sse': 0,
  'pytorch/abort_stream.sse': 0,
}

const surfaces = [
  '/v1/chat/completions',
  '/v1/completions',
  '/v1/messages',
  '/v1/messages/count_tokens',
  '/v1/responses',
  '/v1/encode',
  '/v1/embeddings',
  '/generate',
]
const isPost = ({ request }: Recording, path: string): boolean =>
  request.method === 'POST' && request.path === path && request.body !== undefined
const fromEngine = ({ server }: Recording): boolean => server !== 'proxy'

t.test('a real LMDeploy 0.18.0, replayed with its timing', { skip }, async t => {
  const all = recordings()
  t.equal(all.length, 237)
  const played = new Set<string>()

  for (const kind of ['engine', 'proxy'] as const)
    t.test(`OpenAI's client gets no invalid object: ${kind}`, async t => {
      const { play, openai, node } = await setUp(t, kind)
      for (const recording of all.filter(one => fromEngine(one) === (kind === 'engine'))) {
        const { body } = recording.request
        const isChat = isPost(recording, '/v1/chat/completions')
        if (!isChat && !isPost(recording, '/v1/completions')) continue
        const { file } = played.add(recording.file) && recording
        await play(recording)
        const { objects, error } = await seen(
          isChat ? openai.chat.completions.create(body) : openai.completions.create(body),
        )
        const status = error ? (error.status ?? 0) : 200
        t.equal(status, statusOf(recording), `${file}: ${error?.message}`)
        const check = isChat ? chatProblems : textProblems
        if (!error) t.same(check(body, objects), [], file)
      }
      t.ok(node.got.length >= 10)
      const others = node.got.filter(({ headers }) => headers.authorization !== 'Bearer k1')
      t.same(others, [], "the node gets its own key, never a client's")
    })

  t.test("Anthropic's client and Responses are told the same answers", async t => {
    const { play, openai, anthropic } = await setUp(t, 'engine')
    const chats = all.filter(
      one =>
        isPost(one, '/v1/chat/completions') &&
        fromEngine(one) &&
        statusOf(one) === 200 &&
        // What the model called there was swallowed by the node, and is in nothing it sent.
        one.file !== 'pytorch/tool_call_no_tools_in_request.json' &&
        (one.request.body.n ?? 1) === 1,
    )
    t.ok(chats.length > 100)
    for (const recording of chats) {
      const { body } = recording.request
      const tools: Loose[] = (body.tools ?? []).map((tool: Loose) => tool.function)
      // One that LMDeploy's own route would not be asked for.
      if (tools.length === 0) tools.push({ name: 'none', parameters: { type: 'object' } })
      const stream = body.stream ?? false
      await play(recording)
      const message = await seen(
        anthropic.messages.create({
          model: 'tiny',
          max_tokens: 99,
          messages: [{ role: 'user', content: 'x' }],
          tools: tools.map(({ name, parameters }) => ({ name, input_schema: parameters })),
          stream,
        }),
      )
      await play(recording)
      const response = await seen(
        openai.responses.create({
          model: 'tiny',
          input: 'x',
          tools: tools.map(one => ({ type: 'function', strict: null, parameters: null, ...one })),
          stream,
        }),
      )
      t.same(lost(message, response), [], recording.file)
      t.same(
        stream ? messageStreamProblems(message.objects) : problemsOf(Message, message.objects),
        [],
        recording.file,
      )
      t.same(
        stream
          ? responseStreamProblems(response.objects)
          : problemsOf(WholeResponse, response.objects),
        [],
        recording.file,
      )
    }
  })

  for (const kind of ['engine', 'proxy'] as const)
    t.test(`raw answers are the recorded bytes: ${kind}`, async t => {
      const { play, post } = await setUp(t, kind)
      const raw = { 'x-toolgate-raw': '1' }
      for (const recording of all.filter(one => fromEngine(one) === (kind === 'engine'))) {
        const { file, request, response, end } = recording
        if (!surfaces.some(path => isPost(recording, path)) || end !== 'eof') continue
        played.add(file)
        await play(recording)
        const answer = await post(request.path, request.body, raw)
        if (request.body.model === undefined && answer.status === 400) {
          t.match(answer.text, /name a model/, `${file} is refused here`)
          continue
        }
        t.equal(answer.status, response.status, file)
        if (request.path !== '/v1/messages/count_tokens')
          t.equal(answer.text, bytesOf(recording), file)
      }
    })

  t.test('plain messages are passed to the engine that answers them itself', async t => {
    const { play, post } = await setUp(t, 'engine')
    const plain = all.filter(
      one => isPost(one, '/v1/messages') && !one.request.body.tools && one.response.status === 200,
    )
    t.ok(plain.length > 8)
    for (const recording of plain) {
      await play(recording)
      const { text } = await post('/v1/messages', recording.request.body)
      t.equal(text, bytesOf(recording), recording.file)
    }
  })

  t.test('everything else ends here: no node is asked', async t => {
    const { app, node } = await setUp(t, 'engine')
    const rest = all.filter(({ file }) => !played.has(file))
    for (const { file, request } of rest) {
      played.add(file)
      const { method, path: url, headers, bodyText, body } = request
      const { statusCode } = await app.inject({
        method: method as 'GET',
        url,
        headers: { ...headers, authorization: 'Bearer mine' },
        payload: bodyText ?? (body ? JSON.stringify(body) : ''),
      })
      const isList = method === 'GET' && url.endsWith('/v1/models')
      t.ok(isList ? statusCode === 200 : statusCode >= 400, `${file}: ${statusCode}`)
    }
    t.same(node.got, [], `${rest.length} requests`)
    t.equal(played.size, 237)
  })
})

const textProblems = (body: Loose, objects: Loose[]): string[] =>
  body.skip_special_tokens === false
    ? []
    : problemsOf(body.stream ? TextChunk : TextCompletion, objects)

const lost = (...answers: Seen[]): string[] =>
  answers.flatMap(({ error }) => (error ? [String(error.message)] : []))
