import type {
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  HookHandlerDoneFunction,
  onRequestHookHandler,
} from 'fastify'
import type { ConfiguredKey } from '../../config.ts'
import type { CallContext } from '../../registry/call.ts'
import { fail, isToolError, type ToolError } from '../../registry/errors.ts'
import type { Limits } from '../limits/limits.ts'
import type { Attempts } from './attempts.ts'
import type { Tokens } from './tokens.ts'
import { createKeyRing, type Holder, type KeyRing, presentedKey } from './keys.ts'

/**
 * Who may use a route; stated on the route, read by one hook. `key` is what a route that states
 * nothing gets.
 * - `open`: anybody, always (health).
 * - `document`: anybody, unless documents are closed.
 * - `file`: a key, or a signature in the URL.
 * - `key`: a key, where the gateway has any and is not anonymous.
 * - `operator`: a key, where the gateway has any, anonymous or not; without keys no foreign page (metrics).
 * - `admin`: as operator, from no foreign page, in JSON; without keys only this machine.
 */
export type Access = 'open' | 'document' | 'file' | 'key' | 'operator' | 'admin'

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access
    /** What a key has to be for, where it says for which faces it is. */
    face?: string
  }
  interface FastifyRequest {
    /** Id of the key's holder; undefined for an anonymous caller. */
    caller: string | undefined
    /** The holder, and what the key opens. */
    holder: Holder | undefined
  }
}

/** What the hook must know of the configuration. */
export type AccessOptions = {
  keys: readonly ConfiguredKey[]
  /** All keys, those that were made while running too; absent = those of the configuration alone. */
  ring?: KeyRing
  anonymous: boolean
  keyInQuery: boolean
  documents: 'public' | 'key'
  /** True when the URL of a file carries a valid signature. */
  isSigned?: (request: FastifyRequest) => boolean
  /** Takes tokens in place of keys; absent = it takes none. */
  tokens?: Tokens
  /** Makes guessing slow; absent = it is not. */
  attempts?: Attempts
  /** Holds callers to their limits; absent, or undefined for one that has none = they go on. */
  admit?: Limits['admit']
}

type Keyed = Pick<AccessOptions, 'keys' | 'ring' | 'anonymous'>

/** True when callers of tools need a key; documents then say so. */
export const isSecured = ({ keys, ring, anonymous }: Keyed): boolean =>
  (ring?.any ?? keys.length > 0) && !anonymous

/** True when a route is for everybody, though callers of tools need a key; documents then say so. */
export const isOpenBesideKeys = (
  access: Access | undefined,
  options: Keyed & Pick<AccessOptions, 'documents'>,
): boolean =>
  isSecured(options) &&
  (access === 'open' || (access === 'document' && options.documents === 'public'))

/** Who calls from where, and which tools that caller may call, for a call's context. */
export function callerOf({
  caller,
  holder,
  ip: address,
}: Pick<FastifyRequest, 'caller' | 'holder' | 'ip'>): Pick<
  CallContext,
  'caller' | 'scope' | 'address'
> {
  if (caller === undefined) return { address }
  return holder?.scope ? { caller, address, scope: holder.scope } : { caller, address }
}

/**
 * Guards every route that is added from now on by what it states. The guard lets a request in or
 * throws TG_KEY_MISSING, TG_KEY_WRONG, TG_KEY_EXPIRED or TG_FORBIDDEN. It is put on the route itself;
 * where there are no keys it looks at nothing.
 */
export function guardAccess(app: FastifyInstance, options: AccessOptions): void {
  const ring = options.ring ?? createKeyRing(options.keys)
  app.decorateRequest('caller', undefined)
  app.decorateRequest('holder', undefined)
  app.decorateRequest('patience', undefined)
  app.addHook('onRoute', route => {
    const { access = 'key', face } = route.config ?? {}
    const guard = createGuard({ access, face }, { ...options, ring })
    route.onRequest = [guard, ...[route.onRequest ?? []].flat()]
  })
}

type Stated = { access: Access; face: string | undefined }

