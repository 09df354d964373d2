import { type BigNumber, type MathNode } from 'mathjs'
import { fail, failFrom, isToolError } from '../../registry/errors.ts'
import { exactInteger } from './integers.ts'
import { respell } from './spelling.ts'

/** Bounds of one expression. */
export const expressionLimits = {
  nodesMax: 500,
  /** Digits that decimals are worked out to; what fills them all has no end. */
  digits: 64,
  exactDigitsMax: 40,
  /** Decimal exponent of the largest result. */
  exponentMax: 10_000,
} as const

const functionNames = `abs ceil floor round fix sign sqrt cbrt nthRoot square cube exp expm1 log log2
  log10 log1p pow mod gcd lcm factorial combinations permutations gamma sin cos tan asin acos atan atan2
  sinh cosh tanh asinh acosh atanh sec csc cot hypot min max mean median mode sum prod std variance
  bignumber complex re im conj arg isPrime degrees radians isqrt to`
const allowedFunctions = new Set(functionNames.split(/\s+/))
const refusedConstants = new Set(['Infinity', 'NaN', 'null', 'undefined', 'version'])

type Math = Awaited<ReturnType<typeof createMath>>
let loaded: Promise<Math> | undefined

async function createMath() {
  const { all, create } = await import('mathjs')
  const math = create(all ?? {}, { number: 'BigNumber', precision: expressionLimits.digits })
  const big = (value: number) => math.bignumber(value)
  math.import(
    {
      degrees: (value: BigNumber) =>
        math.divide(math.multiply(value, big(180)), math.bignumber(math.pi)),
      radians: (value: BigNumber) =>
        math.divide(math.multiply(value, math.bignumber(math.pi)), big(180)),
      isqrt: (value: BigNumber) => math.floor(math.sqrt(value) as BigNumber),
    },
    { override: true },
  )
  return math
}

/**
 * Works out an expression; the result is text. Throws TG_EXPRESSION for what is no arithmetic and
 * TG_REFUSED for what is too big.
 */
export async function evaluate(expression: string): Promise<string> {
  const math = await (loaded ??= createMath())
  const node = parse(math, expression)
  checkNodes(node, expression)
  const whole = exactInteger(node)
  if (whole !== undefined) return whole.toString()
  try {
    return format(math, withFloorDivision(math, node).compile().evaluate({}), expression)
  } catch (error) {
    if (isToolError(error)) throw error
    const { message } = error as Error
    if (!message.includes('DecimalError'))
      throw failFrom(error, 'TG_EXPRESSION', expression, message)
    // The library breaks off with its precision raised, and would give wrong errors from then on.
    loaded = undefined
    throw failFrom(
      error,
      'TG_REFUSED',
      `"${expression}" is beyond the precision that is worked with`,
    )
  }
}

function parse(math: Math, expression: string): MathNode {
  try {
    return math.parse(respell(expression))
  } catch (cause) {
    throw failFrom(cause, 'TG_EXPRESSION', expression, (cause as Error).message)
  }
}

type AnyNode = MathNode & {
  name?: string
  fn?: string | MathNode
  op?: string
  args?: MathNode[]
  value?: unknown
}

/** Lets through arithmetic and nothing else of the language: no assignment, no ranges, no objects. */
function checkNodes(root: MathNode, expression: string): void {
  let nodes = 0
  const refuse = (what: string): Error => fail('TG_EXPRESSION', expression, what)
  root.traverse((node, _path, parent) => {
    nodes += 1
    if (nodes > expressionLimits.nodesMax)
      throw fail('TG_REFUSED', `the expression has more than ${expressionLimits.nodesMax} parts`)
    const { type, name = '', op = '' } = node as AnyNode
    switch (type) {
      case 'ConstantNode':
        if (typeof (node as AnyNode).value === 'string') throw refuse('texts are no numbers')
        return
      case 'OperatorNode':
        if (['.*', '.^', "'"].includes(op)) throw refuse(`there is no operator ${op}`)
        return
      case 'FunctionNode': {
        const called = name || String((node as AnyNode).fn)
        if (!allowedFunctions.has(called)) throw refuse(`there is no function ${called}`)
        return
      }
      case 'SymbolNode': {
        const isCalled = (parent as AnyNode | null)?.type === 'FunctionNode' && _path === 'fn'
        if (!isCalled && refusedConstants.has(name)) throw refuse(`${name} is no number`)
        return
      }
      case 'ParenthesisNode':
      case 'ArrayNode':
      case 'ConditionalNode':
      case 'RelationalNode':
        return
      default:
        throw refuse(`${type.replace(/Node$/, '').toLowerCase()} is not arithmetic`)
    }
  })
}

