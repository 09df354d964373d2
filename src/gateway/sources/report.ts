import type { ToolError } from '../../registry/errors.ts'
import {
  type Draft,
  isStdio,
  type Quarantined,
  type SourceDefinition,
  sourceId,
} from '../../registry/sources/source.ts'
import type { Tool } from '../../registry/tool.ts'

/**
 * `loading`: nothing is known yet. `ready`. `stale`: its tools are those of an earlier description,
 * since a newer one could not be had. `unreachable`: it does not answer, its tools are listed as
 * unavailable. `failed`: nothing could be brought in.
 */
export type SourceState = 'loading' | 'ready' | 'stale' | 'unreachable' | 'failed'

/** What `/registry/sources` says of a source. */
export type SourceReport = {
  id: string
  name: string
  kind: SourceDefinition['kind']
  /** Without a query, which may hold a key. */
  url?: string
  command?: string
  /** True when it is stated in the configuration, and so cannot be taken out over HTTP. */
  configured: boolean
  state: SourceState
  error?: { code: string; message: string; hint?: string }
  tools: string[]
  quarantined: Quarantined[]
  losses: { tool: string; what: string[] }[]
  notes: string[]
  fetchedAt?: string
  checkedAt?: string
}

/** What a report is made of. */
export type Reported = {
  definition: SourceDefinition
  configured: boolean
  state: SourceState
  failure: ToolError | undefined
  tools: readonly Tool[]
  drafts: ReadonlyMap<string, Draft>
  quarantined: Quarantined[]
  notes: string[]
  /** Milliseconds since the epoch; 0 = never. */
  fetchedAt: number
  checkedAt: number
}

/** Says how a source fares; no header, key or query of it is in there. */
export function toReport(source: Reported): SourceReport {
  const { definition, state, failure, tools, drafts, fetchedAt, checkedAt } = source
  return {
    id: sourceId(definition),
    name: definition.name,
    kind: definition.kind,
    ...(isStdio(definition)
      ? { command: definition.command }
      : { url: definition.url.replace(/[?#].*$/s, '') }),
    configured: source.configured,
    state,
    ...(failure ? { error: shown(failure) } : {}),
    tools: tools.map(({ name }) => name),
    quarantined: source.quarantined,
    losses: [...drafts].flatMap(([tool, { losses }]) =>
      losses.length > 0 ? [{ tool, what: losses }] : [],
    ),
    notes: source.notes,
    ...(fetchedAt ? { fetchedAt: new Date(fetchedAt).toISOString() } : {}),
    ...(checkedAt ? { checkedAt: new Date(checkedAt).toISOString() } : {}),
  }
}

const shown = ({ code, message, hint }: ToolError) => ({ code, message, ...(hint ? { hint } : {}) })
