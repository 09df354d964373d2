import type { Unit } from 'mathjs'
import { decimals, type Exact, isWhole, leading, toDouble } from './exact.ts'
import { isExact, isUnit, type Value } from './values.ts'

const exactDigitsMax = 30
const noiseDigitsMax = 12

/** A value as text. */
export function show(value: Value): string {
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'number') return showDouble(value)
  if (isExact(value)) return showExact(value)
  if (!isUnit(value)) return String(value)
  const simple = simplified(value)
  const units = simple.formatUnits()
  return `${showDouble(Number(simple.toNumeric(units)))} ${units}`
}

/** Whole numbers in full, decimals that end in full, others as a double. */
function showExact(value: Exact): string {
  if (isWhole(value)) return value.n.toString()
  const all = decimals(value, exactDigitsMax)
  if (all !== undefined) return all
  const double = toDouble(value)
  if (double !== 0 && Number.isFinite(double)) return String(double)
  const { digits, power } = leading(value, 16)
  const sign = value.n < 0n ? '-' : ''
  const rest = digits.slice(1).replace(/0+$/, '')
  return `${sign}${digits[0]}${rest ? `.${rest}` : ''}e${power < 0 ? '' : '+'}${power}`
}

type Simplifying = Unit & { skipAutomaticSimplification: boolean; simplify(): Unit }
/** `m m` is m^2; what was converted on purpose stays as it is. */
const simplified = (unit: Unit): Unit =>
  (unit as Simplifying).skipAutomaticSimplification ? unit : (unit as Simplifying).simplify()

/** The shortest text of a double; last digits that are noise (0.49999999999999994) are rounded off. */
function showDouble(value: number): string {
  const rounded = Number(value.toPrecision(15))
  const significant = rounded.toExponential().replace(/e.*$/, '').replace(/\D/g, '').length
  return String(significant <= noiseDigitsMax ? rounded : value)
}

/** The fraction behind decimals without an end, such as 1/3; undefined for anything else. */
export function fractionOf(value: Value): string | undefined {
  if (!isExact(value) || decimals(value, exactDigitsMax) !== undefined) return undefined
  const text = `${value.n}/${value.d}`
  return text.length <= exactDigitsMax ? text : undefined
}
