import type { JsonSchema } from '../tool.ts'
import { mapSchema } from './function-schema.ts'
import { isNever, normalise } from './normalise.ts'
import type { Direction } from './references.ts'

/**
 * A schema with all it says, for the full document: real lists, nesting, unions. Every schema in it
 * has a type or is a union of such, since some readers stop at one that has none.
 */
export const fullSchema = (schema: JsonSchema, direction: Direction): JsonSchema =>
  mapSchema(normalise(schema, direction), typed)

const anything = ['string', 'number', 'boolean', 'object', 'array', 'null'].map(type => ({ type }))

function typed(schema: JsonSchema): JsonSchema {
  if (isNever(schema)) return { type: 'null', description: 'Nothing fits here.' }
  return 'type' in schema || 'anyOf' in schema ? schema : { ...schema, anyOf: anything }
}
