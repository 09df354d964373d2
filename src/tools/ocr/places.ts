import { clampBox, type Box } from '../vision/boxes.ts'
import type { OpenPicture } from '../vision/open-picture.ts'
import type { QuarterTurns } from '../vision/picture.ts'
import { cornersOf, type Point, type Rectangle } from './rectangles.ts'

/** The upright box around a rectangle of the page as read, in pixels of the picture as seen. */
export function boxOnPicture(
  place: Rectangle,
  turns: QuarterTurns,
  { picture, width, height }: OpenPicture,
): Box {
  const corners = cornersOf(place).map(corner => turnedBack(corner, turns, picture))
  const xs = corners.map(([x]) => (x * width) / picture.width)
  const ys = corners.map(([, y]) => (y * height) / picture.height)
  return clampBox(
    [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)],
    width,
    height,
  )
}

function turnedBack(
  [x, y]: Point,
  turns: QuarterTurns,
  { width, height }: { width: number; height: number },
): Point {
  if (turns === 1) return [y, height - x]
  if (turns === 2) return [width - x, height - y]
  if (turns === 3) return [width - y, x]
  return [x, y]
}
