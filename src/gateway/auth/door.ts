import type { Config } from '../../config.ts'
import { parseAmount } from '../limits/amount.ts'
import { createLimits, type Limits } from '../limits/limits.ts'
import type { TellLimited } from '../limits/limiter.ts'
import type { RedisPort } from '../policies/redis-port.ts'
import type { AccessOptions } from './access.ts'
import { createAttempts } from './attempts.ts'
import { createKeyDesk, type KeyDesk } from './key-desk.ts'
import type { KeyStore } from './key-file.ts'
import { createTokens } from './tokens.ts'
import { createKeyRing, type KeyRing } from './keys.ts'

/** All that decides who comes in, for every server of a gateway, and where keys are made. */
export type Door = {
  access: Config & AccessOptions & { ring: KeyRing }
  desk: KeyDesk
  limits: Limits
  /** Takes over what a changed configuration says of keys. */
  configure(config: Pick<Config, 'keys' | 'allowances'>): void
}

/** Makes it of the configuration. Without a ring it knows the configured keys, without a store it keeps none. */
export function createDoor(options: {
  config: Config
  ring?: KeyRing | undefined
  keepKeys?: KeyStore['save'] | undefined
  redis: RedisPort
  onLimited: TellLimited
  now: () => number
}): Door {
  const { config, redis, onLimited: onRefused, now } = options
  const { allowances } = config
  const { redisMs } = config.limits
  const limits = createLimits({ allowances, redis, redisMs, now, onRefused })
  const ring =
    options.ring ?? createKeyRing(config.keys, { now, isAlwaysKeyed: config.jwt !== undefined })
  const amountOf = ({ allowances }: Pick<Config, 'allowances'>) =>
    parseAmount(allowances.wrongKeys, 'allowances.wrongKeys')
  const attempts = createAttempts({ amount: amountOf(config), now })
  const tokens = config.jwt && createTokens(config.jwt, { now })
  return {
    access: { ...config, ring, ...(tokens ? { tokens } : {}), attempts, admit: limits.admit },
    limits,
    desk: createKeyDesk({
      records: async () => ring.made(),
      save: options.keepKeys ?? (async records => void ring.merge(records)),
      isTaken: ring.isConfigured,
      now,
    }),
    configure(changed) {
      ring.configure(changed.keys)
      attempts.configure(amountOf(changed))
      limits.configure(changed.allowances)
    },
  }
}
