import type { FastifyRequest } from 'fastify'

/** Says under which origin a request's caller reaches us: PUBLIC_URL, else what the request names. */
export type OriginOf = (request: FastifyRequest) => string

const plainHost = /^[a-z0-9.-]+(:\d{1,5})?$|^\[[0-9a-f:.]+\](:\d{1,5})?$/i

/** Makes the function; a Host that is no host falls back to the address we listen on. */
export function createOriginOf(options: {
  publicUrl?: string | undefined
  host: string
  port: number
}): OriginOf {
  const { publicUrl, host, port } = options
  if (publicUrl) return () => publicUrl
  const own = `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`
  return request => {
    const named = request.headers.host ?? ''
    const origin = `${request.protocol}://${named}`
    return plainHost.test(named) && URL.canParse(origin) ? origin : own
  }
}
