import t from 'tap'
import { colourOf, drawBoxes } from '../../../src/tools/vision/draw-boxes.ts'

const grey = { data: new Uint8Array(100 * 60 * 3).fill(128), width: 100, height: 60 }
const at = (data: Uint8Array, x: number, y: number) => [
  ...data.subarray((y * 100 + x) * 3, (y * 100 + x) * 3 + 3),
]

t.test('boxes and their words are drawn on a copy', async t => {
  const colour = [200, 0, 0] as const
  const drawn = drawBoxes(grey, [{ box: [20, 20, 80, 50], text: 'dog 9%', colour }])
  t.same(at(drawn.data, 20, 35), [200, 0, 0], 'the edge')
  t.same(at(drawn.data, 50, 35), [128, 128, 128], 'the inside stays')
  t.ok(drawn.data.includes(255), 'letters are white')
  t.ok(
    grey.data.every(value => value === 128),
    'the picture itself is untouched',
  )
})

t.test('a box past the edge is drawn as far as the picture goes', async t => {
  const drawing = { box: [-10, -10, 500, 500], text: 'person', colour: colourOf(0) } as const
  t.equal(drawBoxes(grey, [{ ...drawing, box: [...drawing.box] }]).data.length, grey.data.length)
})

t.test('each label has a colour of its own that white letters can be read on', async t => {
  const colours = Array.from({ length: 80 }, (_, label) => colourOf(label))
  t.equal(new Set(colours.map(String)).size, 80)
  for (const [red, green, blue] of colours)
    t.ok(0.299 * red + 0.587 * green + 0.114 * blue < 190, `${red} ${green} ${blue}`)
})
