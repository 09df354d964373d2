import t from 'tap'
import { clampBox, iou, suppress } from '../../../src/tools/vision/boxes.ts'

t.test('iou is 1 for equal boxes, 0 for boxes apart, a half where half is shared', async t => {
  t.equal(iou([0, 0, 10, 10], [0, 0, 10, 10]), 1)
  t.equal(iou([0, 0, 10, 10], [20, 0, 30, 10]), 0)
  t.equal(iou([0, 0, 10, 10], [0, 0, 10, 20]), 0.5)
})

t.test('of boxes over each other the best is kept, unless they are different things', async t => {
  const kept = suppress(
    [
      { box: [0, 0, 10, 10], score: 0.5, label: 1 },
      { box: [0, 0, 10, 11], score: 0.9, label: 1 },
      { box: [0, 0, 10, 10], score: 0.4, label: 2 },
      { box: [50, 0, 60, 10], score: 0.3, label: 1 },
    ],
    0.5,
  )
  t.same(
    kept.map(({ score }) => score),
    [0.9, 0.4, 0.3],
  )
})

t.test('a box ends where the picture ends', async t => {
  t.same(clampBox([-3, 4.26, 120, 80], 100, 50), [0, 4.3, 100, 50])
})
