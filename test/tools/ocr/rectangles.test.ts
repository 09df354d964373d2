import t from 'tap'
import {
  cornersOf,
  smallestRectangle,
  turned,
  type Point,
} from '../../../src/tools/ocr/rectangles.ts'

const near = (a: number, b: number): boolean => Math.abs(a - b) < 1e-6

t.test('the smallest rectangle around a tilted line is tilted as it is', async t => {
  const line = { x: 50, y: 30, width: 60, height: 10, angle: 0.3 }
  const found = smallestRectangle(cornersOf(line))
  for (const key of ['x', 'y', 'width', 'height', 'angle'] as const)
    t.ok(near(found[key], line[key]), key)
})

t.test('its angle stays within 45 degrees: a steep line is high, not turned', async t => {
  const steep = smallestRectangle(cornersOf({ x: 0, y: 0, width: 60, height: 10, angle: 1.4 }))
  t.ok(near(steep.width, 10) && near(steep.height, 60))
  t.ok(Math.abs(steep.angle) <= Math.PI / 4)
})

t.test('points within do not count, and one point is a rectangle too', async t => {
  const square: Point[] = [
    [0, 0],
    [4, 0],
    [4, 4],
    [0, 4],
    [2, 2],
    [1, 3],
  ]
  const { width, height } = smallestRectangle(square)
  t.same([width, height], [4, 4])
  t.same(smallestRectangle([[3, 5]]), { x: 3, y: 5, width: 0, height: 0, angle: 0 })
})

t.test('turned by a quarter it covers the same place', async t => {
  const line = { x: 5, y: 6, width: 20, height: 8, angle: 0.1 }
  const corners = (points: readonly Point[]) =>
    points.map(([x, y]) => `${x.toFixed(3)} ${y.toFixed(3)}`).sort()
  t.same(corners(cornersOf(turned(line, 1))), corners(cornersOf(line)))
  t.equal(turned(line, 1).width, 8)
})
