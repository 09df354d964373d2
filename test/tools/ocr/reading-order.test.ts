import t from 'tap'
import { rowsOf } from '../../../src/tools/ocr/reading-order.ts'

type Box = [x1: number, y1: number, x2: number, y2: number]
const at = (
  name: string,
  [x1, y1, x2, y2]: Box,
  more: { angle?: number; stacked?: boolean } = {},
) => ({
  name,
  stacked: more.stacked ?? false,
  place: {
    x: (x1 + x2) / 2,
    y: (y1 + y2) / 2,
    width: x2 - x1,
    height: y2 - y1,
    angle: more.angle ?? 0,
  },
})
const names = (lines: ReturnType<typeof at>[]): string[] =>
  rowsOf(lines).map(row => row.map(({ name }) => name).join(' '))

t.test('cells of a table come row by row, also when its rows touch', async t => {
  const cells = [0, 1, 2].flatMap(row =>
    [0, 1].map(column =>
      at(`${row}${column}`, [column * 200, row * 20, column * 200 + 60, row * 20 + 24]),
    ),
  )
  t.same(names(cells.toReversed()), ['00 01', '10 11', '20 21'])
})

t.test('columns of text come one after the other; what spans both comes in its place', async t => {
  const lines = [at('title', [0, 0, 500, 30])]
  for (let row = 0; row < 5; row++) {
    const y = 50 + row * 30
    lines.push(at(`right${row}`, [280, y, 500, y + 20]), at(`left${row}`, [0, y, 220, y + 20]))
  }
  lines.push(at('foot', [0, 230, 500, 250]))
  const order = names(lines)
  t.same(order.slice(0, 3), ['title', 'left0', 'left1'])
  t.same(order.slice(5, 8), ['left4', 'right0', 'right1'])
  t.equal(order.at(-1), 'foot')
})

t.test('two columns of short cells are a table', async t => {
  const cells = [0, 1, 2, 3, 4].flatMap(row => [
    at(`key${row}`, [0, row * 30, 60, row * 30 + 20]),
    at(`value${row}`, [300, row * 30, 340, row * 30 + 20]),
  ])
  t.equal(names(cells)[0], 'key0 value0')
})

t.test('small words beside a large one are read together', async t => {
  const sign = [
    at('西', [90, 80, 130, 122]),
    at('315', [80, 126, 135, 155]),
    at('愚园路', [190, 82, 460, 156]),
    at('东', [520, 80, 562, 122]),
    at('309', [514, 126, 570, 155]),
  ]
  t.same(names(sign), ['西', '315', '愚园路', '东', '309'])
})

t.test('a tilted page is straightened first', async t => {
  const angle = 0.06
  const cells = [0, 1].flatMap(row =>
    [0, 300, 600].map(x => {
      const y = row * 30 + x * Math.tan(angle)
      return at(`${row}/${x}`, [x, y, x + 100, y + 20], { angle })
    }),
  )
  t.same(names(cells), ['0/0 0/300 0/600', '1/0 1/300 1/600'])
})

t.test('vertical print goes from right to left', async t => {
  const columns = [
    at('last', [0, 0, 40, 400], { stacked: true }),
    at('first', [200, 0, 240, 400], { stacked: true }),
    at('second', [100, 0, 140, 190], { stacked: true }),
    at('below second', [100, 210, 140, 400], { stacked: true }),
  ]
  t.same(names(columns), ['first', 'second below second', 'last'])
})

t.test('nothing has no rows', async t => {
  t.same(names([]), [])
})
