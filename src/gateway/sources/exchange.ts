import { parse as parseDisposition } from 'content-disposition'
import { type Dispatcher, request } from 'undici'
import { fail } from '../../registry/errors.ts'
import type { WireRequest } from '../../registry/sources/wire.ts'
import {
  acceptEncoding,
  decodeBody,
  discard,
  headerOf,
  readAll,
  type ResponseHeaders,
} from '../http/body.ts'
import type { Guard } from '../http/guard.ts'
import { redirectOf } from '../http/redirect.ts'
import { transportError } from '../http/upstream-error.ts'

/** Bounds of one exchange with another server. */
export const exchangeLimits = { redirectsMax: 3 } as const

/** What another server said, read whole and unpacked. */
export type Exchanged = {
  url: string
  host: string
  status: number
  headers: ResponseHeaders
  mediaType: string
  bytes: Buffer
  fileName?: string
}

/** How an exchange goes out. */
export type ExchangeOptions = {
  guard: Pick<Guard, 'check' | 'dispatcher'>
  signal: AbortSignal
  bytesMax: number
  userAgent: string
  /** Headers that hold secrets: a redirect to another origin goes without them. */
  secret?: ReadonlySet<string>
}

/**
 * Sends one request and reads the answer, whatever its status. GETs follow redirects, each checked
 * as the first address was. Throws TG_URL_REFUSED, TG_UPSTREAM_UNREACHABLE, TG_UPSTREAM_INVALID,
 * TG_DEADLINE.
 */
export async function exchange(wire: WireRequest, options: ExchangeOptions): Promise<Exchanged> {
  const { guard, signal, userAgent } = options
  const startedAt = performance.now()
  const first = guard.check(wire.url)
  let url = first
  try {
    for (let hops = 0; ; hops++) {
      const { statusCode, headers, body } = await request(url, {
        dispatcher: guard.dispatcher,
        signal,
        method: wire.method as Dispatcher.HttpMethod,
        headers: {
          'user-agent': userAgent,
          'accept-encoding': acceptEncoding,
          ...(url.origin === first.origin ? wire.headers : withoutSecrets(wire.headers, options)),
        },
        body: wire.body ?? null,
      })
      try {
        const location = headerOf(headers, 'location')
        const next = wire.method === 'GET' ? redirectOf(url, statusCode, location) : undefined
        if (!next) return await read({ url, status: statusCode, headers }, body, options)
        if (hops >= exchangeLimits.redirectsMax)
          throw fail(
            'TG_UPSTREAM_FAILED',
            url.host,
            `more than ${exchangeLimits.redirectsMax} redirects`,
          )
        url = guard.check(next)
      } finally {
        discard(body)
      }
    }
  } catch (cause) {
    throw transportError(cause, {
      host: url.host,
      signal,
      elapsedMs: performance.now() - startedAt,
    })
  }
}

const withoutSecrets = (
  headers: WireRequest['headers'],
  { secret }: ExchangeOptions,
): WireRequest['headers'] =>
  Object.fromEntries(
    Object.entries(headers).filter(([name]) => name !== 'cookie' && !secret?.has(name)),
  )

async function read(
  { url, status, headers }: { url: URL; status: number; headers: ResponseHeaders },
  body: Parameters<typeof decodeBody>[1],
  { bytesMax }: ExchangeOptions,
): Promise<Exchanged> {
  const stream = decodeBody(headers, body)
  if (!stream) throw fail('TG_UPSTREAM_INVALID', url.host, 'it is packed in a way not known here')
  const bytes = await readAll(stream, bytesMax)
  if (!bytes) throw fail('TG_UPSTREAM_INVALID', url.host, `it is over ${bytesMax} bytes`)
  const disposition = headerOf(headers, 'content-disposition')
  const fileName = disposition && parseDisposition(disposition).parameters['filename']
  return {
    url: url.href,
    host: url.host,
    status,
    headers,
    mediaType: headerOf(headers, 'content-type') ?? '',
    bytes,
    ...(fileName ? { fileName } : {}),
  }
}
