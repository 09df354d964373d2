import type { FamilyName, PoolNode } from '../node.ts'
import type { Family } from './family.ts'
import { internlm, internlmTags } from './internlm.ts'
import { llama3, llama3Tags } from './llama3.ts'
import { qwen, qwenTags } from './qwen.ts'
import { react } from './react.ts'
import { createTagParser } from './tags.ts'
import type { TextParser } from '../mend/choice.ts'

/** Every family there is. A new one is a file and a line here. */
export const families: { readonly [Name in FamilyName]: Family } = { internlm, qwen, llama3, react }

/** The family a model's name speaks of; models without one get plain words. */
export function familyByName(model: string): FamilyName {
  if (/intern(?:lm|-?s1|vl)/i.test(model)) return 'internlm'
  if (/qwen|qwq|hermes/i.test(model)) return 'qwen'
  if (/llama-?3/i.test(model)) return 'llama3'
  return 'react'
}

/**
 * The family in which the gateway must offer tools itself; undefined where the node parses calls.
 * Told by config, else by its own refusal or its age (no tools before 0.5), else by the name.
 */
export function familyFor(node: PoolNode, served: string): FamilyName | undefined {
  const { tools } = node.spec
  if (tools !== undefined) return tools === 'native' ? undefined : tools
  const toolless = node.toolless.has(served) || (node.era !== undefined && node.era.max < 5)
  return toolless ? familyByName(node.models.get(served) ?? served) : undefined
}

/** Finds calls that a node left in the text because it was started without the right parser. */
export const createStrayParser = (): TextParser =>
  createTagParser([...internlmTags, ...qwenTags, ...llama3Tags])
