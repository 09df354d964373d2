import { nearestName } from './parse.ts'
import type { RegistryEvent, RegistryView } from './registry.ts'
import { globOf } from './select.ts'
import type { Tool } from './tool.ts'

/** Which tools somebody may see and call. */
export type ToolScope = {
  /** Equal scopes have equal keys: what was made for one is shown to the other. */
  readonly key: string
  allows: (tool: Tool) => boolean
}

/** What names the tools of a scope: any of these names, or any of these tags. */
export type ToolPatterns = { tools?: readonly string[]; tags?: readonly string[] }

/** The scope of some patterns; undefined when they narrow nothing. Grants add up. */
export function toolScope({ tools, tags }: ToolPatterns): ToolScope | undefined {
  if (!tools && !tags) return undefined
  const [names, marks] = [tools ?? [], tags ?? []].map(patterns => patterns.map(globOf))
  const known = new WeakMap<Tool, boolean>()
  const matches = ({ name, tags }: Tool): boolean =>
    !!names?.some(fits => fits(name)) || !!marks?.some(fits => tags.some(fits))
  return {
    key: JSON.stringify([[...(tools ?? [])].sort(), [...(tags ?? [])].sort()]),
    allows(tool) {
      let allowed = known.get(tool)
      if (allowed === undefined) known.set(tool, (allowed = matches(tool)))
      return allowed
    },
  }
}

/** A view of a registry in which the tools outside of a scope do not exist. */
export function narrow(
  registry: RegistryView,
  scope: ToolScope,
  toolsOf: (event: RegistryEvent) => readonly Tool[],
): RegistryView {
  const key = `${scope.key} `
  const sees = (event: RegistryEvent): boolean => toolsOf(event).some(scope.allows)
  const view: RegistryView = {
    key,
    get revision() {
      return registry.revision
    },
    get(name) {
      const tool = registry.get(name)
      return tool && scope.allows(tool) ? tool : undefined
    },
    list: () => view.memo('list', () => registry.list().filter(scope.allows)),
    available: () => view.memo('available', () => registry.available().filter(scope.allows)),
    unavailable: name => (view.get(name) ? registry.unavailable(name) : undefined),
    nearest: name =>
      nearestName(
        name,
        view.list().map(tool => tool.name),
      ),
    memo: (name, make) => registry.memo(key + name, make),
    subscribe: listener =>
      registry.subscribe(event => {
        if (sees(event)) listener(event)
      }),
    since: revision => registry.since(revision)?.filter(sees),
    within: narrower => (narrower ? narrow(view, narrower, toolsOf) : view),
  }
  return view
}
