import t from 'tap'
import { cut, turn, type Picture } from '../../../src/tools/vision/picture.ts'

/** A picture whose red values are given, row by row. */
const picture = (rows: readonly number[][]): Picture => ({
  data: Uint8Array.from(rows.flat().flatMap(value => [value, 0, 0])),
  width: rows[0]!.length,
  height: rows.length,
})

const rows = [
  [1, 2, 3],
  [4, 5, 6],
]

t.test('a picture turns clockwise by quarters', async t => {
  t.equal(turn(picture(rows), 0).data[0], 1)
  t.same(
    turn(picture(rows), 1),
    picture([
      [4, 1],
      [5, 2],
      [6, 3],
    ]),
  )
  t.same(
    turn(picture(rows), 2),
    picture([
      [6, 5, 4],
      [3, 2, 1],
    ]),
  )
  t.same(
    turn(picture(rows), 3),
    picture([
      [3, 6],
      [2, 5],
      [1, 4],
    ]),
  )
})

t.test('a part is cut out', async t => {
  t.same(
    cut(picture(rows), { x: 1, y: 0, width: 2, height: 2 }),
    picture([
      [2, 3],
      [5, 6],
    ]),
  )
})
