import type { Readable } from 'node:stream'
import { parse as parseDisposition } from 'content-disposition'
import { request } from 'undici'
import { fail } from '../../registry/errors.ts'
import { acceptEncoding, decodeBody, discard, headerOf, type ResponseHeaders } from './body.ts'
import type { Guard } from './guard.ts'
import { redirectOf } from './redirect.ts'
import { transportError } from './upstream-error.ts'

/** What one download is bounded by; its bytes are bounded by whoever reads the stream. */
export const downloadLimits = {
  /** From the first byte asked for to the last one read. */
  ms: 25_000,
  redirectsMax: 3,
} as const

/** A file on its way. */
export type Download = {
  url: URL
  /** As the server declares it; not to be trusted. */
  mediaType?: string
  /** From Content-Disposition, else the last part of the path, else the host. */
  name: string
  /** Content-Length, when the body is not packed. */
  bytes?: number
  stream: Readable
}

type Options = {
  guard: Pick<Guard, 'check' | 'dispatcher'>
  signal: AbortSignal
  userAgent?: string
  limits?: Partial<Record<keyof typeof downloadLimits, number>>
}

/**
 * Fetches a URL that somebody supplied and hands its body to `take`, all within one time limit.
 * Every redirect is checked as the URL was. Throws TG_URL_REFUSED, TG_UPSTREAM_*, TG_DEADLINE.
 */
export async function download<T>(
  value: string | URL,
  options: Options,
  take: (file: Download) => Promise<T>,
): Promise<T> {
  const limits = { ...downloadLimits, ...options.limits }
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(limits.ms)])
  const started = performance.now()
  let url = options.guard.check(value)
  let body: Readable | undefined
  try {
    for (let hops = 0; ; hops++) {
      const answer = await request(url, {
        dispatcher: options.guard.dispatcher,
        signal,
        headers: {
          accept: '*/*',
          'accept-encoding': acceptEncoding,
          ...(options.userAgent ? { 'user-agent': options.userAgent } : {}),
        },
      })
      body = answer.body
      const next = redirectOf(url, answer.statusCode, headerOf(answer.headers, 'location'))
      if (!next) return await take(fileOf(url, answer))
      discard(body)
      if (hops >= limits.redirectsMax)
        throw fail('TG_UPSTREAM_FAILED', url.host, `more than ${limits.redirectsMax} redirects`)
      url = options.guard.check(next)
    }
  } catch (cause) {
    const elapsedMs = performance.now() - started
    throw transportError(cause, { host: url.host, signal, elapsedMs })
  } finally {
    if (body) discard(body)
  }
}

type Answer = { statusCode: number; headers: ResponseHeaders; body: Readable }

function fileOf(url: URL, answer: Answer): Download {
  const { statusCode, headers } = answer
  if (statusCode !== 200) throw fail('TG_UPSTREAM_FAILED', url.host, `HTTP ${statusCode}`)
  const stream = decodeBody(headers, answer.body)
  if (!stream) throw fail('TG_UPSTREAM_INVALID', url.host, 'an encoding that is not known here')
  const mediaType = headerOf(headers, 'content-type')
  const bytes = stream === answer.body ? Number(headerOf(headers, 'content-length')) : Number.NaN
  return {
    url,
    stream,
    name: nameOf(url, headerOf(headers, 'content-disposition')),
    ...(mediaType ? { mediaType } : {}),
    ...(Number.isSafeInteger(bytes) ? { bytes } : {}),
  }
}

function nameOf(url: URL, disposition: string | undefined): string {
  const declared = disposition && parseDisposition(disposition).parameters['filename']
  return declared || decoded(url.pathname.split('/').at(-1) ?? '') || url.hostname
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    // `%zz` is a name as good as any other.
    return part
  }
}
