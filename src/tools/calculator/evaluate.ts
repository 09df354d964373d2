import type {
  ConditionalNode,
  ConstantNode,
  FunctionNode,
  MathNode,
  OperatorNode,
  RelationalNode,
  SymbolNode,
} from 'mathjs'
import { fail, failFrom, isToolError, type ToolError } from '../../registry/errors.ts'
import { fromDecimal } from './exact.ts'
import { factorial, functions, type Tools } from './functions.ts'
import type { MathLibrary } from './library.ts'
import { limits, tooLong } from './problems.ts'
import { respell } from './spelling.ts'
import { compare, createArithmetic, isUnit, type Value, whole } from './values.ts'

/**
 * Works out an expression. Everything that may be in one is in the tables here and in functions.ts,
 * and each step is bounded, so that no expression takes long. Throws TG_EXPRESSION for what is no
 * arithmetic, and TG_REFUSED for what has no value or is too big.
 */
export function evaluate(math: MathLibrary, expression: string): Value {
  const no = (problem: string): ToolError => fail('TG_EXPRESSION', expression, problem)
  const arithmetic = createArithmetic(math)
  let nodes = 0
  let steps = 0
  const tools: Tools = {
    math,
    arithmetic,
    spend(count) {
      if ((steps += count) > limits.stepsMax) throw tooLong()
    },
  }

  function valueOf(node: MathNode): Value {
    if (++nodes > limits.nodesMax) throw tooLong()
    switch (node.type) {
      case 'ConstantNode':
        return constant((node as ConstantNode).value)
      case 'ParenthesisNode':
        return valueOf((node as MathNode & { content: MathNode }).content)
      case 'SymbolNode':
        return named((node as SymbolNode).name)
      case 'OperatorNode':
        return operated(node as OperatorNode)
      case 'FunctionNode':
        return called(node as FunctionNode)
      case 'RelationalNode':
        return chained(node as RelationalNode)
      case 'ConditionalNode': {
        const { condition, trueExpr, falseExpr } = node as ConditionalNode
        return valueOf(isTrue(valueOf(condition)) ? trueExpr : falseExpr)
      }
      default:
        throw no(refusals[node.type] ?? `${node.type} is not arithmetic`)
    }
  }

  function constant(value: unknown): Value {
    if (typeof value === 'boolean') return value
    if (math.isBigNumber(value)) return fromDecimal(value.toString())
    // The reader makes a plain 100 of a percent sign.
    if (typeof value === 'number' && Number.isSafeInteger(value)) return whole(value)
    throw no(typeof value === 'string' ? 'a text is no number' : `${String(value)} is no number`)
  }

  function named(name: string): Value {
    const known = constants.get(name)
    if (known !== undefined) return known
    if (functions.has(name)) throw no(`${name} is a function: write ${name}(…)`)
    if (!isUnitName(math, name)) throw no(`"${name}" is no number, unit or function known here`)
    return math.unit(name)
  }

  function operated({ fn, op, args }: OperatorNode): Value {
    const [left, right] = args
    if (!left) throw no(`the operator ${String(op)} needs a value`)
    if (fn === 'and' || fn === 'or') return logical(fn, left, right ?? left)
    const operation = operators.get(fn)
    if (!operation) throw no(`the operator ${String(op)} is not arithmetic`)
    const values = args.map(valueOf)
    return operation(values[0] ?? whole(0), values[1] ?? whole(0), tools)
  }

  function logical(fn: 'and' | 'or', left: MathNode, right: MathNode): boolean {
    const first = isTrue(valueOf(left))
    return first === (fn === 'or') ? first : isTrue(valueOf(right))
  }

  function called({ fn, args }: FunctionNode): Value {
    const name = (fn as SymbolNode).name
    const calculation = functions.get(name)
    if (!calculation) throw no(`there is no function "${name}"`)
    const values = args.flatMap(listed)
    const { least, most } = calculation
    if (values.length < least || values.length > most)
      throw no(`${name} takes ${countOf(least, most)}, not ${values.length}`)
    return calculation.run(values, tools)
  }

  /** A list is only there for functions of many numbers: `mean([1, 2, 3])`. */
  const listed = (node: MathNode): Value[] =>
    node.type === 'ArrayNode'
      ? (node as MathNode & { items: MathNode[] }).items.flatMap(listed)
      : [valueOf(node)]

  function chained({ conditionals, params }: RelationalNode): boolean {
    const values = params.map(valueOf)
    return conditionals.every((name, index) => {
      const comparison = comparisons.get(name)
      if (!comparison) throw no(`the comparison ${name} is not known here`)
      return comparison(compare(values[index] ?? whole(0), values[index + 1] ?? whole(0)))
    })
  }

  try {
    return valueOf(parse(math, expression, no))
  } catch (error) {
    if (isToolError(error)) throw error
    const nested = error instanceof RangeError ? 'it is nested too deeply' : undefined
    throw failFrom(error, 'TG_EXPRESSION', expression, nested ?? (error as Error).message)
  }
}

