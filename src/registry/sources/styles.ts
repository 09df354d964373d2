import type { Placed, Style } from './plan.ts'

/** A value inside a path, query, header or cookie, as text; objects and lists within are JSON. */
export const text = (value: unknown): string =>
  typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)

/** Percent-encodes all but unreserved characters; with `allowReserved` those stay that a query may hold. */
export const encode = (value: string, allowReserved = false): string => {
  // Half of a surrogate pair cannot be encoded.
  const encoded = encodeURIComponent(value.toWellFormed()).replace(
    /[!'()*]/g,
    char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return allowReserved
    ? encoded.replace(/%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B|5B|5D)/g, whole =>
        decodeURIComponent(whole),
      )
    : encoded
}

const entriesOf = (value: object): [string, unknown][] =>
  Object.entries(value).filter(([, item]) => item !== undefined && item !== null)
const isList = (value: unknown): value is unknown[] => Array.isArray(value)
const isRecord = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !isList(value)

/** A value in a path or header, without a name: simple, label and matrix. */
export function writeSimple(
  { name, style, explode }: Placed,
  value: unknown,
  encodes = true,
): string {
  const say = (item: unknown): string => (encodes ? encode(text(item)) : text(item))
  if (style === 'json') return say(JSON.stringify(value))
  const [first, between] = {
    label: ['.', explode ? '.' : ','],
    matrix: [';', explode ? ';' : ','],
  }[style as string] ?? ['', ',']
  const key = say(name)
  if (isList(value)) {
    const items = value.map(say)
    if (style === 'matrix')
      return explode ? items.map(item => `;${key}=${item}`).join('') : `;${key}=${items.join(',')}`
    return first + items.join(between)
  }
  if (isRecord(value)) {
    const pairs = entriesOf(value).map(([part, item]) =>
      explode ? `${say(part)}=${say(item)}` : `${say(part)},${say(item)}`,
    )
    return style === 'matrix' && !explode
      ? `;${key}=${pairs.join(',')}`
      : first + pairs.join(between)
  }
  return style === 'matrix' ? `;${key}=${say(value)}` : first + say(value)
}

const separators: Partial<Record<Style, string>> = {
  form: ',',
  spaceDelimited: '%20',
  pipeDelimited: '%7C',
  tabDelimited: '%09',
}

/** A value in a query, form or cookie: none, one or several `name=value`, already encoded. */
export function writePairs(
  { name, style, explode, allowReserved }: Omit<Placed, 'argument' | 'in'>,
  value: unknown,
): string[] {
  const say = (item: unknown): string => encode(text(item), allowReserved)
  const key = encode(name)
  if (style === 'json') return [`${key}=${say(JSON.stringify(value))}`]
  if (isList(value)) {
    if (value.length === 0) return []
    if (explode || style === 'deepObject') return value.map(item => `${key}=${say(item)}`)
    return [`${key}=${value.map(say).join(separators[style] ?? ',')}`]
  }
  if (!isRecord(value)) return [`${key}=${say(value)}`]
  if (style === 'deepObject') return deepPairs(name, value, 0)
  if (explode) return entriesOf(value).map(([part, item]) => `${encode(part)}=${say(item)}`)
  const parts = entriesOf(value).flatMap(([part, item]) => [encode(part), say(item)])
  return parts.length > 0 ? [`${key}=${parts.join(separators[style] ?? ',')}`] : []
}

/** `filter[a][b]=1`; lists within are repeated. */
function deepPairs(name: string, value: object, depth: number): string[] {
  return entriesOf(value).flatMap(([part, item]) => {
    const key = `${name}[${part}]`
    if (isRecord(item) && depth < 5) return deepPairs(key, item, depth + 1)
    const items = isList(item) ? item : [item]
    return items.map(member => `${encode(key)}=${encode(text(member))}`)
  })
}
