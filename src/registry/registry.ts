import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { lintTool } from './lint.ts'
import { narrow, type ToolScope } from './narrow.ts'
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

/** The tools that somebody may see, all or some, and which of them can work. Listing is sorted by name. */
export type RegistryView = {
  /** Names the view, for what is remembered outside of `memo`; empty where all tools are seen. */
  readonly key: string
  /** Grows with each change; views are cached under it. */
  readonly revision: number
  get(name: string): Tool | undefined
  list(): readonly Tool[]
  /** The tools that can work now. */
  available(): readonly Tool[]
  /** Why a tool cannot work, or undefined when it can. */
  unavailable(name: string): Unavailable | undefined
  /** The name a misspelt one was probably meant for. */
  nearest: (name: string) => string | undefined
  /** Computes a value once a revision, or again when it was not asked for in long. */
  memo<Value>(key: string, make: () => Value): Value
  /** Calls back on each change until the returned function is called. */
  subscribe(listener: (event: RegistryEvent) => void): () => void
  /** The events after a revision, or undefined when they are no longer known. */
  since(revision: number): readonly RegistryEvent[] | undefined
  /** The same with the tools of a scope alone; itself where there is no scope. */
  within(scope: ToolScope | undefined): RegistryView
}

/** All tools, and the ways to change which there are. */
export type Registry = RegistryView & {
  /** Adds or replaces all tools of one source; a name of another source is refused. */
  put(source: string, tools: readonly Tool[]): void
  /** Takes away all tools of a source. */
  remove(source: string): void
  /** Marks a tool as (un)available while it runs, as probes of a source do. */
  setUnavailable(name: string, why: Unavailable | undefined): void
}

/** Limits of the registry itself. */
export const registryLimits = {
  toolsMax: 100_000,
  eventsMax: 1_000,
  /** So many are told of at once; a whole folder may be wrong in the same way. */
  problemsMax: 50,
  /** A caller chooses slices of documents, so what is kept of them is bounded. */
  memoMax: 5_000,
  memoCharactersMax: 64 * 1024 * 1024,
} as const

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
  /** The tools that an event is about, for views that see some of them alone. */
  const about = new WeakMap<RegistryEvent, readonly Tool[]>()
  const memos = new LRUCache<string, { value: unknown }>({
    max: registryLimits.memoMax,
    maxSize: registryLimits.memoCharactersMax,
    sizeCalculation: ({ value }, key) => key.length + charactersOf(value),
  })
  const views = new WeakMap<ToolScope, RegistryView>()
  let revision = 0
  let sorted: readonly Tool[] | undefined

  const changed = (event: RegistryEvent['event'], tool: Tool, before: Tool = tool): void => {
    revision += 1
    sorted = undefined
    if (memos.size > 0) memos.clear()
    const available = event !== 'tool.removed' && !down.has(tool.name)
    const entry = { event, name: tool.name, version: tool.version, available, revision }
    about.set(entry, [tool, before])
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
    changed(before ? 'tool.changed' : 'tool.added', tool, before)
  }

  const drop = (tool: Tool): void => {
    byName.delete(tool.name)
    down.delete(tool.name)
    changed('tool.removed', tool)
  }

  const registry: Registry = {
    key: '',
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
      const own = tools.map(tool => (tool.source === source ? tool : { ...tool, source }))
      const others = registry.list().filter(tool => tool.source !== source)
      check(own, others)
      const kept = new Set(own.map(({ name }) => name))
      for (const tool of registry.list())
        if (tool.source === source && !kept.has(tool.name)) drop(tool)
      for (const tool of own) add(builtBy(settings, tool))
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
      const known = memos.get(key)
      if (known) return known.value as Value
      const value = make()
      memos.set(key, { value })
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
    within(scope) {
      if (!scope) return registry
      const known = views.get(scope)
      if (known) return known
      const view = narrow(registry, scope, event => about.get(event) ?? [])
      views.set(scope, view)
      return view
    },
  }

  check(tools, [])
  for (const tool of tools) add(builtBy(settings, tool))
  return registry

  function check(tools: readonly Tool[], others: readonly Tool[]): void {
    const names = new Set(others.map(({ name }) => name))
    const problems = tools.flatMap(tool => {
      const isTaken = names.has(tool.name)
      names.add(tool.name)
      return [
        ...(isTaken ? [`tool "${tool.name}" is defined twice: give one of them another name`] : []),
        ...lint(tool),
      ]
    })
    if (others.length + tools.length > registryLimits.toolsMax)
      problems.push(`more than ${registryLimits.toolsMax} tools: use several gateways`)
    if (problems.length > 0) throw new Error(listed(problems).join('\n'))
  }
}

/** The tool as these settings make it: where they change its answers, another build of it. */
function builtBy(settings: Settings, tool: Tool): Tool {
  const names = tool.cache?.settings?.filter(name => settings[name])
  if (!names?.length) return tool
  const values = JSON.stringify(names.map(name => [name, settings[name]]))
  const own = hash('sha256', values, 'base64url').slice(0, 12)
  return { ...tool, build: tool.build ? `${tool.build}.${own}` : own }
}

const listed = (problems: readonly string[]): readonly string[] => {
  const more = problems.length - registryLimits.problemsMax
  return more > 0
    ? [...problems.slice(0, registryLimits.problemsMax), `… and ${more} more`]
    : problems
}

/** About how much a value holds; documents, the large ones, are texts. */
function charactersOf(value: unknown): number {
  const text = typeof value === 'object' && value !== null && 'json' in value ? value.json : value
  if (typeof text === 'string') return text.length + 1
  return Array.isArray(value) ? value.length * 8 + 1 : 2_000
}
