import { fail, failFrom } from '../errors.ts'
import type { JsonObject, NewFile } from '../tool.ts'
import { resultKey } from './answers.ts'
import { bareType, isJson, isText } from './media.ts'
import type { AnswerPart, AnswerPlan } from './plan.ts'

/** A successful answer, read whole. */
export type WireAnswer = {
  host: string
  /** As the server declares it; may be absent or a lie. */
  mediaType: string
  bytes: Buffer
  /** Where it came from, for addresses within it. */
  url: string
  /** From Content-Disposition. */
  fileName?: string
}

/** What reading an answer may use. */
export type AnswerOptions = {
  saveFile: (file: NewFile) => Promise<string>
  /** Fetches what an answer names by URL. */
  fetchFile: (url: URL) => Promise<NewFile>
}

/** Makes the output of an answer; throws TG_UPSTREAM_INVALID where it is not what was promised. */
export async function readAnswer(
  plan: AnswerPlan,
  answer: WireAnswer,
  options: AnswerOptions,
): Promise<JsonObject> {
  switch (plan.as) {
    case 'object':
      return asOutput(jsonOf(answer))
    case 'value':
      return { [resultKey]: looseValue(answer) }
    case 'text':
      return { [resultKey]: textOf(answer) }
    case 'file':
      return { [plan.name]: await saveBytes(plan.mediaType, answer, options) }
    case 'parts':
      return readParts(plan.parts, jsonOf(answer), answer, options)
    case 'at':
      return readAt(plan, answer, options)
  }
}

const asOutput = (value: unknown): JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : { [resultKey]: value }

const textOf = ({ bytes, mediaType }: WireAnswer): string => {
  const charset = /charset="?([\w-]+)/i.exec(mediaType)?.[1] ?? 'utf-8'
  try {
    return new TextDecoder(charset).decode(bytes)
  } catch {
    // A charset that nobody knows: UTF-8 is the likeliest.
    return new TextDecoder().decode(bytes)
  }
}

const isMarkup = (text: string): boolean => /^\s*<(!doctype|html|\?xml)/i.test(text.slice(0, 200))

/** The JSON of an answer, whatever type it declares; nothing at all is null. */
function jsonOf(answer: WireAnswer): unknown {
  if (answer.bytes.length === 0) return null
  const text = textOf(answer)
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    const type = bareType(answer.mediaType)
    const got = isMarkup(text) ? 'markup' : isText(type) || type === '' ? 'text' : type
    const quiet = new SyntaxError('the answer is no JSON', { cause: (cause as Error).name })
    throw failFrom(quiet, 'TG_UPSTREAM_INVALID', answer.host, `${got} instead of JSON`)
  }
}

/** JSON where it says so, else the text; bytes that are neither were not promised. */
function looseValue(answer: WireAnswer): unknown {
  const type = bareType(answer.mediaType)
  if (answer.bytes.length === 0) return null
  if (type === '' || isJson(type)) return jsonOf(answer)
  const text = textOf(answer)
  if (isText(type)) return /^\s*[[{"]/.test(text) ? (parseQuietly(text) ?? text) : text
  throw fail('TG_UPSTREAM_INVALID', answer.host, `${type} instead of JSON`)
}

function parseQuietly(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    // It only looked like JSON; it is the text that it says it is.
    return undefined
  }
}

async function saveBytes(
  expected: string,
  answer: WireAnswer,
  { saveFile }: AnswerOptions,
): Promise<string> {
  const type = bareType(answer.mediaType)
  const isOther = (isJson(type) || type === 'text/html') && bareType(expected) !== type
  if (isOther || answer.bytes.length === 0)
    throw fail(
      'TG_UPSTREAM_INVALID',
      answer.host,
      `${answer.bytes.length === 0 ? 'nothing' : type} instead of ${expected}`,
    )
  return saveFile({
    bytes: answer.bytes,
    mediaType: type || expected,
    name: answer.fileName ?? '',
  })
}

/** AgentLego's answers: a bare value, or a list with a place for each part. */
async function readParts(
  parts: readonly AnswerPart[],
  json: unknown,
  answer: WireAnswer,
  options: AnswerOptions,
): Promise<JsonObject> {
  if (parts.length > 1 && !Array.isArray(json))
    throw fail('TG_UPSTREAM_INVALID', answer.host, `one value instead of ${parts.length}`)
  const values = parts.length > 1 ? (json as unknown[]) : [json]
  const entries = parts.map(async ({ name, mediaType }, index) => {
    const value = values[index]
    if (mediaType === undefined || value === null || value === undefined)
      return [name, value ?? null] as const
    const bytes = typeof value === 'string' ? bytesOf(value) : undefined
    if (!bytes) throw fail('TG_UPSTREAM_INVALID', answer.host, `${name} is not base64`)
    return [name, await options.saveFile({ bytes, mediaType, name: '' })] as const
  })
  const output = await Promise.all(entries)
  return Object.fromEntries(output.filter(([, value]) => value !== null || parts.length === 1))
}

/** The bytes of base64, with or without a `data:` prefix. */
function bytesOf(value: string): Buffer | undefined {
  const text = value.replace(/^data:[^,]*,/, '').replace(/\s+/g, '')
  return text !== '' && /^[A-Za-z0-9+/_-]+={0,2}$/.test(text)
    ? Buffer.from(text, 'base64')
    : undefined
}

/** What stands at a path of the answer: a value, or a file that it holds or names. */
async function readAt(
  plan: AnswerPlan & { as: 'at' },
  answer: WireAnswer,
  options: AnswerOptions,
): Promise<JsonObject> {
  const { path, file } = plan
  const value = path === '' ? looseValue(answer) : valueAt(jsonOf(answer), path)
  if (value === undefined)
    throw fail('TG_UPSTREAM_INVALID', answer.host, `there is no ${path} in it`)
  if (!file) return path === '' ? asOutput(value) : { [resultKey]: value }
  const named = Array.isArray(value) ? (value[0] as unknown) : value
  if (typeof named !== 'string' || named === '')
    throw fail('TG_UPSTREAM_INVALID', answer.host, `${path} is no address of a file`)
  const isAddress = !/^data:/i.test(named) && /^(https?:|\/)/i.test(named)
  const bytes = isAddress && named.length < 8_192 ? undefined : bytesOf(named)
  const url = bytes ? undefined : URL.parse(named, answer.url)
  if (bytes)
    return { [file.name]: await options.saveFile({ bytes, mediaType: file.mediaType, name: '' }) }
  if (!url) throw fail('TG_UPSTREAM_INVALID', answer.host, `${path} is no address of a file`)
  return { [file.name]: await options.saveFile(await options.fetchFile(url)) }
}

/** `data.images[0].url` in a value; undefined where the path ends early. */
function valueAt(value: unknown, path: string): unknown {
  const keys = path
    .replace(/\[(\d+)\]/g, '.$1')
    .split('.')
    .filter(Boolean)
  return keys.reduce<unknown>(
    (at, key) =>
      typeof at === 'object' && at !== null && Object.hasOwn(at, key)
        ? (at as JsonObject)[key]
        : undefined,
    value,
  )
}
