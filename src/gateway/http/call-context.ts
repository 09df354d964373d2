import type { FastifyReply, FastifyRequest } from 'fastify'
import type { CacheControl, CacheReport, CallContext } from '../../registry/call.ts'
import { followClient } from './abort.ts'
import { readCacheControl } from './cache-headers.ts'

/** What a face knows of a call; the signal is made when first looked at. */
export type CallFacts = {
  requestId: string
  face: string
  caller: string | undefined
  /** The client's; a socket that has ended does not know it any more. */
  address?: string
  scope: CallContext['scope'] | undefined
  control: CacheControl
  redisMs: number
  signal: () => AbortSignal
}

/** A class, for a getter in a literal would give each context a hidden class of its own. */
class LazyContext implements CallContext {
  readonly requestId: string
  readonly face: string
  readonly control: CacheControl
  readonly report: CacheReport = {}
  readonly patience: { redisMs: number }
  declare caller?: string
  readonly address: string | undefined
  declare scope?: NonNullable<CallContext['scope']>
  declare progress?: NonNullable<CallContext['progress']>
  declare deadlineMs?: number
  declare named?: NonNullable<CallContext['named']>
  readonly #makeSignal: () => AbortSignal
  #signal: AbortSignal | undefined

  constructor({ requestId, face, caller, address, scope, control, redisMs, signal }: CallFacts) {
    this.requestId = requestId
    this.face = face
    this.address = address
    this.control = control
    this.patience = { redisMs }
    this.#makeSignal = signal
    if (caller !== undefined) this.caller = caller
    if (scope) this.scope = scope
  }

  /** Most calls are answered from the store and never look at it. */
  get signal(): AbortSignal {
    return (this.#signal ??= this.#makeSignal())
  }
}

/** The context of a call, of what a face knows. */
export const contextOf = (facts: CallFacts): CallContext => new LazyContext(facts)

/** What a face says of the call that one HTTP request makes. */
export const callContext = (
  request: FastifyRequest,
  reply: FastifyReply,
  { face, redisMs }: { face: string; redisMs: number },
): CallContext =>
  contextOf({
    requestId: request.id,
    face,
    caller: request.caller,
    address: request.ip,
    scope: request.holder?.scope,
    control: readCacheControl(request.headers['cache-control']),
    redisMs: request.patience?.redisMs ?? redisMs,
    signal: () => followClient(reply),
  })
