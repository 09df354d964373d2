import type { onRequestHookHandler } from 'fastify'
import { fail } from '../../registry/errors.ts'

/** What says which pages and which names of this machine are trusted. */
export type BrowserGuardOptions = {
  browsers: {
    /** The address we listen on. */
    host: string
    publicUrl?: string | undefined
    /** Those of the moment. */
    corsOrigins: () => readonly string[]
  }
  /** True when every call needs a key, which a foreign page does not have. */
  secured: () => boolean
}

const loopbackName = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/i
const loopbackHost = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i

/**
 * Refuses what a web page of somebody else sends through its visitor's browser, as the transport
 * demands. A browser names the page in `Origin`; and a page that makes its own name point at this
 * machine (DNS rebinding) is known by `Host`. `*` in the allowed origins means any page only where a
 * key is needed.
 */
export function createBrowserGuard(options: BrowserGuardOptions): onRequestHookHandler {
  const { browsers, secured } = options
  const { host, publicUrl, corsOrigins } = browsers
  const own = publicUrl ? new URL(publicUrl) : undefined
  const isLocal = loopbackHost.test(host)

  const isOwnHost = (name: string): boolean => loopbackName.test(name) || name === own?.hostname
  function isKnownOrigin(origin: string): boolean {
    const origins = corsOrigins()
    return (
      origin === own?.origin ||
      origins.includes(origin) ||
      loopbackName.test(hostnameOf(origin) ?? '') ||
      (secured() && origins.includes('*'))
    )
  }

  return (request, _reply, done) => {
    const { origin, host: named = '' } = request.headers
    if (origin !== undefined && !isKnownOrigin(origin))
      return done(fail('TG_FORBIDDEN', `pages of ${origin.slice(0, 120)} may not call this server`))
    if (isLocal && !secured() && !isOwnHost(hostnameOf(`http://${named}`) ?? ''))
      return done(fail('TG_FORBIDDEN', 'this server answers to a loopback Host alone'))
    done()
  }
}

function hostnameOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname : undefined
}
