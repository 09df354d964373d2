import { suppress, type Found } from '../vision/boxes.ts'
import type { Model, Numbers } from '../vision/model.ts'
import type { Picture } from '../vision/picture.ts'
import type { Detector } from './detector.ts'
import { labels } from './labels.ts'
import { fitted } from './fitted.ts'

const strides = [8, 16, 32] as const
/** A distance is said as the likelihoods of 0 to 7 strides. */
const bins = 8
const iouMax = 0.6

type Size = { readonly width: number; readonly height: number }
type Grid = { readonly stride: number; readonly scores: string; readonly distances: string }

/** The outputs of a NanoDet model, two a grid, told by their sizes; undefined for other models. */
export function nanodetGrids(model: Model, size: Size): Grid[] | undefined {
  const named = (rows: number, columns: number): string | undefined =>
    model.outputs.find(({ shape }) => shape.at(-2) === rows && shape.at(-1) === columns)?.name
  const grids = strides.flatMap(stride => {
    const rows = (size.width / stride) * (size.height / stride)
    const [scores, distances] = [named(rows, labels.length), named(rows, 4 * bins)]
    return scores !== undefined && distances !== undefined ? [{ stride, scores, distances }] : []
  })
  return grids.length === strides.length ? grids : undefined
}

/** Reads what a NanoDet model says. */
export function nanodet(model: Model, size: Size, grids: readonly Grid[]): Detector {
  return {
    size,
    threshold: 0.4,
    detect: (picture, threshold) => detect({ model, size, grids, picture, threshold }),
  }
}

type Detection = {
  model: Model
  size: Size
  grids: readonly Grid[]
  picture: Picture
  threshold: number
}

async function detect({ model, size, grids, picture, threshold }: Detection): Promise<Found[]> {
  const { planes, onPicture } = await fitted(picture, {
    ...size,
    order: 'bgr',
    place: 'centre',
    ground: 0,
    mean: [103.53, 116.28, 123.675],
    deviation: [57.375, 57.12, 58.395],
  })
  const outputs = await model.run(planes)
  const found = grids.flatMap(({ stride, scores, distances }) =>
    decode(outputs[scores]!, outputs[distances]!, {
      stride,
      across: size.width / stride,
      threshold,
    }),
  )
  return suppress(found.map(onPicture), iouMax)
}

function decode(
  scores: Numbers,
  distances: Numbers,
  { stride, across, threshold }: { stride: number; across: number; threshold: number },
): Found[] {
  const found: Found[] = []
  for (let index = 0; index < scores.data.length; index++) {
    const score = scores.data[index]!
    if (score < threshold) continue
    const cell = Math.floor(index / labels.length)
    const [x, y] = [cell % across, Math.floor(cell / across)].map(
      position => position * stride + (stride - 1) / 2,
    ) as [number, number]
    const [left, top, right, bottom] = [0, 1, 2, 3].map(
      edge => expected(distances.data, (cell * 4 + edge) * bins) * stride,
    ) as [number, number, number, number]
    const box: Found['box'] = [x - left, y - top, x + right, y + bottom]
    found.push({ label: index % labels.length, score, box })
  }
  return found
}

/** The mean of 0 to 7, weighted by the softmax of what the model says of each. */
function expected(data: Float32Array, from: number): number {
  const most = Math.max(...data.subarray(from, from + bins))
  let [sum, total] = [0, 0]
  for (let bin = 0; bin < bins; bin++) {
    const weight = Math.exp(data[from + bin]! - most)
    sum += weight * bin
    total += weight
  }
  return sum / total
}
