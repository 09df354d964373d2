import { byZero, limits, tooBig } from './problems.ts'

/** An exact number: `n / d` in lowest terms, with `d` above 0. */
export type Exact = { readonly n: bigint; readonly d: bigint }

const absolute = (value: bigint): bigint => (value < 0n ? -value : value)
/** How many decimal digits it has, give or take one. */
export const digitsOf = (value: bigint): number =>
  Math.ceil(absolute(value).toString(16).length * Math.log10(16))

/** The greatest common divisor of two whole numbers. */
export function gcd(a: bigint, b: bigint): bigint {
  let [x, y] = [absolute(a), absolute(b)]
  while (y !== 0n) [x, y] = [y, x % y]
  return x
}

/** A fraction in lowest terms. */
export function exact(n: bigint, d = 1n): Exact {
  if (d === 0n) throw byZero()
  if (d === 1n) return { n, d }
  const [top, bottom] = d < 0n ? [-n, -d] : [n, d]
  const common = gcd(top, bottom)
  return { n: top / common, d: bottom / common }
}

/** A number as it is written: `12`, `0.1`, `6.02e+23`. */
export function fromDecimal(text: string): Exact {
  const [, whole = '', part = '', power = '0'] =
    /^(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/.exec(text) ?? []
  if (Math.abs(Number(power)) > limits.digitsMax) throw tooBig()
  const shift = Number(power) - part.length
  const digits = BigInt(whole + part)
  return shift >= 0 ? exact(digits * 10n ** BigInt(shift)) : exact(digits, 10n ** BigInt(-shift))
}

/** The sum of two fractions. */
export const add = (a: Exact, b: Exact): Exact => exact(a.n * b.d + b.n * a.d, a.d * b.d)
/** The product of two fractions. */
export const multiply = (a: Exact, b: Exact): Exact => exact(a.n * b.n, a.d * b.d)
/** One fraction divided by another that is not zero. */
export const divide = (a: Exact, b: Exact): Exact => exact(a.n * b.d, a.d * b.n)
/** A fraction with the other sign. */
export const negate = ({ n, d }: Exact): Exact => ({ n: -n, d })
/** True for a fraction that is a whole number. */
export const isWhole = ({ d }: Exact): boolean => d === 1n
/** Below, equal, above: -1, 0, 1. */
export function compare(a: Exact, b: Exact): number {
  const [left, right] = [a.n * b.d, b.n * a.d]
  return left < right ? -1 : left > right ? 1 : 0
}
/** The whole number below or at it. */
export function floor({ n, d }: Exact): Exact {
  const quotient = n / d
  return exact(n % d !== 0n && n < 0n ? quotient - 1n : quotient)
}
/** To so many decimals; halves go away from zero, as at school. */
export function round(value: Exact, decimals: number): Exact {
  const scale = exact(10n ** BigInt(Math.abs(decimals)))
  const scaled = decimals < 0 ? divide(value, scale) : multiply(value, scale)
  const half = exact(1n, 2n)
  const whole = scaled.n < 0n ? negate(floor(add(negate(scaled), half))) : floor(add(scaled, half))
  return decimals < 0 ? multiply(whole, scale) : divide(whole, scale)
}

/** Its first digits and their power of ten: `d.ddd × 10^power`, cut not rounded; 0 is '0'. */
export function leading({ n, d }: Exact, digits: number): { digits: string; power: number } {
  if (n === 0n) return { digits: '0', power: 0 }
  const shift = digits + digitsOf(d) - digitsOf(n) + 1
  const top = absolute(n) * (shift > 0 ? 10n ** BigInt(shift) : 1n)
  const bottom = d * (shift < 0 ? 10n ** BigInt(-shift) : 1n)
  const text = (top / bottom).toString()
  return { digits: text.slice(0, digits), power: text.length - 1 - shift }
}

const doubleDigits = 21
/** The nearest double: infinite or 0 where it is out of range. */
export function toDouble(value: Exact): number {
  const { digits, power } = leading(value, doubleDigits)
  const size = Number(`${digits}e${power - digits.length + 1}`)
  return value.n < 0n ? -size : size
}

/** The natural logarithm, of numbers that no double holds too. */
export function naturalLog(value: Exact): number {
  const { digits, power } = leading(value, doubleDigits)
  return Math.log(Number(`${digits}e${1 - digits.length}`)) + power * Math.LN10
}

/** All its decimals, when they end within so many digits; else undefined. */
export function decimals({ n, d }: Exact, digitsMax: number): string | undefined {
  let rest = d
  let places = 0
  for (; rest % 10n === 0n && places <= digitsMax; places++) rest /= 10n
  for (; rest !== 1n && places <= digitsMax; places++) {
    if (rest % 5n === 0n) rest /= 5n
    else if (rest % 2n === 0n) rest /= 2n
    else return undefined
  }
  const text = ((absolute(n) * 10n ** BigInt(places)) / d).toString().padStart(places + 1, '0')
  if (rest !== 1n || text.length > digitsMax) return undefined
  const point = text.length - places
  const fraction = text.slice(point).replace(/0+$/, '')
  return `${n < 0n ? '-' : ''}${text.slice(0, point)}${fraction ? `.${fraction}` : ''}`
}
