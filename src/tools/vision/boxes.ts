/** `[x1, y1, x2, y2]`: left, top, right, bottom, in pixels. */
export type Box = [number, number, number, number]

/** A box that was found, with what it is and how sure the finder is. */
export type Found = { readonly box: Box; readonly score: number; readonly label: number }

const areaOf = ([x1, y1, x2, y2]: Box): number => Math.max(0, x2 - x1) * Math.max(0, y2 - y1)

/** The area two boxes share. */
export const overlap = (a: Box, b: Box): number =>
  Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0])) *
  Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]))

/** Intersection over union: 1 for equal boxes, 0 for boxes apart. */
export function iou(a: Box, b: Box): number {
  const shared = overlap(a, b)
  return shared === 0 ? 0 : shared / (areaOf(a) + areaOf(b) - shared)
}

/** Keeps the best of the boxes with the same label that lie over each other; best first. */
export function suppress(found: readonly Found[], iouMax: number): Found[] {
  const kept: Found[] = []
  for (const one of found.toSorted((a, b) => b.score - a.score))
    if (!kept.some(other => other.label === one.label && iou(other.box, one.box) > iouMax))
      kept.push(one)
  return kept
}

/** The box cut to a picture's bounds and rounded to a tenth of a pixel. */
export const clampBox = ([x1, y1, x2, y2]: Box, width: number, height: number): Box => [
  clamp(x1, width),
  clamp(y1, height),
  clamp(x2, width),
  clamp(y2, height),
]
const clamp = (value: number, max: number): number =>
  Math.round(Math.min(max, Math.max(0, value)) * 10) / 10
