import { lintTool } from './lint.ts'
import { nearestName } from './parse.ts'
import type { Settings, Tool, Unavailable } from './tool.ts'

/** A change in what the registry holds; `revision` grows by one with each. */
export type RegistryEvent = {
  event: 'tool.added' | 'tool.changed' | 'tool.removed' | 'tool.availability'
  name: string
  version: string
  available: boolean
  revision: number
}

/** Which tools exist, and which of them can work. Listing is sorted by name. */
export type Registry = {
  /** Grows with each change; views are cached under it. */
  readonly revision: number
  get(name: string): Tool | undefined
  list(): readonly Tool[]
  /** The tools that can work now. */
  available(): readonly Tool[]
  /** Why a tool cannot work, or undefined when it can. */
  unavailable(name: string): Unavailable | undefined
  /** The name a misspelt one was probably meant for. */
  nearest(name: string): string | undefined
  /** Adds or replaces all tools of one source; a name of another source is refused. */
  put(source: string, tools: readonly Tool[]): void
  /** Takes away all tools of a source. */
  remove(source: string): void
  /** Marks a tool as (un)available while it runs, as probes of a source do. */
  setUnavailable(name: string, why: Unavailable | undefined): void
  /** Computes a value once a revision. */
  memo<Value>(key: string, make: () => Value): Value
  /** Calls back on each change until the returned function is called. */
  subscribe(listener: (event: RegistryEvent) => void): () => void
  /** The events after a revision, or undefined when they are no longer known. */
  since(revision: number): readonly RegistryEvent[] | undefined
}

/** Limits of the registry itself. */
export const registryLimits = { toolsMax: 100_000, eventsMax: 1_000, memoMax: 500 } as const

/**
 * Builds the registry. A tool that breaks a rule stops the start with a sentence that says how to
 * mend it; sources lint their tools themselves and quarantine the bad ones.
 */
export function createRegistry(
  tools: readonly Tool[],
  options: { settings?: Settings; lint?: (tool: Tool) => readonly string[] } = {},
): Registry {
  const { settings = {}, lint = lintTool } = options
  const byName = new Map<string, Tool>()
  const down = new Map<string, Unavailable>()
  const listeners = new Set<(event: RegistryEvent) => void>()
  const events: RegistryEvent[] = []
  const memos = new Map<string, unknown>()
  let revision = 0
  let sorted: readonly Tool[] | undefined

  const changed = (event: RegistryEvent['event'], tool: Tool): void => {
    revision += 1
    sorted = undefined
    memos.clear()
    const available = !down.has(tool.name)
    const entry = { event, name: tool.name, version: tool.version, available, revision }
    events.push(entry)
    if (events.length > registryLimits.eventsMax) events.shift()
    for (const listener of listeners) listener(entry)
  }

  const add = (tool: Tool): void => {
    const before = byName.get(tool.name)
    if (before === tool) return
    byName.set(tool.name, tool)
    const missing = tool.requires(settings)
    if (missing) down.set(tool.name, missing)
    else down.delete(tool.name)
    changed(before ? 'tool.changed' : 'tool.added', tool)
  }

  const drop = (tool: Tool): void => {
    byName.delete(tool.name)
    down.delete(tool.name)
    changed('tool.removed', tool)
  }

  const registry: Registry = {
    get revision() {
      return revision
    },
    get: name => byName.get(name),
    list: () => (sorted ??= [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1))),
    available: () =>
      registry.memo('available', () => registry.list().filter(({ name }) => !down.has(name))),
    unavailable: name => down.get(name),
    nearest: name => nearestName(name, [...byName.keys()]),
    put(source, tools) {
      check(tools, other => byName.get(other.name)?.source !== source && byName.has(other.name))
      const kept = new Set(tools.map(({ name }) => name))
      for (const tool of registry.list())
        if (tool.source === source && !kept.has(tool.name)) drop(tool)
      for (const tool of tools) add(tool)
    },
    remove(source) {
      for (const tool of registry.list()) if (tool.source === source) drop(tool)
    },
    setUnavailable(name, why) {
      const tool = byName.get(name)
      if (!tool || down.get(name)?.reason === why?.reason) return
      if (why) down.set(name, why)
      else down.delete(name)
      changed('tool.availability', tool)
    },
    memo<Value>(key: string, make: () => Value): Value {
      if (memos.has(key)) return memos.get(key) as Value
      const value = make()
      // A caller chooses slices of documents, so their number is bounded.
      if (memos.size < registryLimits.memoMax) memos.set(key, value)
      return value
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    since(from) {
      if (from > revision) return undefined
      if (from === revision) return []
      const first = events.at(0)
      return first && first.revision <= from + 1
        ? events.filter(event => event.revision > from)
        : undefined
    },
  }

  check(tools, () => false)
  for (const tool of tools) add(tool)
  return registry

  function check(tools: readonly Tool[], taken: (tool: Tool) => boolean): void {
    const names = new Set<string>()
    const problems = tools.flatMap(tool => {
      const twice = names.has(tool.name) || taken(tool)
      names.add(tool.name)
      return [
        ...(twice ? [`tool "${tool.name}" is defined twice: give one of them another name`] : []),
        ...lint(tool),
      ]
    })
    if (byName.size + tools.length > registryLimits.toolsMax)
      problems.push(`more than ${registryLimits.toolsMax} tools: use several gateways`)
    if (problems.length > 0) throw new Error(problems.join('\n'))
  }
}
