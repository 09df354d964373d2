import type { Unit } from 'mathjs'
import * as exacts from './exact.ts'
import type { Exact } from './exact.ts'
import type { MathLibrary } from './library.ts'
import { byZero, limits, tooBig, undefinedThere, unlike } from './problems.ts'

/** What a part of an expression is worth: exact while it can be, else a double. */
export type Value = Exact | number | boolean | Unit

/** True for an exact fraction. */
export const isExact = (value: Value): value is Exact => typeof value === 'object' && 'n' in value
/** True for a number with a unit. */
export const isUnit = (value: Value): value is Unit => typeof value === 'object' && !('n' in value)
/** A whole number as a value. */
export const whole = (value: number | bigint): Exact => ({ n: BigInt(value), d: 1n })

/** A double as a value: whole ones are exact again, and what is no number is refused. */
export function fromDouble(value: number, what: string): Value {
  if (Number.isNaN(value)) throw undefinedThere(what)
  if (!Number.isFinite(value)) throw tooBig()
  return Number.isSafeInteger(value) ? whole(value) : value
}

/** An exact value within bounds: a long fraction becomes a double, a long whole number is refused. */
export function bounded(value: Exact): Value {
  const digits = Math.max(exacts.digitsOf(value.n), exacts.digitsOf(value.d))
  if (digits <= limits.fractionDigitsMax) return value
  if (!exacts.isWhole(value)) return shortened(value)
  if (digits > limits.digitsMax) throw tooBig()
  return value
}

function shortened(value: Exact): Value {
  const double = exacts.toDouble(value)
  if (double === 0) throw tooBig()
  return fromDouble(double, 'the fraction')
}

/** As a double; a unit is none. */
export function toNumber(value: Value, what: string): number {
  if (typeof value === 'boolean') return Number(value)
  if (isUnit(value)) throw undefinedThere(`${what} of ${value.formatUnits() || 'a unit'}`)
  if (typeof value === 'number') return value
  const double = exacts.toDouble(value)
  if (!Number.isFinite(double)) throw tooBig()
  return double
}

const toExact = (value: Value): Exact | undefined => {
  if (typeof value === 'boolean') return whole(Number(value))
  return isExact(value) ? value : undefined
}

const isZero = (value: Value): boolean =>
  isExact(value) ? value.n === 0n : value === 0 || value === false

type Kinds = {
  what: string
  exact: (a: Exact, b: Exact) => Exact
  double: (a: number, b: number) => number
  unit?: (a: number | Unit, b: number | Unit) => unknown
}

/** Works on two values in the best kind that both have. */
function combine(a: Value, b: Value, { what, exact, double, unit }: Kinds): Value {
  if (unit && (isUnit(a) || isUnit(b)))
    return fromLibrary(unit(unitOrNumber(a, what), unitOrNumber(b, what)), what)
  const [left, right] = [toExact(a), toExact(b)]
  if (left && right) return bounded(exact(left, right))
  return fromDouble(double(toNumber(a, what), toNumber(b, what)), what)
}

const unitOrNumber = (value: Value, what: string): number | Unit =>
  isUnit(value) ? value : toNumber(value, what)

function fromLibrary(value: unknown, what: string): Value {
  if (typeof value === 'number') return fromDouble(value, what)
  if (typeof value === 'object' && value !== null && 'formatUnits' in value) return value as Unit
  // A unit over itself: the library counts the rest as one of its own big numbers.
  return fromDouble(Number(value), what)
}

