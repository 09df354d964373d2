import type { CachePolicy, JsonObject, Tool, ToolContext } from '../tool.ts'
import { globsFit, shortHash } from './names.ts'
import { resultKey } from './answers.ts'
import { fileNames } from './mcp.ts'
import { type Described, type Draft, type SourceDefinition, sourceId } from './source.ts'

/** How the tools of each kind of server run unless the source says otherwise. */
export const kindDefaults = {
  openapi: { timeoutMs: 30_000, concurrency: 16 },
  http: { timeoutMs: 60_000, concurrency: 16 },
  mcp: { timeoutMs: 60_000, concurrency: 16 },
  /** Models on a GPU: one at a time, and slow. */
  agentlego: { timeoutMs: 120_000, concurrency: 1 },
} as const

/** Runs a draft's call; the network stands behind it. */
export type RunDraft = (
  draft: Draft,
  input: JsonObject,
  context: ToolContext,
) => Promise<JsonObject>

/** A draft as a record like any other. */
export function toTool(
  draft: Draft,
  options: { name: string; definition: SourceDefinition; version: string; run: RunDraft },
): Tool {
  const { name, definition, version, run } = options
  const { kind, timeoutMs, concurrency, category, tags = [] } = definition
  const cache = cacheOf(draft, definition)
  return {
    name,
    title: draft.title,
    description: draft.description,
    version,
    category: category ?? 'imported',
    tags: [...new Set([...tags, ...draft.tags])],
    keywords: draft.origin === draft.local ? [] : [draft.origin],
    input: draft.input,
    output: draft.output,
    examples: [],
    annotations: {
      readOnly: draft.readOnly,
      destructive: draft.destructive,
      idempotent: draft.idempotent,
      openWorld: true,
    },
    ...(cache ? { cache } : {}),
    timeoutMs: timeoutMs ?? kindDefaults[kind].timeoutMs,
    concurrency: concurrency ?? kindDefaults[kind].concurrency,
    runsOn: 'loop',
    pace: {},
    source: sourceId(definition),
    aliases: draft.alias ? { agentlego: draft.alias } : {},
    text: textOf,
    requires: () => undefined,
    run: (input, context) => run(draft, input, context),
  }
}

/** A version that changes with whatever the tool is, so that a new schema empties its cache. */
export function versionOf(draftJson: string, described: Pick<Described, 'version'>): string {
  const declared = /\d+\.\d+\.\d+/.exec(described.version ?? '')?.[0] ?? '1.0.0'
  return `${declared}+${shortHash(draftJson, 8)}`
}

function cacheOf(draft: Draft, { cache }: SourceDefinition): CachePolicy | undefined {
  if (!cache) return undefined
  const { tools, ...policy } = cache
  const isStored = tools ? globsFit(tools, [draft.local, draft.origin]) : draft.readOnly
  return isStored ? policy : undefined
}

/** A bare text as it is, with the addresses of files beside it; all else as JSON. */
function textOf(output: JsonObject): string {
  const { text, [resultKey]: result, data: _data, ...others } = output
  const names = Object.keys(others)
  if (typeof result === 'string' && Object.keys(output).length === 1) return result
  if (typeof text !== 'string' || text === '' || !names.every(name => fileNames.has(name)))
    return JSON.stringify(output)
  return [text, ...names.map(name => `${name}: ${String(others[name])}`)].join('\n')
}
