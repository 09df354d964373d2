/** An object that came from outside: nothing of it is known yet. */
export type Json = { [name: string]: unknown }

/** True for a JSON object, not for null or an array. */
export const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The objects in a list; what is no list has none. */
export const recordsIn = (value: unknown): Json[] =>
  Array.isArray(value) ? value.filter(isRecord) : []

/** A string, or undefined for anything else. */
export const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined

/** A finite number, or undefined for anything else. */
export const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined

/** A whole number of at least 1. */
export const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1

/** What a text says as JSON; undefined when it is none (JSON has no undefined of its own). */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** As parseJson, for texts that must be an object. */
export function parseRecord(text: string): Json | undefined {
  const value = parseJson(text)
  return isRecord(value) ? value : undefined
}

/** Members to set; undefined takes one out. */
export type Patch = { [name: string]: unknown }

/**
 * Changes top-level members of a JSON object in its text and leaves every other byte as it came:
 * numbers keep their digits, strings their escapes, and a picture of 10 MiB is not written anew.
 * `text` must be valid JSON.
 */
export function editMembers(text: string, patch: Patch): string {
  const left = new Map(Object.entries(patch))
  const kept: string[] = []
  for (const { name, start, end } of members(text)) {
    if (!(name in patch)) kept.push(text.slice(start, end))
    else if (left.has(name)) {
      const value = left.get(name)
      left.delete(name)
      if (value !== undefined) kept.push(`${JSON.stringify(name)}:${JSON.stringify(value)}`)
    }
  }
  for (const [name, value] of left) {
    if (value !== undefined) kept.push(`${JSON.stringify(name)}:${JSON.stringify(value)}`)
  }
  return `{${kept.join(',')}}`
}

const quote = 0x22
const comma = 0x2c
const isOpen = (code: number): boolean => code === 0x7b || code === 0x5b
const isClose = (code: number): boolean => code === 0x7d || code === 0x5d
/** The end of the JSON string that begins at `at`: just after its closing quote. */
export function stringEnd(text: string, at: number): number {
  for (let close = text.indexOf('"', at + 1); close !== -1; close = text.indexOf('"', close + 1)) {
    let slashes = 0
    while (text[close - 1 - slashes] === '\\') slashes += 1
    if (slashes % 2 === 0) return close + 1
  }
  return text.length
}

/** Where each member of a valid JSON object begins and ends, the space around it included. */
function* members(text: string): Generator<{ name: string; start: number; end: number }> {
  let depth = 0
  let start = 0
  let name: string | undefined
  let at = 0
  while (at < text.length) {
    const code = text.charCodeAt(at)
    if (code === quote) {
      const end = stringEnd(text, at)
      if (depth === 1) name ??= String(JSON.parse(text.slice(at, end)))
      at = end
      continue
    }
    if (isClose(code)) depth -= 1
    const separates = depth === 0 ? isClose(code) : depth === 1 && code === comma
    if (separates && name !== undefined) {
      yield { name, start, end: at }
      name = undefined
    }
    if (isOpen(code)) depth += 1
    if (separates || (depth === 1 && isOpen(code) && name === undefined)) start = at + 1
    at += 1
  }
}
