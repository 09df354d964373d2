/** A point, in pixels. */
export type Point = readonly [x: number, y: number]

/**
 * A rectangle that may be turned. Its width runs along `angle` (radians, clockwise from the
 * x axis), its height a quarter turn further.
 */
export type Rectangle = {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  readonly angle: number
}

/** The corners, from the top left clockwise, as seen along the angle. */
export function cornersOf({ x, y, width, height, angle }: Rectangle): Point[] {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
  const at = (along: number, down: number): Point => [
    x + along * cos - down * sin,
    y + along * sin + down * cos,
  ]
  const [w, h] = [width / 2, height / 2]
  return [at(-w, -h), at(w, -h), at(w, h), at(-w, h)]
}

/** The same rectangle with its width running a number of quarter turns further clockwise. */
export const turned = (rectangle: Rectangle, quarters: number): Rectangle => ({
  ...rectangle,
  ...(quarters % 2 ? { width: rectangle.height, height: rectangle.width } : {}),
  angle: rectangle.angle + (quarters * Math.PI) / 2,
})

/** The smallest rectangle around the points, its angle within 45 degrees of level. */
export function smallestRectangle(points: readonly Point[]): Rectangle {
  const hull = convexHull(points)
  let best: Rectangle | undefined
  for (let index = 0; index < hull.length; index++) {
    const [ax, ay] = hull[index]!
    const [bx, by] = hull[(index + 1) % hull.length]!
    const candidate = rectangleAlong(hull, Math.atan2(by - ay, bx - ax))
    if (!best || candidate.width * candidate.height < best.width * best.height) best = candidate
  }
  return level(best ?? rectangleAlong(hull, 0))
}

function rectangleAlong(hull: readonly Point[], angle: number): Rectangle {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity]
  for (const [x, y] of hull) {
    const along = x * cos + y * sin
    const down = y * cos - x * sin
    left = Math.min(left, along)
    right = Math.max(right, along)
    top = Math.min(top, down)
    bottom = Math.max(bottom, down)
  }
  const [along, down] = [(left + right) / 2, (top + bottom) / 2]
  return {
    x: along * cos - down * sin,
    y: along * sin + down * cos,
    width: right - left,
    height: bottom - top,
    angle,
  }
}

function level(rectangle: Rectangle): Rectangle {
  const quarters = -Math.round(rectangle.angle / (Math.PI / 2))
  return turned(rectangle, quarters)
}

/** Andrew's monotone chain. */
function convexHull(points: readonly Point[]): Point[] {
  const sorted = points.toSorted((a, b) => a[0] - b[0] || a[1] - b[1])
  if (sorted.length < 3) return sorted
  const half = (chain: readonly Point[]): Point[] => {
    const hull: Point[] = []
    for (const point of chain) {
      while (hull.length > 1 && !turnsLeft(hull.at(-2)!, hull.at(-1)!, point)) hull.pop()
      hull.push(point)
    }
    return hull.slice(0, -1)
  }
  return [...half(sorted), ...half(sorted.toReversed())]
}

const turnsLeft = (a: Point, b: Point, c: Point): boolean =>
  (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]) > 0
