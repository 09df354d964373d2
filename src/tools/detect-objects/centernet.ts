import { suppress, type Found } from '../vision/boxes.ts'
import { openModel, type Model, type Numbers } from '../vision/model.ts'
import { packageFile } from '../vision/package-file.ts'
import type { Picture } from '../vision/picture.ts'
import type { Detector } from './detector.ts'
import { fitted } from './fitted.ts'
import { onnxFile } from './onnx-file.ts'
import { readTfjsModel } from './tfjs-model.ts'
import { onnxGraph } from './tfjs-to-onnx.ts'

const side = 512
/** One point of the answer stands for so many pixels each way. */
const stride = 4
const iouMax = 0.5
const names = {
  input: 'tower_0/images',
  centres: 'tower_0/keypoints',
  sides: 'tower_0/wh',
} as const

/**
 * The detector that needs no download: MobileNetV3-CenterNet, whose weights the npm package
 * @vladmandic/human ships for TensorFlow.js; said in ONNX in memory, on first use.
 */
export async function openCentreNet(): Promise<Detector> {
  const file = packageFile('@vladmandic/human', 'models/centernet.json')
  if (file === undefined) throw new Error('@vladmandic/human is not installed')
  const graph = onnxGraph(await readTfjsModel(file), {
    input: { name: names.input, shape: [1, 3, side, side] },
    outputs: [names.centres, names.sides],
  })
  const model = await openModel(onnxFile(graph), { keepMemory: true })
  return {
    size: { width: side, height: side },
    threshold: 0.35,
    detect: (picture, threshold) => detect(model, picture, threshold),
  }
}

async function detect(model: Model, picture: Picture, threshold: number): Promise<Found[]> {
  const { planes, onPicture } = await fitted(picture, {
    width: side,
    height: side,
    order: 'rgb',
    place: 'centre',
    ground: 127,
    mean: [0, 0, 0],
    deviation: [1, 1, 1],
  })
  const outputs = await model.run(planes)
  const found = peaks(outputs[names.centres]!, threshold).map(({ label, score, x, y, at }) => {
    const [left, top, right, bottom] = distances(outputs[names.sides]!, at)
    const [cx, cy] = [x * stride, y * stride]
    return onPicture({ label, score, box: [cx - left, cy - top, cx + right, cy + bottom] })
  })
  return suppress(found, iouMax)
}

type Peak = { label: number; score: number; x: number; y: number; at: number }

/** Points likelier than the threshold and than the points around them. */
function peaks({ data, shape }: Numbers, threshold: number): Peak[] {
  const [, , height = 0, width = 0] = shape
  const size = height * width
  const found: Peak[] = []
  for (let index = 0; index < data.length; index++) {
    const score = data[index]!
    if (score < threshold) continue
    const label = Math.floor(index / size)
    const at = index % size
    const [x, y] = [at % width, Math.floor(at / width)]
    if (isPeak(data.subarray(label * size, (label + 1) * size), { x, y, width, height }))
      found.push({ label, score, x, y, at })
  }
  return found
}

function isPeak(
  plane: Float32Array,
  { x, y, width, height }: { x: number; y: number; width: number; height: number },
): boolean {
  const score = plane[y * width + x]!
  for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++)
    for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++)
      if (plane[ny * width + nx]! > score) return false
  return true
}

function distances({ data, shape }: Numbers, at: number): [number, number, number, number] {
  const size = shape[2]! * shape[3]!
  return [data[at]!, data[at + size]!, data[at + 2 * size]!, data[at + 3 * size]!]
}