/** The arithmetic of values. */
export function createArithmetic(math: MathLibrary) {
  const add = (a: Value, b: Value): Value =>
    combine(a, b, {
      what: 'the sum',
      exact: exacts.add,
      double: (x, y) => x + y,
      unit: (x, y) => {
        const alike = typeof x !== 'number' && typeof y !== 'number' && x.equalBase(y)
        if (!alike) throw unlike('a sum')
        return math.add(x, y)
      },
    })
  const multiply = (a: Value, b: Value): Value =>
    combine(a, b, {
      what: 'the product',
      exact: exacts.multiply,
      double: (x, y) => x * y,
      unit: (x, y) => math.multiply(x as Unit, y as Unit),
    })
  const divide = (a: Value, b: Value): Value => {
    if (isZero(b)) throw byZero()
    return combine(a, b, {
      what: 'the quotient',
      exact: exacts.divide,
      double: (x, y) => x / y,
      unit: (x, y) => math.divide(x as Unit, y as Unit),
    })
  }
  const negate = (a: Value): Value => multiply(whole(-1), a)
  const subtract = (a: Value, b: Value): Value => add(a, negate(b))
  const floorDivide = (a: Value, b: Value): Value => floor(divide(a, b))
  /** What is left has the sign of the divisor, as in Python. */
  const modulo = (a: Value, b: Value): Value => subtract(a, multiply(b, floorDivide(a, b)))
  return { add, subtract, multiply, divide, negate, floorDivide, modulo, power: power(math) }
}
/** The operators of expressions, over every kind of value. */
export type Arithmetic = ReturnType<typeof createArithmetic>

/** The whole number below or at it. */
export const floor = (value: Value): Value =>
  isExact(value) ? exacts.floor(value) : fromDouble(Math.floor(toNumber(value, 'floor')), 'floor')

const unitPowerMax = 12

const power =
  (math: MathLibrary) =>
  (base: Value, exponent: Value): Value => {
    if (isUnit(base)) {
      const times = toNumber(exponent, 'the power')
      if (Math.abs(times) > unitPowerMax) throw tooBig()
      return fromLibrary(math.pow(base, times), 'the power')
    }
    const [b, e] = [toExact(base), toExact(exponent)]
    const result = b && e && exacts.isWhole(e) ? wholePower(b, e.n) : undefined
    if (result) return bounded(result)
    const [x, y] = [toNumber(base, 'the power'), toNumber(exponent, 'the power')]
    if (x === 0 && y < 0) throw byZero()
    const double = x ** y
    if (double === 0 && x !== 0) throw tooBig()
    return fromDouble(double, 'the power')
  }

/** Exact, or undefined where only a decimal is short enough. */
function wholePower(base: Exact, exponent: bigint): Exact | undefined {
  const { n, d } = base
  if (exponent === 0n) return whole(1)
  if (n === 0n && exponent < 0n) throw byZero()
  if (d === 1n && (n === 0n || n === 1n)) return base
  if (d === 1n && n === -1n) return whole(exponent % 2n === 0n ? 1 : -1)
  const size = exponent < 0n ? -exponent : exponent
  const longest = Math.max(digitsAtLeast(n), digitsAtLeast(d))
  const digitsMax = d === 1n && exponent > 0n ? limits.digitsMax : limits.fractionDigitsMax
  if (size > 100_000n || longest * Number(size) > digitsMax) {
    if (d === 1n && exponent > 0n) throw tooBig()
    return undefined
  }
  const [top, bottom] = [n ** size, d ** size]
  return exponent < 0n ? exacts.exact(bottom, top) : exacts.exact(top, bottom)
}

/** log10 of its size, from below. */
function digitsAtLeast(value: bigint): number {
  const size = value < 0n ? -value : value
  return size <= 1n ? 0 : exacts.naturalLog(whole(size)) / Math.LN10
}

/** Below, equal, above: -1, 0, 1. Doubles that differ by their last digits are equal. */
export function compare(a: Value, b: Value): number {
  if (isUnit(a) && isUnit(b)) {
    if (!a.equalBase(b)) throw unlike('a comparison')
    return compareDoubles(a.toNumber(b.formatUnits()), b.toNumber(b.formatUnits()))
  }
  const [left, right] = [toExact(a), toExact(b)]
  if (left && right) return exacts.compare(left, right)
  return compareDoubles(toNumber(a, 'a comparison'), toNumber(b, 'a comparison'))
}

const compareDoubles = (a: number, b: number): number =>
  Math.abs(a - b) <= 1e-12 * Math.max(Math.abs(a), Math.abs(b)) ? 0 : a < b ? -1 : 1