/** `./` stands for floor division; powers, factorials and their like are kept in bounds. */
function withFloorDivision(math: Math, root: MathNode): MathNode {
  return root.transform(node => {
    const { type, op, args = [], name } = node as AnyNode
    if (type === 'OperatorNode' && op === './')
      return new math.FunctionNode('floor', [
        new math.OperatorNode('/', 'divide', args as [MathNode, MathNode]),
      ])
    if (type === 'OperatorNode' && op === '^') checkPower(math, args)
    if (type === 'OperatorNode' && op === '!') checkGrowth(math, args, 3_000)
    if (name && growing[name]) checkGrowth(math, args, growing[name])
    return node
  })
}

/** Functions whose results explode, and the largest argument that they take. */
const growing: Record<string, number> = {
  factorial: 3_000,
  gamma: 3_000,
  combinations: 20_000,
  permutations: 3_000,
  exp: 23_000,
  expm1: 23_000,
  sinh: 23_000,
  cosh: 23_000,
}

const tooBig = (): Error =>
  fail(
    'TG_REFUSED',
    'the result is too big to work out',
    'ask for its logarithm, or for a smaller sum',
  )

function valueOf(math: Math, node: MathNode | undefined): number {
  const value: unknown = node && withFloorDivision(math, node).compile().evaluate({})
  return math.isBigNumber(value) || typeof value === 'number' ? Number(value) : 0
}

function checkPower(math: Math, [base, exponent]: MathNode[]): void {
  const digits = Math.log10(Math.abs(valueOf(math, base)) || 1) * valueOf(math, exponent)
  if (!(Math.abs(digits) <= expressionLimits.exponentMax)) throw tooBig()
}

function checkGrowth(math: Math, args: MathNode[], max: number): void {
  if (args.some(arg => Math.abs(valueOf(math, arg)) > max)) throw tooBig()
}

function format(math: Math, value: unknown, expression: string): string {
  if (math.isBigNumber(value)) return decimal(value as BigNumber, expression)
  if (typeof value === 'number') return String(value)
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  if (math.isUnit(value)) {
    const units = value.formatUnits()
    const number: unknown = value.toNumeric(units)
    return `${format(math, number, expression)} ${units}`.trim()
  }
  if (math.isComplex(value)) return math.format(value, 16)
  if (math.isMatrix(value)) return format(math, value.toArray(), expression)
  if (Array.isArray(value))
    return `[${value.map(item => format(math, item, expression)).join(', ')}]`
  throw fail('TG_EXPRESSION', expression, 'its result is no number')
}

/** Exact where the digits end; else as a double shows it, which is what people and Python expect. */
function decimal(value: BigNumber, expression: string): string {
  if (!value.isFinite())
    throw fail(
      'TG_REFUSED',
      `the result of "${expression}" is not a finite number`,
      'is there a division by zero?',
    )
  if (value.precision() <= expressionLimits.exactDigitsMax) return exact(value)
  const double = value.toNumber()
  return Number.isFinite(double) && double !== 0 ? String(double) : value.toPrecision(16)
}

const exact = (value: BigNumber): string =>
  value.e > 40 || value.e < -12 ? value.toString() : value.toFixed()
