import type { MathNode } from 'mathjs'
import { fail } from '../../registry/errors.ts'

/** Bounds of exact sums. */
export const integerLimits = {
  bitsMax: 40_000,
  factorialMax: 3_000,
  combinationsMax: 20_000,
} as const

const tooBig = (): Error =>
  fail(
    'TG_REFUSED',
    'the result would have more than 12,000 digits',
    'ask for its logarithm, or for a smaller sum',
  )
const bitsOf = (value: bigint): number => (value < 0n ? -value : value).toString(2).length

type Node = MathNode & {
  type: string
  op?: string
  fn?: string | { name?: string }
  args?: Node[]
  content?: Node
  value?: unknown
  name?: string
}

/**
 * Works out a sum of whole numbers exactly. Undefined when it is not one, so that it is worked out
 * as decimals instead. Throws TG_REFUSED before a number grows out of bounds.
 */
export function exactInteger(node: Node): bigint | undefined {
  switch (node.type) {
    case 'ParenthesisNode':
      return node.content && exactInteger(node.content)
    case 'ConstantNode':
      return integerOf(String(node.value))
    case 'OperatorNode':
    case 'FunctionNode':
      return apply(node)
    default:
      return undefined
  }
}

function integerOf(text: string): bigint | undefined {
  const [, digits, exponent = '0'] = /^(\d+)(?:e\+?(\d{1,4}))?$/i.exec(text) ?? []
  if (digits === undefined) return undefined
  if (digits.length + Number(exponent) > integerLimits.bitsMax / 4) throw tooBig()
  return BigInt(digits) * 10n ** BigInt(exponent)
}

function apply(node: Node): bigint | undefined {
  const name = typeof node.fn === 'string' ? node.fn : (node.name ?? node.fn?.name ?? '')
  const operation = operations[name]
  if (!operation) return undefined
  const values: bigint[] = []
  for (const arg of node.args ?? []) {
    const value = exactInteger(arg)
    if (value === undefined) return undefined
    values.push(value)
  }
  const [a, b] = values
  return a === undefined ? undefined : bounded(operation(a, b, values))
}

function bounded(value: bigint | undefined): bigint | undefined {
  if (value !== undefined && bitsOf(value) > integerLimits.bitsMax) throw tooBig()
  return value
}

type Operation = (a: bigint, b: bigint | undefined, all: bigint[]) => bigint | undefined
const two =
  (operation: (a: bigint, b: bigint) => bigint | undefined): Operation =>
  (a, b) =>
    b === undefined ? undefined : operation(a, b)

const operations: Record<string, Operation> = {
  unaryMinus: a => -a,
  unaryPlus: a => a,
  add: two((a, b) => a + b),
  subtract: two((a, b) => a - b),
  multiply: two((a, b) => a * b),
  divide: two((a, b) => (b !== 0n && a % b === 0n ? a / b : undefined)),
  dotDivide: two((a, b) => (b === 0n ? undefined : floorDivide(a, b))),
  mod: two((a, b) => (b === 0n ? undefined : a - floorDivide(a, b) * b)),
  pow: two(power),
  factorial: a => factorial(a),
  combinations: two((n, k) => combinations(n, k)),
  abs: a => (a < 0n ? -a : a),
  gcd: (_a, _b, all) => all.reduce(gcd),
  min: (_a, _b, all) => all.reduce((x, y) => (y < x ? y : x)),
  max: (_a, _b, all) => all.reduce((x, y) => (y > x ? y : x)),
}

const floorDivide = (a: bigint, b: bigint): bigint => {
  const quotient = a / b
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient
}
const gcd = (a: bigint, b: bigint): bigint => (b === 0n ? (a < 0n ? -a : a) : gcd(b, a % b))

function power(base: bigint, exponent: bigint): bigint | undefined {
  if (exponent < 0n) return undefined
  if (base === 0n || base === 1n) return exponent === 0n ? 1n : base
  if (base === -1n) return exponent % 2n === 0n ? 1n : -1n
  if (
    exponent > integerLimits.bitsMax ||
    (bitsOf(base) - 1) * Number(exponent) > integerLimits.bitsMax
  )
    throw tooBig()
  return base ** exponent
}

function factorial(n: bigint): bigint | undefined {
  if (n < 0n) return undefined
  if (n > integerLimits.factorialMax) throw tooBig()
  let product = 1n
  for (let factor = 2n; factor <= n; factor++) product *= factor
  return product
}

function combinations(n: bigint, k: bigint): bigint | undefined {
  if (n < 0n || k < 0n) return undefined
  if (k > n) return 0n
  if (n > integerLimits.combinationsMax) throw tooBig()
  const least = k < n - k ? k : n - k
  let product = 1n
  for (let step = 1n; step <= least; step++) product = (product * (n - least + step)) / step
  return product
}
