import { fail } from '../../registry/errors.ts'

const redirects = new Set([301, 302, 303, 307, 308])

/**
 * Where an answer sends a GET, or undefined when it is no redirect. Never from https to http.
 * The caller of this checks the new URL as it did the first.
 */
export function redirectOf(from: URL, status: number, location: string | undefined) {
  if (!redirects.has(status) || !location) return undefined
  const to = URL.parse(location, from)
  if (!to) throw fail('TG_UPSTREAM_INVALID', from.host, 'a redirect to something that is no URL')
  if (from.protocol === 'https:' && to.protocol !== 'https:')
    throw fail('TG_URL_REFUSED', to.origin, `${from.host} redirects there, away from https`)
  // A fragment is the browser's; the userinfo of a redirect is refused by the guard.
  to.hash = ''
  return to
}
