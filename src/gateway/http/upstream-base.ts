import type { Settings, Tool } from '../../registry/tool.ts'

/** The upstream that a URL belongs to. */
export type UpstreamBase = {
  /** The operator's base address it lies under, else its origin: one circuit breaker for each. */
  key: string
  host: string
  /** Milliseconds between requests, when the tool is paced there. */
  intervalMs?: number
  /** True when the operator named this origin, so that a refusal of the guard is not a caller's fault. */
  isOperators: boolean
}

/** A setting that is an address, as a URL; a bare host means https. */
export function addressOf(name: string, value: string): URL | undefined {
  const url = URL.parse(value.includes('://') ? value : `https://${value}`)
  const isAddress = /_(URL|HOST)$/.test(name) && url !== null && /^https?:$/.test(url.protocol)
  return isAddress ? url : undefined
}

/** The origins of the operator's settings: they may be private and plain http. */
export const originsOf = (settings: Settings): string[] => [
  ...new Set(
    Object.entries(settings).flatMap(([name, value]) => addressOf(name, value)?.origin ?? []),
  ),
]

/** Tells which upstream a request of a tool goes to. */
export function createBases(
  settings: Settings,
): (tool: Pick<Tool, 'pace'>, url: URL) => UpstreamBase {
  const bases = Object.entries(settings).flatMap(([name, value]) => {
    const url = addressOf(name, value)
    return url ? [{ name, origin: url.origin, path: url.pathname.replace(/\/$/, '') }] : []
  })
  return (tool, url) => {
    const own = bases.filter(({ origin }) => origin === url.origin)
    const under = own
      .filter(({ path }) => url.pathname === path || url.pathname.startsWith(`${path}/`))
      .toSorted((a, b) => b.path.length - a.path.length)
    const intervals = own.flatMap(({ name }) => tool.pace[name] ?? [])
    return {
      key: `${url.origin}${under[0]?.path ?? ''}`,
      host: url.host,
      isOperators: own.length > 0,
      ...(intervals.length > 0 ? { intervalMs: Math.max(...intervals) } : {}),
    }
  }
}
