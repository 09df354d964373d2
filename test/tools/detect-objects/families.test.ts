import t from 'tap'
import { labels } from '../../../src/tools/detect-objects/labels.ts'
import { nanodet, nanodetGrids } from '../../../src/tools/detect-objects/nanodet.ts'
import { isYolox, yolox, yoloxRows } from '../../../src/tools/detect-objects/yolox.ts'
import type { Model, Numbers } from '../../../src/tools/vision/model.ts'

const size = { width: 64, height: 64 }
const picture = { data: new Uint8Array(128 * 64 * 3), width: 128, height: 64 }

/** A model that answers what it is given, and remembers what it was asked. */
function modelOf(outputs: Record<string, Numbers>) {
  const asked: Numbers[] = []
  const model: Model = {
    inputs: [{ name: 'in', shape: [1, 3, size.height, size.width] }],
    outputs: Object.entries(outputs).map(([name, { shape }]) => ({ name, shape })),
    async run(input) {
      asked.push(input)
      return outputs
    },
  }
  return { model, asked }
}

const zeros = (...shape: number[]): Numbers => ({
  data: new Float32Array(shape.reduce((product, side) => product * side, 1)),
  shape,
})

t.test('YOLOX: a cell says where its object is, how large, and what', async t => {
  const rows = yoloxRows(size)
  t.equal(rows, 64 + 16 + 4)
  const output = zeros(1, rows, 85)
  // Row 1, column 2 of the grid with stride 16: centre (40, 24), 32 wide, 16 high.
  output.data.set([0.5, 0.5, Math.log(2), Math.log(1), 0.9], (64 + 1 * 4 + 2) * 85)
  output.data[(64 + 1 * 4 + 2) * 85 + 5 + labels.indexOf('dog')] = 0.8
  const { model, asked } = modelOf({ output })
  t.ok(isYolox(model, size))
  const [found, ...rest] = await yolox(model, size).detect(picture, 0.3)
  t.equal(rest.length, 0)
  t.equal(labels[found!.label], 'dog')
  t.ok(Math.abs(found!.score - 0.72) < 1e-6)
  t.same(
    found!.box.map(Math.round),
    [48, 32, 112, 64],
    'the picture is twice as wide as the canvas',
  )
  t.equal(asked[0]!.data[0], 0, 'the picture lies at the top left')
  t.equal(asked[0]!.data.at(-1), 114, 'the rest is grey')
})

t.test('NanoDet: distances to four sides, each a distribution', async t => {
  const outputs: Record<string, Numbers> = {}
  for (const [stride, cells] of [
    [8, 64],
    [16, 16],
    [32, 4],
  ] as const) {
    outputs[`scores${stride}`] = zeros(1, cells, 80)
    outputs[`distances${stride}`] = zeros(1, cells, 32)
  }
  // The cell at column 1, row 2 of the grid with stride 16: its point is (23.5, 39.5).
  const cell = 2 * 4 + 1
  outputs['scores16']!.data[cell * 80 + labels.indexOf('cat')] = 0.9
  for (let side = 0; side < 4; side++) outputs['distances16']!.data[(cell * 4 + side) * 8 + 1] = 50
  const { model } = modelOf(outputs)
  const grids = nanodetGrids(model, size)
  t.equal(grids?.length, 3)
  t.notOk(isYolox(model, size))
  const [found] = await nanodet(model, size, grids!).detect(picture, 0.4)
  t.equal(labels[found!.label], 'cat')
  const onCanvas = [7.5, 23.5, 39.5, 55.5]
  const offset = [0, 16, 0, 16]
  t.same(
    found!.box.map(edge => Math.round(edge)),
    onCanvas.map((edge, index) => Math.round((edge - offset[index]!) * 2)),
    'one stride each way, less the border above the centred picture',
  )
})

t.test('a model of another family is neither', async t => {
  const { model } = modelOf({ output: zeros(1, 100, 6) })
  t.notOk(isYolox(model, size))
  t.equal(nanodetGrids(model, size), undefined)
})
