import { type Interceptor, type Result, resultOf } from '../../registry/call.ts'
import { fail } from '../../registry/errors.ts'
import {
  canGrow,
  cutOf,
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

/** The bound of an answer: characters of its JSON, or bytes. */
export type Bound = number | { bytesMax: number }
/** Makes the excerpt of an answer that is over a bound. */
export type Excerpt = (tool: Tool, result: Result, bound: Bound) => Promise<Result>

/**
 * Cuts an answer to a bound: the whole goes into a file, and the caller gets an excerpt of the same
 * shape whose longest strings and lists are cut, with a mark. Never a silent cut. Throws TG_TOO_LARGE
 * where even the shape alone is over the bound.
 */
export function createExcerpt(saveFile: (file: NewFile) => Promise<string>): Excerpt {
  return async (tool, result, bound) => {
    if (fits(result.json, bound)) return result
    const grows = canGrow(tool)
    // What was cut already, to a wider bound, has named its file.
    const whole = cutOf(tool, result.output) ?? (await save(tool, result.json))
    const marker = grows ? { [truncatedKey]: whole } : {}
    const note = grows
      ? ' … [cut]'
      : ` … [cut: the whole answer is ${whole.bytes} bytes, in file ${whole.file}]`
    let keep = sizeMax(bound) / 2
    for (let round = 0; round < boundsLimits.roundsMax; round++, keep /= 2) {
      const shorter = resultOf({ ...(cut(result.output, keep, note) as JsonObject), ...marker })
      if (fits(shorter.json, bound)) return shorter
    }
    const limit = `${sizeMax(bound)} ${typeof bound === 'number' ? 'characters' : 'bytes'}`
    throw fail('TG_TOO_LARGE', `the answer of ${tool.name}`, limit, 'ask for less')
  }

  async function save(tool: Tool, json: string) {
    const bytes = Buffer.from(json)
    const name = `${tool.name}.json`
    return {
      file: await saveFile({ bytes, mediaType: 'application/json', name }),
      bytes: bytes.length,
    }
  }
}

/** Keeps every answer under the bound of inline answers. */
export const bounds =
  (excerpt: Excerpt, bytesMax: number = boundsLimits.inlineBytesMax): Interceptor =>
  next =>
  async (tool, input, context) =>
    excerpt(tool, await next(tool, input, context), { bytesMax })

const sizeMax = (bound: Bound): number => (typeof bound === 'number' ? bound : bound.bytesMax)

function fits(json: string, bound: Bound): boolean {
  if (typeof bound === 'number') return json.length <= bound
  // A UTF-16 unit is at most three bytes of UTF-8, so short texts need no counting.
  return json.length * 3 <= bound.bytesMax || Buffer.byteLength(json) <= bound.bytesMax
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
