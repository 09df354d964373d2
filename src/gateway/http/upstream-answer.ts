import type { Static, TSchema } from 'typebox'
import { Compile } from 'typebox/schema'
import { fail, failFrom, type ToolError } from '../../registry/errors.ts'
import { headerOf, type ResponseHeaders } from './body.ts'
import type { Redact } from './redact.ts'

/** How an error answer is read. */
export const answerLimits = {
  excerptCharactersMax: 200,
  /** When an upstream is busy and does not say for how long. */
  retryAfterMs: 60_000,
  retryAfterMsMax: 86_400_000,
} as const

/** What an upstream said. */
export type UpstreamAnswer = { status: number; headers: ResponseHeaders; text: string }

const reasonKeys = ['reason', 'message', 'detail', 'title', 'error', 'error_description', 'remark']

/** The error that a status of 300 or more stands for, with the upstream's own reason. */
export function statusError(
  host: string,
  answer: UpstreamAnswer,
  options: { redact: Redact; nowMs: number },
): ToolError {
  const { status, headers } = answer
  const reason = options.redact(reasonOf(answer.text))
  const problem = reason ? `HTTP ${status}, ${reason}` : `HTTP ${status}`
  if (status !== 429 && status !== 503) return fail('TG_UPSTREAM_FAILED', host, problem)
  const waitMs = retryAfterOf(headers, options.nowMs) ?? answerLimits.retryAfterMs
  return fail('TG_UPSTREAM_BUSY', host, problem, waitMs)
}

/** `Retry-After` in milliseconds, whichever of its two forms it has; undefined when there is none. */
export function retryAfterOf(headers: ResponseHeaders, nowMs: number): number | undefined {
  const value = headerOf(headers, 'retry-after')?.trim()
  if (!value) return undefined
  const ms = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - nowMs
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), answerLimits.retryAfterMsMax) : undefined
}

/** What an error body says, in a short line: the message of a JSON, the title of a page, or text. */
function reasonOf(text: string): string {
  const trimmed = text.trimStart()
  const said = /^[[{]/.test(trimmed) ? messageOf(parseLoosely(trimmed)) : undefined
  return oneLine(said ?? (isMarkup(trimmed) ? titleOf(trimmed) : trimmed))
}

function parseLoosely(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The status is the error; what cannot be read adds nothing to it.
    return undefined
  }
}

function messageOf(value: unknown, depth = 0): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null || depth > 3) return undefined
  const fields = value as Record<string, unknown>
  for (const key of reasonKeys) {
    const said = Object.hasOwn(fields, key) ? messageOf(fields[key], depth + 1) : undefined
    if (said) return said
  }
  return undefined
}

const isMarkup = (text: string): boolean => text.startsWith('<')
const titleOf = (text: string): string =>
  /<title[^>]*>([^<]{0,200})/i.exec(text.slice(0, 10_000))?.[1] ?? ''

const oneLine = (text: string): string => {
  const line = text
    .slice(0, 2_000)
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
  return line.length > answerLimits.excerptCharactersMax
    ? `${line.slice(0, answerLimits.excerptCharactersMax)}…`
    : line
}

/** The JSON of an answer, or TG_UPSTREAM_INVALID. */
export function parseJson(host: string, text: string, redact: Redact): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const got = text.trim() === '' ? 'nothing' : isMarkup(text.trimStart()) ? 'markup' : 'text'
    // The parser quotes what it read.
    const quiet = new SyntaxError(redact(String(cause)))
    throw failFrom(quiet, 'TG_UPSTREAM_INVALID', host, `${got} instead of JSON`)
  }
}

type Check = (value: unknown) => string | undefined

/** Checks answers against schemas, each compiled once. */
export function createFit(): <S extends TSchema>(
  host: string,
  schema: S,
  json: unknown,
) => Static<S> {
  const compiled = new WeakMap<TSchema, Check>()
  return (host, schema, json) => {
    let check = compiled.get(schema)
    if (!check) compiled.set(schema, (check = checkOf(schema)))
    const problem = check(json)
    if (problem) throw fail('TG_UPSTREAM_INVALID', host, problem)
    return json as Static<typeof schema>
  }
}

function checkOf(schema: TSchema): Check {
  const validator = Compile(schema)
  return value => {
    if (validator.Check(value)) return undefined
    const first = validator.Errors(value)[1][0]
    return first ? `${first.instancePath || 'the answer'} ${first.message}` : 'it is malformed'
  }
}
