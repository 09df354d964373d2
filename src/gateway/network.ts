import type { Dispatcher } from 'undici'
import type { Config } from '../config.ts'
import { createGuard, type Guard } from './http/guard.ts'
import { originsOf } from './http/upstream-base.ts'
import { createUpstream, type Upstream } from './http/upstream.ts'
import type { Breaker } from './policies/breaker.ts'
import { createPace } from './policies/pace.ts'
import type { RedisPort } from './policies/redis-port.ts'
import type { TellStage } from './telemetry/stages.ts'

/** The ways out of the gateway. */
export type Network = {
  /** For URLs that callers supply. */
  callers: Guard
  /** For URLs that the operator states, in the configuration or over an admin route. */
  operators: Guard
  /** For the services behind tools. */
  upstream: Upstream
  close(): Promise<void>
}

/** Builds them on one guard each, which no request goes around. */
export function createNetwork(options: {
  config: Config
  version: string
  onStage: TellStage
  breaker: Breaker
  /** Around every request that goes out. */
  interceptors: Dispatcher.DispatchInterceptor[]
  redis: RedisPort
  now: () => number
  /** In place of the network, for tests. */
  dispatcher?: Dispatcher
}): Network {
  const { config, version, redis, now, dispatcher, onStage, breaker, interceptors } = options
  const { allowedHosts, settings } = config
  const callers = createGuard({ allowedHosts, interceptors })
  const operators = createGuard({ allowedHosts, privateAllowed: true, interceptors })
  // A tool may reach the public web and what the operator's settings name, nothing else inside.
  const tools = createGuard({
    allowedHosts,
    allowedOrigins: originsOf(settings),
    interceptors,
  })
  const upstream = createUpstream({
    dispatcher: dispatcher?.compose(interceptors) ?? tools.dispatcher,
    settings,
    pace: createPace({ redis, now }),
    now,
    version,
    onStage,
    breaker,
  })
  return {
    callers,
    operators,
    upstream,
    close: async () => {
      await Promise.all([callers.close(), operators.close(), tools.close()])
    },
  }
}
