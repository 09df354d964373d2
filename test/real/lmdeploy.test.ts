import { readFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import {
  createGateway,
  eventsOf,
  type Loose,
  namedEventsOf,
  type TestGateway,
} from '../fixtures/llm/gateway.ts'
import { Completion, readStream, shapeProblem } from '../fixtures/llm/openai-shapes.ts'
import { sharedFolder } from '../fixtures/shared-folder.ts'

const { folder, skip } = sharedFolder('fixtures/lmdeploy/0.18.0/')

type Recording = {
  file: string
  server: string
  note: string
  request: {
    method: string
    path: string
    headers: Record<string, string>
    body?: Loose
    rawBody?: string
  }
  response: { status: number; headers: [string, string][] }
  reads: [number, number][]
  chunked: boolean
  end: string
}

/** Sends what was recorded, as it was recorded: same bytes, same cuts, same pauses. */
async function replay(
  { file, response, reads, chunked }: Recording,
  out: ServerResponse,
): Promise<void> {
  const body = readFileSync(new URL(file, folder))
  const type = response.headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1]
  out.writeHead(response.status, type ? { 'content-type': type } : {})
  if (!chunked || !file.endsWith('.sse')) return void out.end(body)
  out.flushHeaders()
  const events = body.toString('latin1').split(/(?<=\n\n)/)
  let before = reads[0]?.[0] ?? 0
  for (const [index, event] of events.entries()) {
    const at = reads[index + 1]?.[0] ?? before
    if (at - before > 1) await sleep(Math.min(at - before, 6))
    before = at
    out.write(event, 'latin1')
  }
  out.end()
}

async function startReplay() {
  let current: Recording | undefined
  const server = createServer((request, response) => {
    request.resume()
    request.on('end', () => {
      if (request.url === '/health') return response.end('{"status":"healthy"}')
      if (request.url === '/openapi.json') {
        const paths = [
          '/v1/chat/completions',
          '/v1/messages',
          '/v1/responses',
          '/health',
          '/update_weights_from_ipc',
        ]
        return response.end(
          JSON.stringify({ paths: Object.fromEntries(paths.map(path => [path, {}])) }),
        )
      }
      if (request.method === 'GET') return response.end('{"data":[{"id":"tiny"}]}')
      if (!current) return response.writeHead(500).end()
      return void replay(current, response)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    play: (recording: Recording) => void (current = recording),
    close: () => new Promise(resolve => server.close(resolve).closeAllConnections()),
  }
}

const index = (): Recording[] => JSON.parse(readFileSync(new URL('index.json', folder), 'utf8'))
const isPost = ({ request, server }: Recording, path: string): boolean =>
  request.method === 'POST' &&
  request.path === path &&
  request.body !== undefined &&
  server !== 'none'

t.test('a real LMDeploy 0.18.0, replayed', { skip }, async t => {
  const node = await startReplay()
  const gateway: TestGateway = await createGateway({
    nodes: [{ url: node.url, models: ['tiny', 'zzz'] }],
    limits: { attemptsMax: 1, failuresMax: 1_000, ejectMs: 1, nodelessMs: 3_000 },
  })
  t.teardown(async () => {
    await gateway.app.close()
    await node.close()
  })
  const settled = async (): Promise<void> => {
    while (gateway.pool.nodes()[0]?.state !== 'ready') {
      await gateway.pool.probe()
      await sleep(5)
    }
  }
  const all = index()

  t.test('every chat answer is valid, streamed or not', async t => {
    let streams = 0
    let wholes = 0
    for (const recording of all.filter(one => isPost(one, '/v1/chat/completions'))) {
      const { file, request } = recording
      node.play(recording)
      await settled()
      const answer = await gateway.post('/v1/chat/completions', request.body)
      if (answer.status !== 200) {
        t.match(
          answer.json,
          { error: { message: String, type: String } },
          `${file} is an error in OpenAI's shape`,
        )
        continue
      }
      if (request.body.stream === true && answer.text.startsWith('data: ')) {
        streams += 1
        const events = eventsOf(answer.text)
        if (events.some(event => event.error)) {
          t.equal(events.at(-1), '[DONE]', `${file} ends after its error`)
          continue
        }
        if (request.body.n === 2) continue
        const includeUsage = request.body.stream_options?.include_usage === true
        const { problems, said } = readStream(events, { includeUsage })
        t.same(problems, [], file)
        if (said.finish === 'tool_calls') {
          for (const call of said.calls)
            t.type(JSON.parse(call.arguments), 'object', `${file}: arguments are JSON`)
        }
      } else {
        wholes += 1
        t.equal(shapeProblem(Completion, answer.json), undefined, file)
      }
    }
    t.ok(streams > 40 && wholes > 30, `${streams} streams and ${wholes} whole answers`)
  })

  t.test('raw and native answers are the recorded bytes', async t => {
    for (const path of [
      '/v1/chat/completions',
      '/v1/completions',
      '/v1/messages',
      '/v1/responses',
      '/v1/encode',
      '/generate',
    ]) {
      for (const recording of all.filter(one => isPost(one, path) && one.end === 'eof')) {
        if (
          recording.request.body.messages === undefined &&
          recording.request.body.prompt === undefined &&
          recording.request.body.input === undefined
        )
          continue
        node.play(recording)
        await settled()
        const answer = await gateway.post(path, recording.request.body, { 'x-toolgate-raw': '1' })
        if (answer.status === 400 && recording.response.status !== 400) continue
        if (
          recording.response.status >= 401 ||
          (recording.request.body.model === undefined && path.startsWith('/v1/c'))
        )
          continue
        t.equal(answer.text, readFileSync(new URL(recording.file, folder), 'utf8'), recording.file)
        t.equal(answer.status, recording.response.status)
      }
    }
  })

  t.test('messages and responses are made of the chat recordings too', async t => {
    const chats = all.filter(
      one =>
        isPost(one, '/v1/chat/completions') &&
        one.server === 'pytorch' &&
        one.response.status === 200,
    )
    for (const recording of chats.filter(({ file }) =>
      /chat_hello|tool_call(?:_stream|\.)|tool_calls_two|reasoning/.test(file),
    )) {
      const { request, file } = recording
      const tools = request.body.tools?.map(({ function: one }: Loose) => ({
        name: one.name,
        description: one.description,
        input_schema: one.parameters,
      }))
      node.play(recording)
      const answer = await gateway.post('/v1/messages', {
        model: 'tiny',
        max_tokens: 99,
        messages: [{ role: 'user', content: 'x' }],
        stream: request.body.stream ?? false,
        tools: tools ?? [{ name: 'none', input_schema: { type: 'object' } }],
      })
      if (request.body.stream) {
        const events = namedEventsOf(answer.text)
        t.equal(events[0]?.event, 'message_start', file)
        t.equal(events.at(-1)?.event, 'message_stop', file)
      } else t.match(answer.json, { type: 'message', stop_reason: String }, file)
    }
  })
})
