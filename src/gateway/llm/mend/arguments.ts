import { Errors } from 'typebox/schema'
import { isRecord, type Json, parseJson, parseRecord } from '../json.ts'

/** What is to be done with the arguments of a call once all of them are here. */
export type Settled = {
  /** The whole, as a JSON object in text; undefined when nothing can be made of it. */
  whole?: string
  /** What is still to be sent after the part that was streamed. */
  suffix: string
  /** They were absent: the model gave none, or the node lost them. */
  absent?: boolean
}

/** True while a fragment may be streamed: an object has begun, nothing that must be unwrapped. */
export const isObjectSoFar = (text: string): boolean => /^\s*\{/.test(text)

/** Arguments that a node never sent are none: `{}`. */
const absentArguments = (text: string): Settled | undefined =>
  text.trim() === '' ? { whole: '{}', suffix: '{}', absent: true } : undefined

/** 0.18 passes on a literal `null`. */
const nullArguments = (text: string): Settled | undefined =>
  text.trim() === 'null' ? { whole: '{}', suffix: '{}' } : undefined

/** 0.18 passes on arguments that were encoded twice. */
function doubleEncoded(text: string): Settled | undefined {
  if (!text.trimStart().startsWith('"')) return undefined
  const inner = parseJson(text)
  if (typeof inner !== 'string') return undefined
  return parseRecord(inner) ? { whole: inner, suffix: inner } : undefined
}

const goodArguments = (text: string): Settled | undefined =>
  parseRecord(text) ? { whole: text, suffix: '' } : undefined

/** Up to 0.12 the internlm and qwen2d5 parsers never sent the closing characters. */
function missingClose(text: string): Settled | undefined {
  for (const suffix of ['"}', '}', '"}}', '}}']) {
    if (parseRecord(text + suffix)) return { whole: text + suffix, suffix }
  }
  return undefined
}

/** Settles the arguments of a call. `closes`: the node may be one that forgets the end. */
export function settleArguments(text: string, { closes }: { closes: boolean }): Settled {
  return (
    absentArguments(text) ??
    nullArguments(text) ??
    doubleEncoded(text) ??
    goodArguments(text) ??
    (closes ? missingClose(text) : undefined) ?? { suffix: '' }
  )
}

/** What a schema has against arguments, in words a model can act on; undefined when nothing. */
export function argumentsProblem(schema: Json | undefined, text: string): string | undefined {
  const value = parseJson(text)
  if (!isRecord(value)) return 'the arguments are not a JSON object'
  if (!schema) return undefined
  try {
    const [fine, errors] = Errors(schema, value)
    if (fine) return undefined
    const said = errors
      .filter(({ keyword }) => keyword !== 'boolean')
      .slice(0, 4)
      .map(({ instancePath, message }) => `${instancePath || 'the arguments'} ${message}`)
    return said.length > 0 ? said.join('; ') : 'the arguments do not fit the schema'
  } catch {
    // A schema that cannot be read is the client's own business: it was never checked before either.
    return undefined
  }
}
