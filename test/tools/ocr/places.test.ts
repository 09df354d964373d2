import t from 'tap'
import { boxOnPicture } from '../../../src/tools/ocr/places.ts'
import type { QuarterTurns } from '../../../src/tools/vision/picture.ts'

const picture = { data: new Uint8Array(), width: 100, height: 50 }
const opened = { picture, width: 200, height: 100 }
const boxOf = (x: number, y: number, turns: QuarterTurns) =>
  boxOnPicture({ x, y, width: 10, height: 4, angle: 0 }, turns, opened)

t.test(
  'a place on the turned page is where it was before, in pixels of the whole picture',
  async t => {
    t.same(boxOf(10, 5, 0), [10, 6, 30, 14])
    t.same(boxOf(45, 10, 1), [16, 0, 24, 20])
    t.same(boxOf(90, 45, 2), [10, 6, 30, 14])
    t.same(boxOf(5, 90, 3), [16, 0, 24, 20])
  },
)

t.test('a tilted place has the upright box around it, within the picture', async t => {
  const tilted = { x: 2, y: 48, width: 20, height: 4, angle: Math.PI / 4 }
  const [x1, , , y2] = boxOnPicture(tilted, 0, opened)
  t.same([x1, y2], [0, 100])
})
