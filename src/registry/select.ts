import { fail } from './errors.ts'
import { nearestName } from './parse.ts'
import type { RegistryView } from './registry.ts'
import type { Tool } from './tool.ts'

/** Which tools a document, a dialect or a loop offers. Patterns are names with `*`. */
export type Selection = {
  tools?: readonly string[]
  tags?: readonly string[]
  /** Also the tools that cannot work now. */
  all?: boolean
}

/**
 * Picks tools: any of `tools` and any of `tags`, both where both are given. A name or tag that
 * nothing has is TG_QUERY, since a misspelt one would silently give less.
 */
export function selectTools(registry: RegistryView, selection: Selection): readonly Tool[] {
  const listed = registry.list()
  const tools = selection.tools && byName(selection.tools, listed)
  const tags = selection.tags && byTag(selection.tags, listed)
  const pool = selection.all ? listed : registry.available()
  if (!tools && !tags) return pool
  return pool.filter(tool => (tools?.(tool) ?? true) && (tags?.(tool) ?? true))
}

type Match = (tool: Tool) => boolean

function byName(patterns: readonly string[], tools: readonly Tool[]): Match {
  const names = tools.map(({ name }) => name)
  const matchers = patterns.map(pattern => {
    const matches = globOf(pattern)
    if (names.some(matches)) return matches
    const near = nearestName(pattern, names)
    throw fail(
      'TG_QUERY',
      'tools',
      pattern.includes('*')
        ? `has the pattern "${pattern}", which matches no tool`
        : `names "${pattern}", which is no tool${near ? `: did you mean "${near}"?` : ''}`,
    )
  })
  return ({ name }) => matchers.some(matches => matches(name))
}

function byTag(patterns: readonly string[], tools: readonly Tool[]): Match {
  const tags = [...new Set(tools.flatMap(tool => tool.tags))]
  const matchers = patterns.map(pattern => {
    const matches = globOf(pattern)
    if (!tags.some(matches))
      throw fail('TG_QUERY', 'tags', `names "${pattern}": the tags are ${tags.sort().join(', ')}`)
    return matches
  })
  return tool => tool.tags.some(tag => matchers.some(matches => matches(tag)))
}

/** A name with `*` for any run of characters, as a test; its time grows with the text alone. */
export function globOf(pattern: string): (text: string) => boolean {
  const [start = '', ...rest] = pattern.split('*')
  const end = rest.pop()
  if (end === undefined) return text => text === pattern
  return text => {
    if (text.length < start.length + end.length) return false
    if (!text.startsWith(start) || !text.endsWith(end)) return false
    let at = start.length
    for (const part of rest) {
      const found = text.indexOf(part, at)
      if (found < 0) return false
      at = found + part.length
    }
    return at <= text.length - end.length
  }
}
