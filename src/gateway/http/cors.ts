import type { FastifyCorsOptions } from '@fastify/cors'
import type { FastifyRequest } from 'fastify'

const exposedHeaders = [
  'content-disposition',
  'age',
  'cache-status',
  'etag',
  'retry-after',
  'ratelimit',
  'ratelimit-policy',
  'ratelimit-limit',
  'ratelimit-remaining',
  'ratelimit-reset',
  'x-request-id',
  'mcp-session-id',
  'mcp-protocol-version',
  'www-authenticate',
]

/** CORS is for browsers, which name their origin; admin routes are never for another page's scripts. */
export function corsOf(live: { readonly corsOrigins: readonly string[] }) {
  const none = { origin: false }
  const some = () => ({
    origin: live.corsOrigins.includes('*') ? '*' : [...live.corsOrigins],
    exposedHeaders,
    strictPreflight: false,
  })
  return (
    request: FastifyRequest,
    done: (error: Error | null, options: FastifyCorsOptions) => void,
  ) =>
    done(
      null,
      request.headers.origin === undefined || request.routeOptions.config.access === 'admin'
        ? none
        : some(),
    )
}
