import * as exacts from './exact.ts'
import type { Exact } from './exact.ts'
import type { MathLibrary } from './library.ts'
import { limits, tooBig, undefinedThere } from './problems.ts'
import {
  type Arithmetic,
  compare,
  floor,
  fromDouble,
  isExact,
  isUnit,
  toNumber,
  type Value,
  whole,
} from './values.ts'

/** What a function may use: arithmetic, the library, and a purse of steps. */
export type Tools = { math: MathLibrary; arithmetic: Arithmetic; spend(steps: number): void }
/** A function: how many arguments it takes, and what it gives. */
export type Calculation = {
  least: number
  most: number
  run(values: Value[], tools: Tools): Value
}

const many = Number.POSITIVE_INFINITY
const takes = (least: number, most: number, run: Calculation['run']): Calculation => ({
  least,
  most,
  run,
})
const absent = whole(0)
const at = (values: Value[], index: number): Value => values[index] ?? absent

/** A function of doubles. */
const real = (what: string, run: (...args: number[]) => number, least = 1, most = least) =>
  takes(least, most, values => fromDouble(run(...values.map(value => toNumber(value, what))), what))

/** A function of an angle, in radians or with a unit; what is only rounding error is 0. */
const ofAngle = (what: string, run: (angle: number) => number) =>
  takes(1, 1, values => {
    const value = at(values, 0)
    const angle = isUnit(value) ? value.toNumber('rad') : toNumber(value, what)
    const result = run(angle)
    if (Math.abs(result) > 1e15) throw undefinedThere(what)
    return fromDouble(Math.abs(angle) > 1 && Math.abs(result) < 1e-15 ? 0 : result, what)
  })

/** A function of whole numbers. */
const ofWhole = (
  what: string,
  count: number,
  run: (values: bigint[], tools: Tools) => bigint,
  most = count,
) =>
  takes(count, most, (values, tools) =>
    whole(
      run(
        values.map(value => wholeOf(value, what)),
        tools,
      ),
    ),
  )

function wholeOf(value: Value, what: string): bigint {
  if (isExact(value) && exacts.isWhole(value)) return value.n
  throw undefinedThere(`${what} of what is not a whole number`)
}

/** A function that keeps exact numbers exact. */
const keeping = (
  what: string,
  exactly: (value: Exact) => Exact,
  otherwise: (value: number) => number,
) =>
  takes(1, 1, values => {
    const value = at(values, 0)
    return isExact(value) ? exactly(value) : fromDouble(otherwise(toNumber(value, what)), what)
  })

const ceil = (value: Exact): Exact => exacts.negate(exacts.floor(exacts.negate(value)))
const truncate = (value: Exact): Exact => (value.n < 0n ? ceil(value) : exacts.floor(value))

const logarithm = takes(1, 2, (values, tools) => {
  const natural = (value: Value): number => {
    const positive = isExact(value) ? value.n > 0n : toNumber(value, 'log') > 0
    if (!positive) throw undefinedThere('log')
    return isExact(value) ? exacts.naturalLog(value) : Math.log(toNumber(value, 'log'))
  }
  const [value, base] = values.map(natural)
  if (base === undefined) return fromDouble(value ?? 0, 'log')
  return tools.arithmetic.divide(fromDouble(value ?? 0, 'log'), fromDouble(base, 'log'))
})
const logarithmTo = (base: number) =>
  takes(1, 1, (values, tools) => logarithm.run([at(values, 0), whole(base)], tools))

function productOf(from: bigint, to: bigint, tools: Tools): bigint {
  let product = 1n
  tools.spend(Number(to - from) + 1)
  for (let factor = from; factor <= to; factor++) product *= factor
  return product
}

/** 1,700! has 4,755 digits. */
const factorialMax = 1_700n
const factorial = ofWhole('factorial', 1, ([n = 0n], tools) => {
  if (n < 0n) throw undefinedThere('factorial')
  if (n > factorialMax) throw tooBig()
  return productOf(2n, n, tools)
})

const choose = (what: string, ordered: boolean) =>
  ofWhole(what, 2, ([n = 0n, k = 0n], tools) => {
    if (n < 0n || k < 0n) throw undefinedThere(what)
    if (k > n) return 0n
    const steps = ordered || k < n - k ? k : n - k
    tools.spend(steps > limits.stepsMax ? limits.stepsMax + 1 : Number(steps))
    let product = 1n
    for (let step = 1n; step <= steps; step++) {
      product = product * (n - steps + step)
      if (!ordered) product /= step
      if (step % 64n === 0n && exacts.digitsOf(product) > limits.digitsMax) throw tooBig()
    }
    // Ordered choices are counted from n downwards, which is the same product.
    if (exacts.digitsOf(product) > limits.digitsMax) throw tooBig()
    return product
  })

const common = ofWhole(
  'gcd',
  1,
  (values, tools) => {
    tools.spend(values.length * 20)
    return values.reduce(exacts.gcd, 0n)
  },
  many,
)
const multiple = ofWhole(
  'lcm',
  1,
  (values, tools) => {
    tools.spend(values.length * 20)
    return values.reduce((all, value) => {
      const next = value === 0n ? 0n : (all / exacts.gcd(all, value)) * value
      if (exacts.digitsOf(next) > limits.digitsMax) throw tooBig()
      return next < 0n ? -next : next
    }, 1n)
  },
  many,
)

