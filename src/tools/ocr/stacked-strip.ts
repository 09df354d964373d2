import type { Picture } from '../vision/picture.ts'
import type { Rectangle } from './rectangles.ts'
import { stripHeight, stripOf, stripWidthMax, type Strip } from './strips.ts'

/** What characters of a column look like, as multiples of the column's width. */
const cell = { usual: 0.9, min: 0.4, max: 1.6 } as const
/** More characters make no column: it is a rule or an edge. */
const charactersMax = 50
/** How much a cell of another height than usual costs, against cutting through ink. */
const unevenness = 0.3

/**
 * A column of upright characters, one above the other, laid out as a line: the column is cut
 * where least ink is, in cells about as high as it is wide.
 */
export function stackedStrip(picture: Picture, column: Rectangle): Strip {
  if (column.height > column.width * charactersMax) return stripOf(picture, column)
  const probeHeight = Math.max(1, Math.round((stripHeight * column.height) / column.width))
  const cuts = cutsOf(inkOf(stripOf(picture, column, probeHeight)))
  const step = column.height / probeHeight
  const strips = cuts.slice(1).map((end, index) => {
    const start = cuts[index]!
    const down = ((start + end) / 2) * step - column.height / 2
    return stripOf(picture, {
      ...column,
      x: column.x - down * Math.sin(column.angle),
      y: column.y + down * Math.cos(column.angle),
      height: (end - start) * step,
    })
  })
  const line = beside(strips)
  return line.width > stripWidthMax ? stripOf(picture, column) : line
}

/** Per row, how far its pixels are from the strip's ground, 0 to 1 of the row with most. */
function inkOf({ data, width, height }: Strip): number[] {
  const luma = (pixel: number): number => data[pixel * 3 + 1]!
  const values = Array.from({ length: width * height }, (_, pixel) => luma(pixel))
  const ground = values.toSorted((a, b) => a - b)[values.length >> 1]!
  const rows = Array.from({ length: height }, (_, y) => {
    let ink = 0
    for (let x = 0; x < width; x++) ink += Math.abs(values[y * width + x]! - ground)
    return ink
  })
  const most = Math.max(...rows, 1)
  return rows.map(ink => ink / most)
}

/** The cheapest way through: where to cut so that little ink is cut and cells are even. */
function cutsOf(ink: readonly number[]): number[] {
  const end = ink.length
  const usual = stripHeight * cell.usual
  const [least, most] = [Math.round(stripHeight * cell.min), Math.round(stripHeight * cell.max)]
  const costs = new Float64Array(end + 1).fill(Infinity)
  const from = new Int32Array(end + 1)
  costs[0] = 0
  for (let at = 1; at <= end; at++)
    for (let start = Math.max(0, at - most); start <= at - least; start++) {
      const uneven = Math.log((at - start) / usual)
      const cost = costs[start]! + (ink[at] ?? 0) + unevenness * uneven * uneven
      if (cost >= costs[at]!) continue
      costs[at] = cost
      from[at] = start
    }
  if (!Number.isFinite(costs[end])) return [0, end]
  const cuts = [end]
  while (cuts[0]! > 0) cuts.unshift(from[cuts[0]!]!)
  return cuts
}

function beside(strips: readonly Strip[]): Strip {
  const width = strips.reduce((sum, strip) => sum + strip.width, 0)
  const data = new Uint8Array(width * stripHeight * 3)
  let left = 0
  for (const strip of strips) {
    for (let y = 0; y < stripHeight; y++) {
      const from = y * strip.width * 3
      data.set(strip.data.subarray(from, from + strip.width * 3), (y * width + left) * 3)
    }
    left += strip.width
  }
  return { data, width, height: stripHeight }
}
