import { type Interceptor, type Result, resultOf } from '../../registry/call.ts'
import {
  canGrow,
  type JsonObject,
  type NewFile,
  type Tool,
  truncatedKey,
} from '../../registry/tool.ts'

/** Bounds of one answer. */
export const boundsLimits = {
  /** An answer over this is kept as a file and an excerpt is sent, bytes of JSON. */
  inlineBytesMax: 256 * 1024,
  roundsMax: 20,
} as const

/** Makes the excerpt of an answer that is over a bound of `charactersMax` characters of JSON. */
export type Excerpt = (tool: Tool, result: Result, charactersMax: number) => Promise<Result>

/**
 * Cuts an answer to a bound: the whole goes into a file, and the caller gets an excerpt of the same
 * shape whose longest strings and lists are cut, with a mark. Never a silent cut.
 */
export function createExcerpt(saveFile: (file: NewFile) => Promise<string>): Excerpt {
  return async (tool, result, charactersMax) => {
    if (result.json.length <= charactersMax) return result
    const bytes = Buffer.byteLength(result.json)
    const file = await saveFile({
      bytes: Buffer.from(result.json),
      mediaType: 'application/json',
      name: `${tool.name}.json`,
    })
    const note = ` … [cut: the whole answer is ${bytes} bytes, in file ${file}]`
    const marker = canGrow(tool) ? { [truncatedKey]: { file, bytes } } : {}
    let keep = charactersMax / 2
    for (let round = 0; round < boundsLimits.roundsMax; round++, keep /= 2) {
      const output = { ...(cut(result.output, keep, note) as JsonObject), ...marker }
      if (JSON.stringify(output).length <= charactersMax) return resultOf(output)
    }
    return resultOf({ ...marker, note: note.trim() })
  }
}

/** Keeps every answer under the bound of inline answers. */
export const bounds =
  (excerpt: Excerpt, bytesMax: number = boundsLimits.inlineBytesMax): Interceptor =>
  next =>
  async (tool, input, context) => {
    const result = await next(tool, input, context)
    // A UTF-16 unit is at most three bytes of UTF-8, so short texts need no counting.
    if (result.json.length * 3 <= bytesMax) return result
    const bytes = Buffer.byteLength(result.json)
    if (bytes <= bytesMax) return result
    return excerpt(tool, result, Math.floor((bytesMax * result.json.length) / bytes))
  }

/** Cuts strings to `keep` characters and lists to what fits into `keep` characters of JSON. */
function cut(value: unknown, keep: number, note: string): unknown {
  if (typeof value === 'string') return value.length > keep ? clip(value, keep) + note : value
  if (Array.isArray(value)) return cutList(value, keep, note)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, cut(member, keep, note)]),
  )
}

function cutList(list: unknown[], keep: number, note: string): unknown[] {
  const kept: unknown[] = []
  let left = keep
  for (const item of list) {
    const shorter = cut(item, keep / 4, note)
    left -= JSON.stringify(shorter).length
    if (left < 0) break
    kept.push(shorter)
  }
  return kept
}

/** Never cuts a surrogate pair in two. */
const clip = (text: string, length: number): string =>
  text.slice(0, Math.floor(length)).replace(/[\ud800-\udbff]$/, '')
