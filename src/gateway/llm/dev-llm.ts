import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { functionName, newCallId, newChatId } from './chat.ts'
import { estimateTokens } from './count.ts'
import { contentText } from './families/family.ts'
import { isRecord, type Json, parseRecord, recordsIn } from './json.ts'
import { dataEvent, doneEvent } from './sse.ts'

/** What the scripted model does when the user's words match. */
export type DevRule = {
  /** A pattern for the last thing the user said; its groups fill `$1`, `$2` … below. */
  when: RegExp
  /** Tools to call, of those that are offered. */
  calls?: { name: string; arguments: Record<string, string> }[]
  /** What to say, where there is nothing to call; `$results` is what the tools said. */
  say?: string
}

/** A model for trying the tool loop where there is no GPU: weather, sums, and a polite rest. */
export const devScript: readonly DevRule[] = [
  {
    when: /weather (?:in|of|at|for) ([\p{L} .'-]+\p{L})/iu,
    calls: [{ name: 'weather_now', arguments: { place: '$1' } }],
  },
  {
    when: /([\p{Script=Han}]{2,}?)(?:今天|现在)?的?天气/u,
    calls: [{ name: 'weather_now', arguments: { place: '$1' } }],
  },
  {
    when: /([\d(][\d\s.()+*/^%-]*[\d)])/,
    calls: [{ name: 'calculator', arguments: { expression: '$1' } }],
  },
  {
    when: /./su,
    say: 'I am the scripted model of Toolgate. Ask me for the weather, or for a sum.',
  },
]

/** Where the scripted model listens, and what it says; 0 is any free port. */
export type DevLlmOptions = { port?: number; host?: string; script?: readonly DevRule[] }
/** A running scripted model. */
export type DevLlm = { url: string; model: string; close(): Promise<void> }

const model = 'toolgate-dev'
const bodyBytesMax = 16 * 1024 * 1024

/** Starts the scripted model; it answers like a current LMDeploy, the same to the same question. */
export async function startDevLlm(options: DevLlmOptions = {}): Promise<DevLlm> {
  const { port = 23_333, host = '127.0.0.1', script = devScript } = options
  const server = createServer((request, response) => {
    serve(request, response, script).catch((error: unknown) => response.destroy(error as Error))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  const { port: bound } = server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    model,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  script: readonly DevRule[],
): Promise<void> {
  const body = request.method === 'POST' ? parseRecord(await read(request)) : {}
  if (!body) return send(response, 400, { object: 'error', message: 'not JSON', code: 400 })
  if (request.url === '/health') return send(response, 200, { status: 'healthy' })
  if (request.url === '/v1/models') {
    return send(response, 200, { object: 'list', data: [{ id: model, object: 'model' }] })
  }
  if (request.url === '/v1/encode') {
    const texts = [body['input']].flat().map(String)
    return send(response, 200, { length: texts.map(estimateTokens) })
  }
  if (request.url !== '/v1/chat/completions') return send(response, 404, { detail: 'Not Found' })
  const turn = turnOf(body, script)
  if (body['stream'] === true) stream(response, body, turn)
  else send(response, 200, whole(body, turn))
}

async function read(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length
    if (bytes > bodyBytesMax) throw new Error('the body is too large')
    parts.push(part)
  }
  return Buffer.concat(parts).toString()
}

function send(response: ServerResponse, status: number, json: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json))
}

type Turn = { say: string; calls: { id: string; name: string; arguments: string }[] }

/** What the model does next: calls what its rule says, then tells what came of it. */
function turnOf(body: Json, script: readonly DevRule[]): Turn {
  const messages = recordsIn(body['messages'])
  const last = messages.findLastIndex(({ role }) => role === 'user')
  const asked = contentText(messages[last]?.['content'])
  const results = messages
    .slice(last + 1)
    .filter(({ role }) => role === 'tool')
    .map(({ content }) => contentText(content))
  if (results.length > 0) return { say: results.join('\n'), calls: [] }
  const offered = new Set(recordsIn(body['tools']).flatMap(tool => functionName(tool) ?? []))
  for (const { when, calls = [], say } of script) {
    const match = when.exec(asked)
    if (!match) continue
    const fill = (text: string): string =>
      text.replace(/\$(\d)/g, (_, group: string) => (match[Number(group)] ?? '').trim())
    const made = calls
      .filter(({ name }) => offered.has(name))
      .map(call => ({
        id: newCallId(),
        name: call.name,
        arguments: JSON.stringify(
          Object.fromEntries(
            Object.entries(call.arguments).map(([key, text]) => [key, fill(text)]),
          ),
        ),
      }))
    if (made.length > 0) return { say: '', calls: made }
    if (say !== undefined) return { say: fill(say), calls: [] }
  }
  return { say: 'I have nothing to say to that.', calls: [] }
}

const usageOf = (body: Json, { say, calls }: Turn): Json => {
  const prompt = estimateTokens(JSON.stringify(body['messages'] ?? ''))
  const completion = estimateTokens(say + JSON.stringify(calls))
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
  }
}
const finishOf = ({ calls }: Turn): string => (calls.length > 0 ? 'tool_calls' : 'stop')
const callOf = ({ id, name, arguments: text }: Turn['calls'][number]): Json => ({
  id,
  type: 'function',
  function: { name, arguments: text },
})
const now = (): number => Math.floor(Date.now() / 1000)

const whole = (body: Json, turn: Turn): Json => ({
  id: newChatId(),
  object: 'chat.completion',
  created: now(),
  model,
  choices: [
    {
      index: 0,
      message: {
        role: 'assistant',
        content: turn.say || null,
        ...(turn.calls.length > 0 ? { tool_calls: turn.calls.map(callOf) } : {}),
      },
      finish_reason: finishOf(turn),
    },
  ],
  usage: usageOf(body, turn),
})

function stream(response: ServerResponse, body: Json, turn: Turn): void {
  const envelope = { id: newChatId(), object: 'chat.completion.chunk', created: now(), model }
  const chunk = (delta: Json, finish: string | null = null): string =>
    dataEvent({ ...envelope, choices: [{ index: 0, delta, finish_reason: finish }] })
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(chunk({ role: 'assistant', content: '' }))
  for (const word of turn.say.match(/\s*\S+/g) ?? []) response.write(chunk({ content: word }))
  for (const [index, call] of turn.calls.entries()) {
    response.write(chunk({ tool_calls: [{ index, ...callOf(call) }] }))
  }
  response.write(chunk({}, finishOf(turn)))
  const options = body['stream_options']
  if (isRecord(options) && options['include_usage'] === true) {
    response.write(dataEvent({ ...envelope, choices: [], usage: usageOf(body, turn) }))
  }
  response.end(doneEvent)
}
