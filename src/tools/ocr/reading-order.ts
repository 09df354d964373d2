import type { Rectangle } from './rectangles.ts'

/** Something that stands on a page. */
type Placed = { readonly place: Rectangle; readonly stacked: boolean }
/** What is ordered: upright boxes, with what they stand for. */
type Item<T> = { readonly x: Span; readonly y: Span; readonly of: T }
type Span = readonly [from: number, to: number]

/** How lines and columns are told apart. */
const layout = {
  /** Share of a line's height that counts: boxes of lines close together touch a little. */
  heightShare: 0.6,
  widthShare: 0.9,
  /** Columns of running text: so many rows on both sides of a gutter … */
  columnRowsMin: 4,
  /** … lines so much longer than high … */
  columnLineMin: 6,
  /** … that fill so much of their column. */
  columnFillMin: 0.6,
} as const

/**
 * Orders what stands on a page as a person reads it: rows from the top, within a row from the left;
 * columns of running text one after the other; vertical print from the right. Each row of the
 * result is one line of the page.
 */
export function rowsOf<T extends Placed>(lines: readonly T[]): T[][] {
  if (lines.length === 0) return []
  const vertical = lines.filter(line => line.stacked).length * 2 > lines.length
  const skew = medianOf(lines.map(line => line.place.angle))
  return order(lines.map(line => itemOf(line, skew, vertical))).map(row => row.map(item => item.of))
}

/** Vertical print is ordered as if its columns were rows: down is across, leftwards is down. */
function itemOf<T extends Placed>(line: T, skew: number, vertical: boolean): Item<T> {
  const { place } = line
  const [cos, sin] = [Math.cos(skew), Math.sin(skew)]
  const [x, y] = [place.x * cos + place.y * sin, place.y * cos - place.x * sin]
  const across: Span = [x - place.width / 2, x + place.width / 2]
  const down: Span = [y - place.height / 2, y + place.height / 2]
  return vertical
    ? { x: down, y: [-across[1], -across[0]], of: line }
    : { x: across, y: down, of: line }
}

function order<T>(items: readonly Item<T>[]): Item<T>[][] {
  const bands = split(items, item => shrunk(item.y, layout.heightShare))
  if (bands.length > 1) return runsOf(bands).flatMap(orderRun)
  return orderBand(items)
}

function orderBand<T>(items: readonly Item<T>[]): Item<T>[][] {
  const columns = split(items, item => shrunk(item.x, layout.widthShare))
  if (columns.every(column => column.length === 1)) return [columns.flat()]
  if (columns.length > 1) return columns.flatMap(order)
  return items.toSorted((a, b) => middle(a.y) - middle(b.y)).map(item => [item])
}

type Run<T> = { bands: Item<T>[][]; gutter: Span | undefined }

/** Bands that follow each other and share a gutter, the rest one by one. */
function runsOf<T>(bands: readonly Item<T>[][]): Run<T>[] {
  const runs: Run<T>[] = []
  for (const band of bands) {
    const last = runs.at(-1)
    const shared = last?.gutter && narrowed(last.gutter, band)
    if (last && shared) {
      last.bands.push(band)
      last.gutter = shared
    } else runs.push({ bands: [band], gutter: widestGap(band) })
  }
  return runs
}

function orderRun<T>({ bands, gutter }: Run<T>): Item<T>[][] {
  const items = bands.flat()
  if (gutter && bands.length >= layout.columnRowsMin) {
    const sides = [
      items.filter(item => middle(item.x) < middle(gutter)),
      items.filter(item => middle(item.x) >= middle(gutter)),
    ]
    if (sides.every(isRunningText)) return sides.flatMap(order)
  }
  return bands.flatMap(orderBand)
}

function isRunningText<T>(items: readonly Item<T>[]): boolean {
  if (items.length < layout.columnRowsMin) return false
  const from = Math.min(...items.map(item => item.x[0]))
  const width = Math.max(...items.map(item => item.x[1])) - from
  return (
    medianOf(items.map(({ x }) => length(x))) >= width * layout.columnFillMin &&
    medianOf(items.map(({ x, y }) => length(x) / length(y))) >= layout.columnLineMin
  )
}

/** The widest gap between neighbours of a band. */
function widestGap<T>(band: readonly Item<T>[]): Span | undefined {
  const sorted = band.toSorted((a, b) => a.x[0] - b.x[0])
  let widest: Span | undefined
  let end = sorted[0]!.x[1]
  for (const { x } of sorted) {
    if (x[0] > end && (!widest || x[0] - end > length(widest))) widest = [end, x[0]]
    end = Math.max(end, x[1])
  }
  return widest
}

/** What is left of a gutter beside the items of a band; undefined when one stands in it. */
function narrowed<T>(gutter: Span, band: readonly Item<T>[]): Span | undefined {
  let [from, to] = gutter
  for (const { x } of band) {
    if (x[0] < from && x[1] > from) from = x[1]
    if (x[1] > to && x[0] < to) to = x[0]
    if (x[0] >= gutter[0] && x[1] <= gutter[1]) return undefined
  }
  return to > from ? [from, to] : undefined
}

/** Splits items where no span reaches across; in order. */
function split<T>(items: readonly Item<T>[], spanOf: (item: Item<T>) => Span): Item<T>[][] {
  const groups: Item<T>[][] = []
  let end = -Infinity
  for (const item of items.toSorted((a, b) => spanOf(a)[0] - spanOf(b)[0])) {
    const [from, to] = spanOf(item)
    if (from >= end) groups.push([])
    groups.at(-1)!.push(item)
    end = Math.max(end, to)
  }
  return groups
}

const length = ([from, to]: Span): number => to - from
const middle = ([from, to]: Span): number => (from + to) / 2
const shrunk = (span: Span, share: number): Span => {
  const half = (length(span) * share) / 2
  return [middle(span) - half, middle(span) + half]
}
const medianOf = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
