import { stripHeight, type Strip } from './strips.ts'

/** A character as it was read, and the column of the strip where it stands. */
export type Letter = { readonly character: string; readonly column: number }

/** What parts two words of a language that writes spaces. */
const gap = {
  /** Columns without ink, at least. */
  columnsMin: stripHeight / 6,
  /** So many times the usual distance of the line's letters. */
  usualTimes: 2.5,
  /** Between digits and marks a gap must be so much wider. */
  numberTimes: 1.8,
  /** A column has ink when its pixels differ by this share of what the whole strip's do. */
  contrastShare: 0.3,
} as const

/** Joins letters to text, with spaces where the reader left out what the eye sees. */
export function spaced(letters: readonly Letter[], strip: Strip): string {
  const ink = inkColumns(strip)
  const gaps = letters.map((letter, index) => {
    const before = letters[index - 1]
    const least = before ? leastGap(before.character, letter.character) : undefined
    return least && before ? { least, wide: widest(ink, before.column, letter.column) } : undefined
  })
  const known = gaps.flatMap(found => found?.wide ?? []).sort((a, b) => a - b)
  const usual = known[known.length >> 1] ?? 0
  const isSpace = (found: (typeof gaps)[number]): boolean =>
    found !== undefined &&
    found.wide >= found.least * Math.max(gap.columnsMin, usual * gap.usualTimes)
  return letters
    .map(({ character }, index) => (isSpace(gaps[index]) ? ` ${character}` : character))
    .join('')
}

/**
 * How much of a gap means a space. Between Chinese characters none does; inside a number, where a
 * narrow 1 leaves gaps, a space would be a wrong number, so it takes a wide one.
 */
function leastGap(a: string, b: string): number | undefined {
  if (isLatin(a) && isLatin(b)) return 1
  if ((isLatin(a) && isMark(b)) || (isMark(a) && isLatin(b))) return 1
  return isMark(a) && isMark(b) ? gap.numberTimes : undefined
}
const isLatin = (character: string): boolean => /^\p{Script=Latin}$/u.test(character)
const isMark = (character: string): boolean => /^[0-9!-/:-@[-`{-~]$/.test(character)

function inkColumns({ data, width, height }: Strip): boolean[] {
  const [top, bottom] = [Math.floor(height * 0.06), Math.ceil(height * 0.94)]
  const contrast = Array.from({ length: width }, (_, x) => {
    let [least, most] = [255, 0]
    for (let y = top; y < bottom; y++) {
      const value = data[(y * width + x) * 3 + 1]!
      if (value < least) least = value
      if (value > most) most = value
    }
    return most - least
  })
  const enough = Math.max(...contrast) * gap.contrastShare
  return contrast.map(value => value >= enough)
}

function widest(ink: readonly boolean[], from: number, to: number): number {
  let [widest, run] = [0, 0]
  for (let x = Math.ceil(from); x < to; x++) {
    run = ink[x] ? 0 : run + 1
    widest = Math.max(widest, run)
  }
  return widest
}
