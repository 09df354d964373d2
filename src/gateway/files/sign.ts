import { createHmac, timingSafeEqual } from 'node:crypto'

/** Signs the URLs of files, so that whoever holds one may fetch it without a key, for a while. */
export type Signer = {
  /** The query that opens the file until `expiresAt`: `exp=…&sig=…`. */
  sign: (id: string, expiresAt: number) => string
  /** True when a query opens this file now. */
  verify: (id: string, query: { exp?: unknown; sig?: unknown }) => boolean
}

/** Makes a signer; replicas with one secret take each other's signatures. */
export function createSigner(options: { secret: string; now?: () => number }): Signer {
  const { secret, now = Date.now } = options
  const mac = (id: string, exp: string): Buffer =>
    createHmac('sha256', secret).update(`toolgate-file\n${id}\n${exp}`).digest()
  return {
    sign: (id, expiresAt) => {
      const exp = String(Math.floor(expiresAt / 1_000))
      return `exp=${exp}&sig=${mac(id, exp).toString('base64url')}`
    },
    verify: (id, { exp, sig }) => {
      if (typeof exp !== 'string' || typeof sig !== 'string' || !/^\d{1,12}$/.test(exp))
        return false
      const given = Buffer.from(sig, 'base64url')
      const wanted = mac(id, exp)
      const isRight = given.length === wanted.length && timingSafeEqual(given, wanted)
      return isRight && Number(exp) * 1_000 > now()
    },
  }
}