function parse(
  math: MathLibrary,
  expression: string,
  no: (problem: string) => ToolError,
): MathNode {
  let depth = 0
  for (const character of expression) {
    if (/[([{（［【]/.test(character)) depth++
    if (/[)\]}）］】]/.test(character)) depth--
    if (depth > limits.depthMax)
      throw no(`it has more than ${limits.depthMax} brackets in brackets`)
  }
  const text = respell(expression)
  if (text.trim() === '') throw no('it is empty')
  return math.parse(text)
}

const refusals: Record<string, string> = {
  AssignmentNode: 'nothing can be assigned: write the numbers themselves',
  FunctionAssignmentNode: 'no function can be defined',
  BlockNode: 'write one expression',
  ArrayNode: 'a list is only taken by functions such as sum, mean, max',
  RangeNode: 'a range is not taken: write the numbers themselves',
  ObjectNode: 'an object is not arithmetic',
  AccessorNode: 'nothing has parts here',
  IndexNode: 'nothing has parts here',
}

const isTrue = (value: Value): boolean =>
  typeof value === 'boolean' ? value : isUnit(value) || compare(value, whole(0)) !== 0

const constants = new Map<string, Value>([
  ['pi', Math.PI],
  ['tau', 2 * Math.PI],
  ['e', Math.E],
  ['phi', (1 + Math.sqrt(5)) / 2],
  ['true', true],
  ['false', false],
])

const isUnitName = (math: MathLibrary, name: string): boolean =>
  (math as MathLibrary & { Unit: { isValuelessUnit(name: string): boolean } }).Unit.isValuelessUnit(
    name,
  )

const comparisons = new Map<string, (order: number) => boolean>([
  ['equal', order => order === 0],
  ['unequal', order => order !== 0],
  ['smaller', order => order < 0],
  ['smallerEq', order => order <= 0],
  ['larger', order => order > 0],
  ['largerEq', order => order >= 0],
])

type Operation = (a: Value, b: Value, tools: Tools) => Value
const operators = new Map<string, Operation>([
  ['add', (a, b, { arithmetic }) => arithmetic.add(a, b)],
  ['subtract', (a, b, { arithmetic }) => arithmetic.subtract(a, b)],
  ['multiply', (a, b, { arithmetic }) => arithmetic.multiply(a, b)],
  ['divide', (a, b, { arithmetic }) => arithmetic.divide(a, b)],
  // `//` is spelt so, see spelling.ts.
  ['dotDivide', (a, b, { arithmetic }) => arithmetic.floorDivide(a, b)],
  ['mod', (a, b, { arithmetic }) => arithmetic.modulo(a, b)],
  ['pow', (a, b, { arithmetic }) => arithmetic.power(a, b)],
  ['unaryMinus', (a, _b, { arithmetic }) => arithmetic.negate(a)],
  ['unaryPlus', a => a],
  ['factorial', (a, _b, tools) => factorial.run([a], tools)],
  ['not', a => !isTrue(a)],
  ['to', convert],
  ...[...comparisons].map(([name, comparison]): [string, Operation] => [
    name,
    (a, b) => comparison(compare(a, b)),
  ]),
])

function convert(value: Value, unit: Value): Value {
  if (!isUnit(value) || !isUnit(unit))
    throw fail('TG_REFUSED', 'only a quantity with a unit can be converted', '3 km to mile')
  if (!value.equalBase(unit))
    throw fail(
      'TG_REFUSED',
      `${value.formatUnits()} cannot be converted to ${unit.formatUnits()}`,
      'they measure different things',
    )
  return value.to(unit.formatUnits())
}

const countOf = (least: number, most: number): string => {
  if (least === most) return `${least} argument${least === 1 ? '' : 's'}`
  return most === Number.POSITIVE_INFINITY ? `at least ${least}` : `${least} to ${most} arguments`
}
