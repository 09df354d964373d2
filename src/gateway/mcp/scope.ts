import { fail } from '../../registry/errors.ts'
import type { RegistryView } from '../../registry/registry.ts'
import type { Tool } from '../../registry/tool.ts'

/** The tools that one MCP address offers: all of them, one, or those with a tag. */
export type Scope = {
  /** Names the scope, for what is remembered about it. */
  readonly key: string
  /** What it lists: the tools that can work now, in the registry's order. */
  list(): readonly Tool[]
  /** True for a tool that may be called here; one that cannot work now says so when called. */
  holds(name: string): boolean
  /** The name of the caller's that a misspelt one was probably meant for. */
  nearest: (name: string) => string | undefined
}

/** `/mcp`: every tool. */
export const allTools = (registry: RegistryView): Scope => ({
  key: registry.key,
  list: () => registry.available(),
  holds: name => registry.get(name) !== undefined,
  nearest: registry.nearest,
})

/** `/tools/{name}/mcp`, for clients that take the first tool of a server and no other. */
export function oneTool(registry: RegistryView, name: string): Scope {
  const tool = registry.get(name)
  if (!tool) throw fail('TG_TOOL_UNKNOWN', name, registry.nearest(name))
  return {
    key: `${registry.key}tool ${name}`,
    list: () => (registry.unavailable(name) ? [] : [tool]),
    holds: other => other === name,
    nearest: registry.nearest,
  }
}

/** `/tags/{tag}/mcp`, for clients that take only so many tools. */
export function taggedTools(registry: RegistryView, tag: string): Scope {
  const tagged = (tool: Tool | undefined): boolean => tool?.tags.includes(tag) ?? false
  if (!registry.list().some(tagged)) throw fail('TG_NOT_FOUND', 'tag', tag)
  return {
    key: `${registry.key}tag ${tag}`,
    list: () => registry.available().filter(tagged),
    holds: name => tagged(registry.get(name)),
    nearest: registry.nearest,
  }
}
