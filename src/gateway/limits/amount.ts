import type { Allowance } from '../../config.ts'

/** So many in a time. */
export type Amount = { count: number; perMs: number }
/** An allowance, read. */
export type Allowed = { rate?: Amount; quota?: Amount; concurrency?: number }

const units: Record<string, number> = { s: 1_000, min: 60_000, h: 3_600_000, day: 86_400_000 }

/** Reads `60/min`, `10/s`, `5/10s`, `1000/day`; throws an Error that names what was meant. */
export function parseAmount(text: string, what: string): Amount {
  const [, count = '', times = '1', unit = ''] =
    /^([1-9]\d{0,8})\/([1-9]\d{0,4})?(s|min|h|day)$/.exec(text) ?? []
  const perMs = Number(times || 1) * (units[unit] ?? 0)
  if (count === '' || perMs === 0)
    throw new Error(`${what}: "${text}" is not an amount such as 60/min, 10/s or 1000/day`)
  return { count: Number(count), perMs }
}

/** Reads an allowance. */
export function parseAllowance(allowance: Allowance, what: string): Allowed {
  const { rate, quota, concurrency } = allowance
  return {
    ...(rate === undefined ? {} : { rate: parseAmount(rate, `${what}: rate`) }),
    ...(quota === undefined ? {} : { quota: parseAmount(quota, `${what}: quota`) }),
    ...(concurrency === undefined ? {} : { concurrency }),
  }
}
