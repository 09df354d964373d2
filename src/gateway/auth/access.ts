import type { FastifyInstance, FastifyRequest, onRequestHookHandler } from 'fastify'
import { fail, type ToolError } from '../../registry/errors.ts'
import { createKeys, type Keys, presentedKey } from './keys.ts'

/**
 * Who may use a route; stated on the route, read by one hook. `key` is what a route that states
 * nothing gets.
 * - `open`: anybody, always (health).
 * - `document`: anybody, unless documents are closed.
 * - `file`: a key, or a signature in the URL.
 * - `key`: a key, where the gateway has any and is not anonymous.
 * - `operator`: a key, where the gateway has any, anonymous or not (metrics).
 * - `admin`: as operator, from no foreign page, in JSON; without keys only this machine.
 */
export type Access = 'open' | 'document' | 'file' | 'key' | 'operator' | 'admin'

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access
  }
  interface FastifyRequest {
    /** Id of the key's holder; undefined for an anonymous caller. */
    caller: string | undefined
  }
}

/** What the hook must know of the configuration. */
export type AccessOptions = {
  keys: readonly { id: string; key: string }[]
  anonymous: boolean
  keyInQuery: boolean
  documents: 'public' | 'key'
  /** True when the URL of a file carries a valid signature. */
  isSigned?: (request: FastifyRequest) => boolean
}

/** True when callers of tools need a key; documents then say so. */
export const isSecured = ({
  keys,
  anonymous,
}: Pick<AccessOptions, 'keys' | 'anonymous'>): boolean => keys.length > 0 && !anonymous

/** True when a route is for everybody, though callers of tools need a key; documents then say so. */
export const isOpenBesideKeys = (
  access: Access | undefined,
  options: Pick<AccessOptions, 'keys' | 'anonymous' | 'documents'>,
): boolean =>
  isSecured(options) &&
  (access === 'open' || (access === 'document' && options.documents === 'public'))

/**
 * Guards every route that is added from now on by what it states. The guard lets a request in or
 * throws TG_KEY_MISSING, TG_KEY_WRONG or TG_FORBIDDEN. It is put on the route itself, so that an
 * open gateway pays nothing for it.
 */
export function guardAccess(app: FastifyInstance, options: AccessOptions): void {
  const keys = createKeys(options.keys)
  app.decorateRequest('caller', undefined)
  app.addHook('onRoute', route => {
    const access = route.config?.access ?? 'key'
    if (!keys.any && access !== 'admin') return
    const guard = createGuard(access, keys, options)
    route.onRequest = [guard, ...[route.onRequest ?? []].flat()]
  })
}

function createGuard(access: Access, keys: Keys, options: AccessOptions): onRequestHookHandler {
  const secured = isSecured(options)
  const needsKey: Record<Access, (request: FastifyRequest) => boolean> = {
    open: () => false,
    document: () => secured && options.documents === 'key',
    file: request => secured && !options.isSigned?.(request),
    key: () => secured,
    operator: () => keys.any,
    admin: () => keys.any,
  }
  return (request, reply, done) => {
    const holder = keys.holder(presentedKey(request, options.keyInQuery))
    if (typeof holder === 'object') request.caller = holder.id
    else if (request.method !== 'OPTIONS' && needsKey[access](request)) {
      // Browsers and RemoteTool's URL user-info learn from this that Basic is taken too.
      reply.header('www-authenticate', 'Bearer realm="toolgate", Basic realm="toolgate"')
      return done(fail(holder ? 'TG_KEY_WRONG' : 'TG_KEY_MISSING'))
    }
    return done(access === 'admin' ? adminProblem(request, keys.any) : undefined)
  }
}

/** A proxy on this machine is a loopback peer, whoever it speaks for. */
const forwardedHeaders = ['forwarded', 'x-forwarded-for', 'x-real-ip']
const loopbackPeer = /^(127(\.\d+){3}|::1|::ffff:127(\.\d+){3})$/
const loopbackHost = /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/i

/** Admin is not for a web page that an operator happens to see; without keys, for this machine alone. */
function adminProblem(request: FastifyRequest, keyed: boolean): ToolError | undefined {
  const { origin, host = '', 'content-type': type } = request.headers
  // Behind a proxy the page came by https and the request by http, so hosts are compared.
  if (origin !== undefined && URL.parse(origin)?.host !== host)
    return fail('TG_FORBIDDEN', 'admin routes are not for web pages of another origin')
  // What a page may send unasked is no JSON.
  if (type !== undefined && !/^application\/json\b/i.test(type))
    return fail('TG_MEDIA_TYPE', 'this content type', 'application/json')
  if (keyed) return undefined
  const isForwarded = forwardedHeaders.some(name => request.headers[name] !== undefined)
  if (isForwarded || !loopbackPeer.test(request.socket.remoteAddress ?? ''))
    return fail(
      'TG_FORBIDDEN',
      'without a key, admin routes are for this machine alone: set TOOLGATE_KEY',
    )
  if (!loopbackHost.test(host))
    return fail('TG_FORBIDDEN', 'without a key, admin routes want a loopback Host')
  return undefined
}
