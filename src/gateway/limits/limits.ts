import type { FastifyReply, FastifyRequest } from 'fastify'
import ipaddr from 'ipaddr.js'
import type { Config } from '../../config.ts'
import type { CallContext, Invoke } from '../../registry/call.ts'
import type { RegistryView } from '../../registry/registry.ts'
import { globOf } from '../../registry/select.ts'
import type { Patience, RedisPort } from '../policies/redis-port.ts'
import { type Allowed, parseAllowance } from './amount.ts'
import type { Holder } from '../auth/keys.ts'
import { policyField, writeLimits } from './headers.ts'
import {
  type Asker,
  askerOf,
  createLimiter,
  type Refused,
  type Taken,
  type TellLimited,
} from './limiter.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** What this request may still wait for Redis; set where the limits have asked it already. */
    patience: Patience | undefined
  }
}

type Allowances = Config['allowances']
/** What is limited, and where: at the door by key or address, at the call by tool, by model. */
export type Limits = {
  /** Lets a request in, or throws why not; undefined where nothing has to be waited for. */
  admit: (request: FastifyRequest, reply: FastifyReply) => Promise<void> | undefined
  /** Wraps the way in, for the limits of tools: what a caller does not see takes nothing from them. */
  wrap(invoke: Invoke, registry: RegistryView): Invoke
  /** Takes a place at a model; throws TG_RATE_LIMITED. What it gives frees the place. */
  model: (name: string, patience: Patience) => Promise<() => void>
  configure(allowances: Allowances): void
}

type Named = { fits: (name: string) => boolean; allowed: Allowed }
/** One at the door, with what every answer to it says of its limits. */
type Guest = { asker: Asker; policies: string }
type Rules = { key?: Allowed; address?: Allowed; tools: Named[]; models: Named[] }

/** Makes the limits of a gateway; where none is stated nothing is looked at. */
export function createLimits(options: {
  allowances: Allowances
  redis: RedisPort
  redisMs: number
  now?: () => number
  onRefused?: TellLimited
}): Limits {
  const limiter = createLimiter(options)
  let rules = readRules(options.allowances)
  /** A holder is the same with each of its calls, until its key is changed. */
  let holders = new WeakMap<Holder, Guest | 'free'>()

  function guestAt({ holder, ip }: FastifyRequest): Guest | undefined {
    if (!holder) {
      const address = rules.address && addressOf(ip)
      return rules.address && address ? guestOf('address', address, rules.address) : undefined
    }
    let guest = holders.get(holder)
    if (guest === undefined) {
      const allowed = holder.limits ?? rules.key
      guest = allowed ? guestOf('key', holder.id, allowed) : 'free'
      holders.set(holder, guest)
    }
    return guest === 'free' ? undefined : guest
  }

  function pass(
    { asker, policies }: Guest,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> | undefined {
    const patience = { redisMs: options.redisMs }
    const taken = limiter.take(asker, patience)
    if (!(taken instanceof Promise)) {
      settle(taken, policies, reply)
      return undefined
    }
    request.patience = patience
    return taken.then(place => settle(place, policies, reply))
  }

  function settle(taken: Taken | Refused, policies: string, reply: FastifyReply): void {
    writeLimits(reply, policies, taken.standings)
    if ('error' in taken) throw taken.error
    if (!taken.leave) return
    // Who left while Redis was asked does not leave again.
    if (reply.raw.destroyed) taken.leave()
    else reply.raw.once('close', taken.leave)
  }

  async function hold(asker: Asker, patience: Patience): Promise<() => void> {
    const taken = await limiter.take(asker, patience)
    if ('error' in taken) throw taken.error
    return taken.leave ?? nothing
  }

  const find = (named: readonly Named[], name: string): Allowed | undefined =>
    named.find(({ fits }) => fits(name))?.allowed

  return {
    admit(request, reply) {
      const guest = guestAt(request)
      return guest && pass(guest, request, reply)
    },
    wrap: (invoke, registry) => (name, args, context) => {
      const isLimited = rules.tools.length > 0 && registry.within(context.scope).get(name)
      const allowed = isLimited ? find(rules.tools, name) : undefined
      return allowed ? limited(invoke, allowed, [name, args, context]) : invoke(name, args, context)
    },
    async model(name, patience) {
      const allowed = find(rules.models, name)
      if (!allowed) return nothing
      return hold(askerOf('model', name, allowed), patience)
    },
    configure(allowances) {
      rules = readRules(allowances)
      holders = new WeakMap()
    },
  }

  async function limited(
    invoke: Invoke,
    allowed: Allowed,
    [name, args, context]: [string, unknown, CallContext],
  ) {
    const leave = await hold(askerOf('tool', name, allowed), context.patience)
    try {
      return await invoke(name, args, context)
    } finally {
      leave()
    }
  }
}

const nothing = (): void => undefined
const guestOf = (by: 'key' | 'address', name: string, allowed: Allowed): Guest => ({
  asker: askerOf(by, name, allowed),
  policies: policyField(allowed),
})

function readRules({ key, address, tools, models }: Allowances): Rules {
  const named = (record: Record<string, Parameters<typeof parseAllowance>[0]>, what: string) =>
    Object.entries(record).map(([pattern, allowance]) => ({
      fits: globOf(pattern),
      allowed: parseAllowance(allowance, `allowances.${what}.${pattern}`),
    }))
  return {
    ...(key ? { key: parseAllowance(key, 'allowances.key') } : {}),
    ...(address ? { address: parseAllowance(address, 'allowances.address') } : {}),
    tools: named(tools, 'tools'),
    models: named(models, 'models'),
  }
}

/** Whoever has one IPv6 address has a whole network of them, so they are counted by that. */
export function addressOf(ip: string): string | undefined {
  if (!ipaddr.isValid(ip)) return undefined
  const address = ipaddr.process(ip)
  if (address.kind() === 'ipv4') return address.toString()
  return `${address
    .toByteArray()
    .slice(0, 8)
    .map(byte => byte.toString(16).padStart(2, '0'))
    .join('')}`
}
