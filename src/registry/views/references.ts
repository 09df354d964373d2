import type { JsonSchema } from '../tool.ts'
import { viewLimits } from './view.ts'

/** What callers give, or what they get: an absent input may as well be null, an output may not. */
export type Direction = 'input' | 'output'

/** Where a walk through a schema stands. */
export type Context = {
  readonly root: unknown
  readonly direction: Direction
  /** The references that led here: one that comes again is a cycle. */
  readonly trail: readonly string[]
  readonly depth: number
  /** Schemas seen in all: references that fan out must not multiply without end. */
  readonly budget: { nodes: number }
}

/** True for a schema written as an object. */
export const isSchema = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const again = 'The same kind of value again.'

/** The schema a `$ref` stands for, with the keywords beside it, and the context below it. */
export function follow(schema: JsonSchema, context: Context): [JsonSchema, Context] {
  let [at, here] = [schema, context]
  while (typeof at['$ref'] === 'string' || typeof at['$dynamicRef'] === 'string') {
    const { $ref = at['$dynamicRef'], $dynamicRef: _dynamic, ...beside } = at
    const ref = $ref as string
    const target = resolve(here.root, ref)
    const cycle = here.trail.includes(ref) || here.trail.length >= viewLimits.refDepthMax
    if (cycle || !isSchema(target)) return [{ ...cutOff(target, cycle), ...beside }, here]
    at = { ...target, ...beside }
    here = { ...here, trail: [...here.trail, ref] }
  }
  return [at, here]
}

/** What stands where a reference cannot be followed: the type alone, if that much is known. */
function cutOff(target: unknown, cycle: boolean): JsonSchema {
  const type =
    isSchema(target) && typeof target['type'] === 'string' ? { type: target['type'] } : {}
  return cycle ? { ...type, description: again } : {}
}

/** Finds what a local JSON pointer names; other documents are never fetched. */
function resolve(root: unknown, ref: string): unknown {
  if (ref === '#') return root
  if (!ref.startsWith('#/')) return isSchema(root) ? byAnchor(root, ref.slice(1)) : undefined
  return ref
    .slice(2)
    .split('/')
    .map(part => decode(part).replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>(
      (at, key) => (isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined),
      root,
    )
}

function byAnchor(root: JsonSchema, anchor: string): unknown {
  const definitions = root['$defs'] ?? root['definitions']
  if (!isSchema(definitions)) return undefined
  return Object.values(definitions).find(
    definition =>
      isSchema(definition) &&
      [definition['$anchor'], definition['$dynamicAnchor']].includes(anchor),
  )
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

/** Pointers in a fragment are percent-encoded; what is no encoding stands as it is. */
const decode = (part: string): string =>
  new URLSearchParams(`x=${part.replaceAll('+', '%2B').replaceAll('&', '%26')}`).get('x') ?? part