const sumOf = (values: Value[], { arithmetic }: Tools): Value =>
  values.reduce((all, value) => arithmetic.add(all, value))
const meanOf = (values: Value[], tools: Tools): Value =>
  tools.arithmetic.divide(sumOf(values, tools), whole(values.length))
const varianceOf = (values: Value[], tools: Tools): Value => {
  const { subtract, multiply, divide } = tools.arithmetic
  const mean = meanOf(values, tools)
  const squares = values.map(value => {
    const away = subtract(value, mean)
    return multiply(away, away)
  })
  return divide(sumOf(squares, tools), whole(values.length - 1))
}
const medianOf = (values: Value[], tools: Tools): Value => {
  const sorted = values.toSorted(compare)
  const middle = Math.floor((sorted.length - 1) / 2)
  return meanOf(sorted.slice(middle, sorted.length - middle), tools)
}
const best = (sign: number) =>
  takes(1, many, values => values.reduce((a, b) => (compare(b, a) * sign > 0 ? b : a)))

const degreesOfRadian = 180 / Math.PI

/** Every function there is; a name that is not here is refused. */
export const functions: ReadonlyMap<string, Calculation> = new Map(
  Object.entries({
    abs: takes(1, 1, (values, { arithmetic }) => {
      const value = at(values, 0)
      const zero = arithmetic.subtract(value, value)
      return compare(value, zero) < 0 ? arithmetic.negate(value) : value
    }),
    sign: takes(1, 1, values => whole(compare(at(values, 0), whole(0)))),
    floor: takes(1, 1, values => floor(at(values, 0))),
    ceil: keeping('ceil', ceil, Math.ceil),
    fix: keeping('trunc', truncate, Math.trunc),
    round: takes(1, 2, values => {
      const places = Number(wholeOf(values[1] ?? whole(0), 'round'))
      if (Math.abs(places) > 100) throw tooBig()
      const value = at(values, 0)
      if (isExact(value)) return exacts.round(value, places)
      const text = toNumber(value, 'round').toFixed(Math.max(places, 0))
      return fromDouble(
        places < 0 ? Math.round(Number(text) / 10 ** -places) * 10 ** -places : Number(text),
        'round',
      )
    }),
    sqrt: real('sqrt', Math.sqrt),
    cbrt: real('cbrt', Math.cbrt),
    nthRoot: real(
      'nthRoot',
      (x, n = 2) => (x < 0 && n % 2 === 1 ? -((-x) ** (1 / n)) : x ** (1 / n)),
      1,
      2,
    ),
    square: takes(1, 1, (values, { arithmetic }) => arithmetic.power(at(values, 0), whole(2))),
    cube: takes(1, 1, (values, { arithmetic }) => arithmetic.power(at(values, 0), whole(3))),
    pow: takes(2, 2, (values, { arithmetic }) => arithmetic.power(at(values, 0), at(values, 1))),
    mod: takes(2, 2, (values, { arithmetic }) => arithmetic.modulo(at(values, 0), at(values, 1))),
    exp: real('exp', power => Math.exp(power) || Number.POSITIVE_INFINITY),
    expm1: real('expm1', Math.expm1),
    log: logarithm,
    log2: logarithmTo(2),
    log10: logarithmTo(10),
    log1p: real('log1p', Math.log1p),
    sin: ofAngle('sin', Math.sin),
    cos: ofAngle('cos', Math.cos),
    tan: ofAngle('tan', Math.tan),
    sec: ofAngle('sec', angle => 1 / Math.cos(angle)),
    csc: ofAngle('csc', angle => 1 / Math.sin(angle)),
    cot: ofAngle('cot', angle => 1 / Math.tan(angle)),
    asin: real('asin', Math.asin),
    acos: real('acos', Math.acos),
    atan: real('atan', Math.atan),
    atan2: real('atan2', Math.atan2, 2),
    sinh: real('sinh', Math.sinh),
    cosh: real('cosh', Math.cosh),
    tanh: real('tanh', Math.tanh),
    asinh: real('asinh', Math.asinh),
    acosh: real('acosh', Math.acosh),
    atanh: real('atanh', Math.atanh),
    hypot: real('hypot', Math.hypot, 1, many),
    degrees: real('degrees', radians => radians * degreesOfRadian),
    radians: real('radians', degrees => degrees / degreesOfRadian),
    gamma: takes(1, 1, (values, { math }) =>
      fromDouble(math.gamma(toNumber(at(values, 0), 'gamma')), 'gamma'),
    ),
    erf: takes(1, 1, (values, { math }) =>
      fromDouble(math.erf(toNumber(at(values, 0), 'erf')), 'erf'),
    ),
    factorial,
    combinations: choose('combinations', false),
    permutations: choose('permutations', true),
    gcd: common,
    lcm: multiple,
    min: best(-1),
    max: best(1),
    sum: takes(1, many, sumOf),
    prod: takes(1, many, (values, { arithmetic }) => values.reduce(arithmetic.multiply)),
    mean: takes(1, many, meanOf),
    median: takes(1, many, medianOf),
    variance: takes(2, many, varianceOf),
    std: takes(2, many, (values, tools) =>
      fromDouble(Math.sqrt(toNumber(varianceOf(values, tools), 'std')), 'std'),
    ),
    count: takes(0, many, values => whole(values.length)),
  } satisfies Record<string, Calculation>),
)

/** The factorial, which also has an operator. */
export { factorial }
