import { fail, type ToolError } from '../../registry/errors.ts'

/** Bounds of one expression. Together they keep it under a tenth of a second. */
export const limits = {
  charactersMax: 1_000,
  /** Brackets in brackets. */
  depthMax: 100,
  /** Parts that are worked out. */
  nodesMax: 1_000,
  /** Whole numbers are exact up to so many digits; 1,700! just fits. */
  digitsMax: 5_000,
  /** Fractions are exact up to so many digits above or below the line, then decimals. */
  fractionDigitsMax: 1_000,
  /** Steps of all factorials and their like. */
  stepsMax: 20_000,
} as const

const advice = 'ask for its logarithm, or for a smaller sum'
/** A number is longer than anybody reads, or beyond what a double holds. */
export const tooBig = (): ToolError =>
  fail('TG_REFUSED', 'a number here is too big, or too near to 0, to be worked out', advice)
/** The sum would take too long. */
export const tooLong = (): ToolError =>
  fail('TG_REFUSED', 'the expression takes too many steps to work out', advice)
/** Nothing can be divided by zero. */
export const byZero = (): ToolError => fail('TG_REFUSED', 'division by zero has no value')
/** Quantities that do not go together. */
export const unlike = (what: string): ToolError =>
  fail('TG_REFUSED', `${what} needs quantities of one kind`, 'give both a unit, of the same kind')
/** A place where a function or an operation has no value. */
export const undefinedThere = (what: string): ToolError =>
  fail('TG_REFUSED', `${what} is not defined for real numbers there`)
