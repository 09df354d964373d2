import { lookup as systemLookup } from 'node:dns/promises'
import type { LookupFunction } from 'node:net'
import { callbackify } from 'node:util'
import { Agent, buildConnector, type Dispatcher } from 'undici'
import { fail } from '../../registry/errors.ts'
import { addressProblem, bareHost, hostProblem, type Reach, shownUrl } from './guard-address.ts'

/** What every guarded connection is bounded by. */
export const guardLimits = {
  /** Ports a URL may name unless its host:port is allowed. */
  ports: [443, 8443] as readonly number[],
  urlCharactersMax: 8_192,
  connectMs: 10_000,
  headersMs: 60_000,
  /** Silence between two pieces of a body. */
  bodySilenceMs: 30_000,
  headerBytesMax: 32_768,
  connectionsPerOriginMax: 64,
}
type GuardLimits = typeof guardLimits

/** Resolves a name to all its addresses. */
export type Lookup = (hostname: string) => Promise<{ address: string; family: number }[]>

/** The one way out: whatever goes through `dispatcher` obeys the rules of `check`. */
export type Guard = {
  dispatcher: Dispatcher
  /** The parsed URL, or TG_URL_REFUSED. Names are resolved, and checked again, on connecting. */
  check: (url: string | URL) => URL
  /** Ends what is still under way: whoever closes a gateway has waited for its calls. */
  close: () => Promise<void>
}

/**
 * Makes the dispatcher for URLs that somebody supplies. Without `privateAllowed` (callers, imported
 * documents) a URL must be https to a public host, unless its `host:port` or origin is allowed.
 * With it (config, command line, admin) it may be private and plain http. Link-local and metadata
 * addresses are refused to all. A name is resolved once for a connection, each of its addresses must
 * pass, and the connection is made to an address that did: a second answer is never asked for.
 */
export function createGuard(
  options: {
    allowedHosts?: readonly string[]
    /** Origins that may be private and plain http, e.g. those of the operator's settings. */
    allowedOrigins?: readonly string[]
    privateAllowed?: boolean
    lookup?: Lookup
    /** Around every request that goes out. */
    interceptors?: Dispatcher.DispatchInterceptor[]
    limits?: Partial<GuardLimits>
  } = {},
): Guard {
  const limits = { ...guardLimits, ...options.limits }
  const allowed = new Set([
    ...(options.allowedHosts ?? []).map(hostAndPort),
    ...(options.allowedOrigins ?? []).map(origin => hostAndPort(new URL(origin).origin)),
  ])
  const lookup = options.lookup ?? (hostname => systemLookup(hostname, { all: true }))

  const reachOf = (url: URL): Reach =>
    options.privateAllowed || allowed.has(hostAndPort(url.origin)) ? 'private' : 'public'

  function check(value: string | URL): URL {
    const text = String(value)
    const refuse = (problem: string) => fail('TG_URL_REFUSED', shownUrl(text), problem)
    if (text.length > limits.urlCharactersMax) throw refuse('it is too long')
    const url = URL.parse(text)
    if (!url) throw refuse('it is not a URL')
    if (url.protocol !== 'https:' && url.protocol !== 'http:')
      throw refuse(`${url.protocol} is not fetched`)
    if (url.username || url.password) throw refuse('it has a user name or password')
    const reach = reachOf(url)
    const problem = hostProblem(url.hostname, reach)
    if (problem) throw refuse(problem)
    if (reach === 'private') return url
    if (url.protocol !== 'https:') throw refuse('it is not https')
    if (!limits.ports.includes(portOf(url))) throw refuse(`port ${portOf(url)} is not allowed`)
    return url
  }

  const connectors = {
    public: connectorTo('public', lookup, limits.connectMs),
    private: connectorTo('private', lookup, limits.connectMs),
  }
  const connect: buildConnector.connector = (target, callback) => {
    try {
      const url = check(`${target.protocol}//${target.host ?? target.hostname}`)
      connectors[reachOf(url)](target, callback)
    } catch (error) {
      callback(error as Error, null)
    }
  }
  const dispatcher = new Agent({
    connect,
    connections: limits.connectionsPerOriginMax,
    headersTimeout: limits.headersMs,
    bodyTimeout: limits.bodySilenceMs,
    maxHeaderSize: limits.headerBytesMax,
  }).compose(options.interceptors ?? [])
  return { dispatcher, check, close: () => dispatcher.destroy() }
}

/** Sockets to names whose every address is within reach; literal addresses were checked before. */
const connectorTo = (reach: Reach, lookup: Lookup, timeout: number): buildConnector.connector =>
  buildConnector({ allowH2: false, timeout, lookup: pinnedLookup(reach, lookup) })

function pinnedLookup(reach: Reach, lookup: Lookup): LookupFunction {
  const resolve = callbackify(async (hostname: string) => {
    const addresses = await lookup(hostname)
    if (addresses.length === 0) throw new Error(`${hostname} has no address`)
    for (const { address } of addresses) {
      const problem = addressProblem(address, reach)
      if (problem) throw fail('TG_URL_REFUSED', hostname, problem)
    }
    return addresses
  })
  return (hostname, options, callback) =>
    resolve(hostname, (error, addresses) => {
      const [first] = addresses ?? []
      if (error ?? !first) callback(error, '')
      else if (options.all) callback(null, addresses)
      else callback(null, first.address, first.family)
    })
}

const portOf = (url: URL): number =>
  Number(url.port || { 'http:': 80, 'https:': 443 }[url.protocol] || 0)

/** `host:port` of an origin, or of what an operator wrote: `gpu.lan:8000`, `[::1]:80`. */
function hostAndPort(value: string): string {
  const url = URL.parse(value.includes('://') ? value : `http://${value}`)
  return url ? `${bareHost(url.hostname)}:${portOf(url)}` : value
}
