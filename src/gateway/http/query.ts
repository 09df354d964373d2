import { fail } from '../../registry/errors.ts'
import { nearestName } from '../../registry/parse.ts'
import type { Selection } from '../../registry/select.ts'

/** A request's query as Fastify parses it. */
export type Query = Record<string, string | string[] | undefined>

/** Refuses parameters that are not known, naming the nearest: a misspelt filter must not filter nothing. */
export function checkQuery(query: Query, known: readonly string[]): void {
  for (const name of Object.keys(query)) {
    if (known.includes(name) || name === 'key') continue
    const near = nearestName(name, known)
    throw fail(
      'TG_QUERY',
      name,
      `is not known${near ? `: did you mean "${near}"?` : ''}${known.length ? `; there are ${known.join(', ')}` : ''}`,
    )
  }
}

/** A parameter's one value; undefined when it is absent or empty. */
export function oneOf(query: Query, name: string): string | undefined {
  const value = query[name]
  if (Array.isArray(value)) throw fail('TG_QUERY', name, 'is given more than once')
  return value === '' ? undefined : value
}

/** A parameter that lists values, split on commas, given once or more. */
export function listOf(query: Query, name: string): string[] | undefined {
  const values = [query[name] ?? []].flat().flatMap(value => value.split(','))
  const list = values.flatMap(value => value.trim() || [])
  return list.length > 0 ? list : undefined
}

/** A yes or no. */
export function flagOf(query: Query, name: string): boolean | undefined {
  const value = oneOf(query, name)
  if (value === undefined) return undefined
  if (/^(1|true|yes)$/i.test(value)) return true
  if (/^(0|false|no)$/i.test(value)) return false
  throw fail('TG_QUERY', name, `must be true or false, not "${value}"`)
}

/** A whole number within bounds. */
export function numberOf(
  query: Query,
  name: string,
  bounds: { min: number; max: number },
): number | undefined {
  const value = oneOf(query, name)
  if (value === undefined) return undefined
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN
  if (number >= bounds.min && number <= bounds.max) return number
  throw fail('TG_QUERY', name, `must be a whole number of ${bounds.min} to ${bounds.max}`)
}

/** The parameters by which documents and dialects are sliced. */
export const sliceParameters = ['tools', 'tags', 'available'] as const

/** Reads a slice: `tools` and `tags` are lists of globs, `available=all` adds what cannot work now. */
export function selectionOf(query: Query): Selection {
  const tools = listOf(query, 'tools')
  const tags = listOf(query, 'tags')
  const available = oneOf(query, 'available')
  if (available !== undefined && available !== 'all')
    throw fail('TG_QUERY', 'available', `must be "all", not "${available}"`)
  return { ...(tools ? { tools } : {}), ...(tags ? { tags } : {}), all: available === 'all' }
}
