import { fail, failFrom, isToolError, type ToolError } from '../../registry/errors.ts'
import { readAnswer } from '../../registry/sources/answer.ts'
import type { HttpPlan } from '../../registry/sources/plan.ts'
import { buildRequest } from '../../registry/sources/request.ts'
import type { JsonObject, NewFile, ToolContext } from '../../registry/tool.ts'
import { asObject } from '../../registry/views/walk.ts'
import type { Breaker, Permit } from '../policies/breaker.ts'
import { download } from '../http/download.ts'
import { readAll } from '../http/body.ts'
import type { Guard } from '../http/guard.ts'
import type { Redact } from '../http/redact.ts'
import { statusError } from '../http/upstream-answer.ts'
import { exchange, type Exchanged } from './exchange.ts'

/** Bounds of answers of other servers. */
export const httpCallLimits = {
  answerBytesMax: 32 * 1_048_576,
  errorCharactersMax: 2_000,
} as const

/** How calls of one source go out. */
export type HttpCallOptions = {
  guard: Pick<Guard, 'check' | 'dispatcher'>
  /** The source's headers, lower case. */
  headers: Readonly<Record<string, string>>
  /** The one origin that the source's headers are for. */
  origin: string
  breaker: Breaker
  redact: Redact
  userAgent: string
  now: () => number
}

/** One call: what it is, and the record's name for errors. */
export type HttpCall = { plan: HttpPlan; tool: string; input: JsonObject }

/** Makes the function that calls operations and endpoints of one source. */
export function createHttpCall(options: HttpCallOptions) {
  const { guard, headers, origin, breaker, userAgent } = options
  const secret = new Set(Object.keys(headers))

  return async ({ plan, tool, input }: HttpCall, context: ToolContext): Promise<JsonObject> => {
    const { signal, readFile, saveFile } = context
    const target = plan.kind === 'template' ? plan.url : plan.server
    const sendsCredentials = URL.parse(target)?.origin === origin
    const wire = await buildRequest(plan, { tool, input, headers, sendsCredentials, readFile })
    const host = URL.parse(wire.url)?.host ?? ''
    const permit = breaker.enter(host)
    let answer: Exchanged
    try {
      const bytesMax = httpCallLimits.answerBytesMax
      answer = await exchange(wire, { guard, signal, bytesMax, userAgent, secret })
      judge(permit, answer.status)
    } catch (error) {
      judgeError(permit, error)
      throw refusedAsFault(error, host)
    }
    if (answer.status >= 300) throw answerError(plan, tool, answer, options)
    return readAnswer(plan.answer, answer, { saveFile, fetchFile })

    /** The server names the file, so the guard's rules for strangers hold; that it fails is the server's fault. */
    async function fetchFile(url: URL): Promise<NewFile> {
      const { answerBytesMax } = httpCallLimits
      try {
        return await download(url, { guard, signal, userAgent }, async file => {
          const bytes = await readAll(file.stream, answerBytesMax)
          if (!bytes)
            throw fail('TG_UPSTREAM_INVALID', url.host, `it is over ${answerBytesMax} bytes`)
          return { bytes, name: file.name, mediaType: file.mediaType ?? '' }
        })
      } catch (error) {
        if (!isToolError(error) || error.code !== 'TG_URL_REFUSED') throw error
        const problem = `it names a file that may not be fetched: ${error.message}`
        throw failFrom(error, 'TG_UPSTREAM_INVALID', host, problem)
      }
    }
  }
}

function judge(permit: Permit, status: number): void {
  if (status >= 500) permit.fail()
  else permit.succeed()
}

function judgeError(permit: Permit, error: unknown): void {
  if (isToolError(error) && error.code === 'TG_UPSTREAM_UNREACHABLE') permit.fail()
  else permit.leave()
}

/** The address came from a document or from config: that the guard refuses it is no fault of the caller. */
const refusedAsFault = (error: unknown, host: string): unknown =>
  isToolError(error) && error.code === 'TG_URL_REFUSED'
    ? failFrom(error, 'TG_UPSTREAM_UNREACHABLE', host, error.message)
    : error

/** What a status of 300 or more says: of the arguments, of the thing asked for, or of the server. */
function answerError(
  plan: HttpPlan,
  tool: string,
  answer: Exchanged,
  { redact, now }: HttpCallOptions,
): ToolError {
  const { host, status, headers } = answer
  const text = answer.bytes.toString('utf8', 0, 4 * httpCallLimits.errorCharactersMax)
  const error = statusError(host, { status, headers, text }, { redact, nowMs: now() })
  const problem = String(error.args[1])
  if (status === 422) {
    const named = namedArguments(text)
    if (named) return fail('TG_ARGUMENT_INVALID', tool, named.argument, redact(named.problem))
  }
  const isAgentlego = plan.kind === 'operation' && plan.errors === 'agentlego'
  // There a 400 is whatever the tool raised, not what it was given.
  if (status === 422 || (status === 400 && !isAgentlego))
    return fail('TG_ARGUMENT_INVALID', tool, 'arguments', `were refused by ${host}: ${problem}`)
  const asksForOne =
    plan.kind === 'operation' && plan.parameters.some(({ in: at }) => at === 'path')
  if (status === 404 && asksForOne) return fail('TG_NOT_FOUND', 'answer', `${tool}: ${problem}`)
  if (status === 408) return fail('TG_DEADLINE', host, 0)
  if (status === 401 || status === 403)
    return fail('TG_UPSTREAM_FAILED', host, `${problem}: see the headers of the source`)
  return error
}

/** FastAPI's `{"detail": [{"loc": ["body", "x"], "msg": "…"}]}`. */
function namedArguments(text: string): { argument: string; problem: string } | undefined {
  const details = asObject(parseQuietly(text))['detail']
  const [first] = Array.isArray(details) ? details.map(asObject) : []
  if (!first || typeof first['msg'] !== 'string' || !Array.isArray(first['loc'])) return undefined
  const place = first['loc'].filter(part => part !== 'body').map(String)
  return {
    argument: place.join('.').slice(0, 100) || 'arguments',
    problem: first['msg'].slice(0, 300),
  }
}

function parseQuietly(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The status is the error; what cannot be read adds nothing to it.
    return undefined
  }
}