function createGuard(
  { access, face }: Stated,
  options: AccessOptions & { ring: KeyRing },
): onRequestHookHandler {
  const { ring, anonymous, documents, keyInQuery, isSigned, attempts, admit, tokens } = options
  const needsKey: Record<Access, (request: FastifyRequest) => boolean> = {
    open: () => false,
    document: () => !anonymous && documents === 'key',
    file: request => !anonymous && !isSigned?.(request),
    key: () => !anonymous,
    operator: () => true,
    admin: () => true,
  }
  const isOpenAtStart =
    access === 'open' || (anonymous && access !== 'admin' && access !== 'operator')
  return (request, reply, done) => {
    if (!ring.any) {
      if (ring.isAwaited && !isOpenAtStart) return done(fail('TG_STARTING'))
      if (access === 'operator') return done(pageProblem(request))
      return access === 'admin' ? done(adminProblem(request, false)) : enter(request, reply, done)
    }
    const presented = presentedKey(request, keyInQuery)
    const found = ring.find(presented, request.raw.socket)
    if (presented !== undefined && isToolError(found) && tokens?.looksLike(presented))
      return void judgeToken(request, reply, { found: tokens.holder(presented), done })
    return judge(request, reply, { found, done })
  }

  /** What verifies a token never throws. */
  async function judgeToken(
    request: FastifyRequest,
    reply: FastifyReply,
    { found, done }: { found: Promise<Holder | ToolError>; done: HookHandlerDoneFunction },
  ): Promise<void> {
    judge(request, reply, { found: await found, done })
  }

  function judge(
    request: FastifyRequest,
    reply: FastifyReply,
    { found, done }: { found: Holder | ToolError | undefined; done: HookHandlerDoneFunction },
  ): void {
    if (found && !isToolError(found)) {
      request.holder = found
      request.caller = found.id
      const refused = attempts?.suspect(found, request.ip) ?? refusal(found, { access, face })
      if (refused) return done(refused)
      return access === 'admin' ? done(adminProblem(request, true)) : enter(request, reply, done)
    }
    // An issuer that is away says nothing against a token.
    const blocked = found?.code.startsWith('TG_KEY_') ? attempts?.failed(request.ip) : undefined
    if (request.method === 'OPTIONS' || !needsKey[access](request))
      return access === 'admin' ? done(adminProblem(request, true)) : enter(request, reply, done)
    // Browsers and RemoteTool's URL user-info learn from this that Basic is taken too.
    if (!blocked)
      reply.header('www-authenticate', 'Bearer realm="toolgate", Basic realm="toolgate"')
    return done(blocked ?? found ?? fail('TG_KEY_MISSING'))
  }

  /** The last step: whoever may come in is held to a limit, where there is one. */
  function enter(
    request: FastifyRequest,
    reply: FastifyReply,
    done: HookHandlerDoneFunction,
  ): void {
    if (face === undefined || !admit) return done()
    let entering: Promise<void> | undefined
    try {
      entering = admit(request, reply)
    } catch (error) {
      return done(error as Error)
    }
    if (!entering) return done()
    void settle(entering, done)
  }
}

async function settle(entering: Promise<void>, done: HookHandlerDoneFunction): Promise<void> {
  try {
    await entering
  } catch (error) {
    return done(error as Error)
  }
  done()
}

/** Why a key that is known does not open a route. */
function refusal({ admin, faces }: Holder, { access, face }: Stated): ToolError | undefined {
  if (access === 'admin' && !admin) return fail('TG_FORBIDDEN', 'this key is not for admin routes')
  if (access === 'operator' && !admin && !faces?.names.includes('metrics'))
    return fail('TG_FORBIDDEN', 'this key is neither for admin routes nor for the face metrics')
  if (face !== undefined && faces && !faces.has(face))
    return fail('TG_FORBIDDEN', `this key is not for the face ${face}`)
  return undefined
}

const forwardedHeaders = ['forwarded', 'x-forwarded-for', 'x-real-ip']
/** True for what a proxy sends on: its peer, this machine perhaps, is not who asks. */
export const isForwarded = ({ headers }: Pick<FastifyRequest, 'headers'>): boolean =>
  forwardedHeaders.some(name => headers[name] !== undefined)
const loopbackPeer = /^(127(\.\d+){3}|::1|::ffff:127(\.\d+){3})$/
const loopbackHost = /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/i

/** What tells of operation is not for a web page that an operator happens to see. */
function pageProblem({ headers: { origin, host = '' } }: FastifyRequest): ToolError | undefined {
  // Behind a proxy the page came by https and the request by http, so hosts are compared.
  if (origin === undefined || URL.parse(origin)?.host === host) return undefined
  return fail('TG_FORBIDDEN', 'admin routes and metrics are not for web pages of another origin')
}

/** Admin wants JSON, and without keys it is for this machine alone. */
function adminProblem(request: FastifyRequest, keyed: boolean): ToolError | undefined {
  const { host = '', 'content-type': type } = request.headers
  const page = pageProblem(request)
  if (page) return page
  // What a page may send unasked is no JSON.
  if (type !== undefined && !/^application\/json\b/i.test(type))
    return fail('TG_MEDIA_TYPE', 'this content type', 'application/json')
  if (keyed) return undefined
  if (isForwarded(request) || !loopbackPeer.test(request.socket.remoteAddress ?? ''))
    return fail(
      'TG_FORBIDDEN',
      'without a key, admin routes are for this machine alone: set TOOLGATE_KEY',
    )
  if (!loopbackHost.test(host))
    return fail('TG_FORBIDDEN', 'without a key, admin routes want a loopback Host')
  return undefined
}
