// The SDK's own names, stated here too so that a gateway whose MCP face nobody uses loads no SDK;
// a test holds them to its.

/** The revision without sessions; all before it begin with `initialize`. */
export const modernVersion = '2026-07-28'
/** From this revision on a client knows structured content and links. */
export const linksSince = '2025-06-18'
/** The revisions that begin with `initialize`. */
export const legacyVersions: ReadonlySet<string> = new Set([
  '2025-11-25',
  '2025-06-18',
  '2025-03-26',
  '2024-11-05',
  '2024-10-07',
])
/** Keys of `_meta` in a modern message. */
export const metaKeys = {
  clientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  logLevel: 'io.modelcontextprotocol/logLevel',
  protocolVersion: 'io.modelcontextprotocol/protocolVersion',
  serverInfo: 'io.modelcontextprotocol/serverInfo',
} as const

/** How long a client may keep a listing, and whether for its user alone. */
export const listHints = (secured: boolean) =>
  ({ ttlMs: 60_000, cacheScope: secured ? 'private' : 'public' }) as const
