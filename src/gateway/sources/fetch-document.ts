import { fail, isToolError } from '../../registry/errors.ts'
import type { Description } from '../../registry/sources/describe.ts'
import { sourceLimits } from '../../registry/sources/limits.ts'
import type { UrlDefinition } from '../../registry/sources/source.ts'
import { headerOf } from '../http/body.ts'
import type { Redact } from '../http/redact.ts'
import { statusError } from '../http/upstream-answer.ts'
import { exchange, type ExchangeOptions } from './exchange.ts'

/** A document, and what proves that it has not changed. */
export type Fetched = Description & { etag?: string }
/** Where a document was found, and the proof. */
export type Known = Omit<Fetched, 'text'>

/** How a document is fetched. */
export type FetchDocumentOptions = Pick<ExchangeOptions, 'guard' | 'signal' | 'userAgent'> & {
  /** The source's headers, lower case, if this address is the one they are for. */
  headers: Readonly<Record<string, string>>
  redact: Redact
  now: () => number
  /** What was fetched last: unchanged, it need not be sent again. */
  known?: Known
}

/** Where servers keep their documents, when an address is only the server's. */
const usualPlaces = ['openapi.json', 'swagger.json', 'openapi.yaml']

/**
 * Fetches the document of an OpenAPI or AgentLego server: at the address stated, else where such
 * servers keep it; undefined when it is the known one still. Throws the first place's error.
 */
export async function fetchDocument(
  definition: UrlDefinition,
  options: FetchDocumentOptions,
): Promise<Fetched | undefined> {
  const [first, ...others] = placesOf(definition, options.known)
  try {
    return await fetchOne(first, options)
  } catch (error) {
    if (!isToolError(error) || !isElsewhere(error.code)) throw error
    for (const place of others) {
      const found = await fetchOne(place, options).catch((): false => false)
      if (found !== false) return found
    }
    throw error
  }
}

/** Something answered, but not with a document. */
const isElsewhere = (code: string): boolean =>
  code === 'TG_UPSTREAM_FAILED' || code === 'TG_UPSTREAM_INVALID'

function placesOf({ kind, url }: UrlDefinition, known: Known | undefined): [string, ...string[]] {
  const isFile = /\.(json|ya?ml)$/i.test(new URL(url).pathname)
  const base = url.replace(/[?#].*$/s, '').replace(/\/*$/, '/')
  const usual = usualPlaces.map(name => base + name)
  // A server's own page may be HTML, so AgentLego's is never asked for.
  const places = isFile ? [url] : kind === 'agentlego' ? usual.slice(0, 1) : [url, ...usual]
  return [...new Set([known?.url ?? places[0]!, ...places])] as [string, ...string[]]
}

async function fetchOne(url: string, options: FetchDocumentOptions): Promise<Fetched | undefined> {
  const { headers, known, redact, now } = options
  const answer = await exchange(
    {
      method: 'GET',
      url,
      headers: {
        accept: 'application/json, application/yaml;q=0.9, */*;q=0.5',
        ...headers,
        ...(known?.etag && known.url === url ? { 'if-none-match': known.etag } : {}),
      },
    },
    {
      ...options,
      bytesMax: sourceLimits.documentBytesMax,
      secret: new Set(Object.keys(headers)),
    },
  )
  if (answer.status === 304 && known) return undefined
  const text = answer.bytes.toString('utf8')
  if (answer.status !== 200)
    throw statusError(
      answer.host,
      { status: answer.status, headers: answer.headers, text: text.slice(0, 10_000) },
      { redact, nowMs: now() },
    )
  if (/^\s*</.test(text.slice(0, 200)))
    throw fail('TG_UPSTREAM_INVALID', answer.host, 'markup instead of an OpenAPI document')
  if (!text.includes('openapi') && !text.includes('swagger'))
    throw fail('TG_UPSTREAM_INVALID', answer.host, 'it is no OpenAPI document')
  const etag = headerOf(answer.headers, 'etag')
  return { text, url: answer.url, ...(etag ? { etag } : {}) }
}
