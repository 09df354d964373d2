import type { JsonSchema } from './tool.ts'
import { follow, isSchema } from './views/references.ts'

/** A schema as its author declared it, and the document that its references point into. */
export type Declared = { readonly schema: unknown; readonly root: JsonSchema }

/** All that a schema says together: itself, what it refers to, and its alternatives. */
function partsOf({ schema, root }: Declared, seen = new Set<unknown>()): JsonSchema[] {
  if (!isSchema(schema) || seen.has(schema)) return []
  seen.add(schema)
  const start = { root, direction: 'input', trail: [], depth: 0, budget: { nodes: 0 } } as const
  const [followed] = follow(schema, start)
  const parts = ['anyOf', 'oneOf', 'allOf'].flatMap(keyword => followed[keyword] ?? [])
  return [followed, ...parts.flatMap(part => partsOf({ schema: part, root }, seen))]
}

/** The declaration of a property. */
export const propertyOf = (declared: Declared, name: string): Declared => ({
  schema: firstOf(declared, part => {
    const properties = part['properties']
    return isSchema(properties) && Object.hasOwn(properties, name) ? properties[name] : undefined
  }),
  root: declared.root,
})

/** The declaration of an array's items. */
export const itemOf = (declared: Declared): Declared => ({
  schema: firstOf(declared, part => part['items']),
  root: declared.root,
})

function firstOf(declared: Declared, read: (part: JsonSchema) => unknown): unknown {
  for (const part of partsOf(declared)) {
    const found = read(part)
    if (found !== undefined) return found
  }
  return undefined
}

/** True when null is one of the values. */
export const takesNull = (declared: Declared): boolean =>
  partsOf(declared).some(
    part =>
      [part['type']].flat().includes('null') ||
      part['const'] === null ||
      (Array.isArray(part['enum']) && part['enum'].includes(null)),
  )
