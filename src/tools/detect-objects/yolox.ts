import { suppress, type Box, type Found } from '../vision/boxes.ts'
import type { Model, Numbers } from '../vision/model.ts'
import type { Picture } from '../vision/picture.ts'
import type { Detector } from './detector.ts'
import { fitted } from './fitted.ts'
import { labels } from './labels.ts'

const strides = [8, 16, 32] as const
const columns = 5 + labels.length
const iouMax = 0.45

type Size = { readonly width: number; readonly height: number }

/** Rows of its one output: the cells of three grids, one after the other. */
export const yoloxRows = ({ width, height }: Size): number =>
  strides.reduce((rows, stride) => rows + (width / stride) * (height / stride), 0)

/** YOLOX: one output, a row a grid cell, of box, objectness and 80 scores. */
export const isYolox = (model: Model, size: Size): boolean =>
  model.outputs.length === 1 &&
  model.outputs[0]!.shape.at(-1) === columns &&
  (model.outputs[0]!.shape.at(-2) ?? yoloxRows(size)) === yoloxRows(size)

/** Reads what a YOLOX model says. */
export function yolox(model: Model, size: Size): Detector {
  return {
    size,
    threshold: 0.3,
    detect: (picture, threshold) => detect({ model, size, picture, threshold }),
  }
}

type Detection = { model: Model; size: Size; picture: Picture; threshold: number }

async function detect({ model, size, picture, threshold }: Detection): Promise<Found[]> {
  const { planes, onPicture } = await fitted(picture, {
    ...size,
    order: 'bgr',
    place: 'top left',
    ground: 114,
    mean: [0, 0, 0],
    deviation: [1, 1, 1],
  })
  const outputs = await model.run(planes)
  const rows = outputs[model.outputs[0]!.name]!
  return suppress(decode(rows, size, threshold).map(onPicture), iouMax)
}

function decode({ data }: Numbers, size: Size, threshold: number): Found[] {
  const found: Found[] = []
  let at = 0
  for (const stride of strides)
    for (let y = 0; y < size.height / stride; y++)
      for (let x = 0; x < size.width / stride; x++, at += columns) {
        const objectness = data[at + 4]!
        if (objectness < threshold) continue
        const label = likeliest(data, at + 5)
        const score = objectness * data[at + 5 + label]!
        if (score < threshold) continue
        const [cx, cy] = [(data[at]! + x) * stride, (data[at + 1]! + y) * stride]
        const halfWidth = (Math.exp(data[at + 2]!) * stride) / 2
        const halfHeight = (Math.exp(data[at + 3]!) * stride) / 2
        const box: Box = [cx - halfWidth, cy - halfHeight, cx + halfWidth, cy + halfHeight]
        found.push({ label, score, box })
      }
  return found
}

function likeliest(data: Float32Array, from: number): number {
  let best = 0
  for (let label = 1; label < labels.length; label++)
    if (data[from + label]! > data[from + best]!) best = label
  return best
}
