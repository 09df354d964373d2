import { type JsonObject } from '../tool.ts'
import type { ProfileName } from './profiles.ts'
import { viewLimits } from './view.ts'
import { asObject, contentOf, type FoundOperation, toolOperationsOf } from './walk.ts'

/** One demand of some importer on a document. */
export type Rule = {
  id: string
  /** The documents that it holds for. */
  profiles: readonly ProfileName[]
  /** What happens where it is broken. */
  why: string
  /** What is wrong, one sentence a problem, each saying how to mend it. */
  check(document: JsonObject, profile: ProfileName): readonly string[]
}

/** Runs a check on every operation that is a tool. */
export const eachTool = (
  document: JsonObject,
  check: (found: FoundOperation) => readonly string[],
): string[] => toolOperationsOf(document).flatMap(check)
/** The sentence, where something is broken. */
export const problem = (broken: boolean, sentence: string): string[] => (broken ? [sentence] : [])
/** True for a text with something in it. */
export const isText = (value: unknown): value is string =>
  typeof value === 'string' && value.trim() !== ''

/** The schemes that a security requirement names. */
export const namesOf = (security: unknown): string[] =>
  Array.isArray(security) ? security.flatMap(entry => Object.keys(asObject(entry))) : []

/** True for a value that comes back from its JSON as it was. */
export const isPlainJson = (value: unknown): boolean => {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true
  if (typeof value === 'number') return Number.isFinite(value)
  return typeof value === 'object' && Object.values(value).every(isPlainJson)
}

/** Problems with the type of one schema. */
export function typeProblems(schema: unknown, at: string): string[] {
  if (typeof schema !== 'object' || schema === null) return [`${at}: write a schema as an object`]
  const { type, anyOf, $ref } = schema as JsonObject
  if (Array.isArray(type)) return [`${at}: give it one type, not a list`]
  if ('const' in schema) return [`${at}: write const as an enum of one`]
  return problem(
    typeof type !== 'string' && !Array.isArray(anyOf) && $ref === undefined,
    `${at}: give it a type`,
  )
}

const scalars = new Set<unknown>(['string', 'integer', 'number', 'boolean'])

/** Problems with one argument of the common core. */
export function propertyProblems(property: JsonObject, at: string): string[] {
  const { type, description, enum: values, default: fallback } = property
  const texts =
    values === undefined ||
    (Array.isArray(values) && values.every(value => typeof value === 'string'))
  return [
    ...problem(!scalars.has(type), `${at}: make it a string, integer, number or boolean`),
    ...problem(
      !isText(description) || description.length > viewLimits.propertyCharactersMax,
      `${at}: give it a description of at most 700 characters`,
    ),
    ...problem(typeof fallback === 'object', `${at}: give it a scalar default or none`),
    ...problem(!texts, `${at}: list allowed values as texts, or in the description`),
    ...problem(
      !isSaidInWords(property),
      `${at}: repeat the allowed values, range and default in the description`,
    ),
  ]
}

/** Values that are many are told in part, so the first stands for all. */
function isSaidInWords({
  description,
  enum: values,
  minimum,
  maximum,
  default: fallback,
}: JsonObject): boolean {
  const said = isText(description) ? description : ''
  const facts = [
    Array.isArray(values) ? (values as unknown[])[0] : undefined,
    minimum,
    maximum,
    fallback,
  ]
  return facts.every(
    fact =>
      fact === undefined ||
      fact === '' ||
      said.includes(typeof fact === 'string' ? fact.slice(0, 100) : JSON.stringify(fact)),
  )
}

/** Problems with one answer. */
export function answerProblems(response: unknown, at: string): string[] {
  const contents = contentOf(response)
  const schemas = contents.map(([, media]) => asObject(media['schema']))
  return [
    ...problem(
      contents.length !== 1 || contents[0]?.[0] !== 'application/json',
      `${at}: answer in application/json and nothing else`,
    ),
    ...schemas.flatMap(schema =>
      problem(
        schema['type'] !== 'object' || !('properties' in schema),
        `${at}: answer an object with properties`,
      ),
    ),
  ]
}

/** True for a value with the key anywhere in it. */
export const hasKey = (value: unknown, key: string): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (Object.hasOwn(value, key) || Object.values(value).some(member => hasKey(member, key)))
