import type { Readable } from 'node:stream'
import { type Dispatcher, request } from 'undici'
import { fail } from '../../registry/errors.ts'
import type { UpstreamOptions } from '../../registry/tool.ts'
import {
  acceptEncoding,
  decodeBody,
  discard,
  headerOf,
  readAll,
  type ResponseHeaders,
} from './body.ts'
import { redirectOf } from './redirect.ts'
import type { UpstreamAnswer } from './upstream-answer.ts'

/** A request of a tool, ready to go out. */
export type Ask = {
  url: URL
  method: 'GET' | 'POST'
  /** Sent to every host that redirects lead to. */
  common: Record<string, string>
  /** What the tool added, a key perhaps: sent to the first origin alone. */
  own: Record<string, string>
  body?: string
  onError?: UpstreamOptions['onError']
}

/** Makes a request out of what a tool asks for. */
export function askOf(
  url: string | URL,
  options: UpstreamOptions,
  wants: { accept: string; userAgent: string },
): Ask {
  const { query, headers, body, onError } = options
  const own = Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value])
  return {
    url: withQuery(url, query),
    method: body === undefined ? 'GET' : 'POST',
    common: {
      accept: wants.accept,
      'user-agent': wants.userAgent,
      'accept-encoding': acceptEncoding,
    },
    own: Object.fromEntries(own) as Record<string, string>,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(onError ? { onError } : {}),
  }
}

/** The URL with the query added; a space is `%20`, which every server reads alike. */
function withQuery(value: string | URL, query: UpstreamOptions['query'] = {}): URL {
  const url = new URL(value)
  const added = Object.entries(query)
    .filter(([, item]) => item !== undefined)
    .map(([name, item]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(item))}`)
  url.search = [url.search.slice(1), ...added].filter(Boolean).join('&')
  return url
}

type SendOptions = {
  dispatcher: Dispatcher
  signal: AbortSignal
  limits: { bodyBytesMax: number; redirectsMax: number }
}

/** One request and its redirects, read whole. Throws what the transport throws. */
export async function send(ask: Ask, options: SendOptions): Promise<UpstreamAnswer> {
  const { dispatcher, signal, limits } = options
  let { url } = ask
  for (let hops = 0; ; hops++) {
    const isFirstOrigin = url.origin === ask.url.origin
    const { statusCode, headers, body } = await request(url, {
      dispatcher,
      signal,
      method: ask.method,
      headers: {
        ...ask.common,
        ...(ask.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(isFirstOrigin ? ask.own : {}),
      },
      body: ask.body ?? null,
    })
    try {
      const location = headerOf(headers, 'location')
      const next = ask.method === 'GET' ? redirectOf(url, statusCode, location) : undefined
      if (!next) {
        const text = await textOf(url.host, headers, body, limits.bodyBytesMax)
        return { status: statusCode, headers, text }
      }
      if (hops >= limits.redirectsMax)
        throw fail('TG_UPSTREAM_FAILED', url.host, `more than ${limits.redirectsMax} redirects`)
      url = next
    } finally {
      discard(body)
    }
  }
}

async function textOf(
  host: string,
  headers: ResponseHeaders,
  body: Readable,
  bytesMax: number,
): Promise<string> {
  const stream = decodeBody(headers, body)
  if (!stream) throw fail('TG_UPSTREAM_INVALID', host, 'it is packed in a way not known here')
  const bytes = await readAll(stream, bytesMax)
  if (!bytes) throw fail('TG_UPSTREAM_INVALID', host, `it is over ${bytesMax} bytes`)
  return decoderOf(headerOf(headers, 'content-type')).decode(bytes)
}

function decoderOf(contentType: string | undefined): TextDecoder {
  const charset = /charset="?([\w-]+)/i.exec(contentType ?? '')?.[1] ?? 'utf-8'
  try {
    return new TextDecoder(charset)
  } catch {
    // A charset that nobody knows: UTF-8 is the likeliest.
    return new TextDecoder()
  }
}
