import { fail, failFrom, isToolError } from '../../registry/errors.ts'
import { openModel, type Model } from '../vision/model.ts'
import { once, oncePer } from '../vision/once.ts'
import { openCentreNet } from './centernet.ts'
import type { Detector } from './detector.ts'
import { nanodet, nanodetGrids } from './nanodet.ts'
import { isYolox, yolox } from './yolox.ts'

/** The setting that `detect_objects` reads the model's path from. */
const modelSetting = 'TOOLGATE_DETECT_MODEL'

const builtIn = once(openCentreNet)
const configured = oncePer(openConfigured)

/** The detector that is configured, or the one that is built in; loaded on first use. */
export const openDetector = (modelFile: string | undefined): Promise<Detector> =>
  modelFile ? configured(modelFile) : builtIn()

async function openConfigured(file: string): Promise<Detector> {
  try {
    const model = await openModel(file, { keepMemory: true })
    const detector = detectorOf(model)
    if (detector) return detector
  } catch (error) {
    if (isToolError(error)) throw error
    throw failFrom(error, 'TG_UNAVAILABLE', ...unavailable(`the model ${file} cannot be loaded`))
  }
  throw fail('TG_UNAVAILABLE', ...unavailable(`${file} is neither a YOLOX nor a NanoDet model`))
}

const unavailable = (reason: string): [tool: string, reason: string, remedy: string] => [
  'detect_objects',
  reason,
  `set ${modelSetting} to the .onnx file of a YOLOX or NanoDet model with COCO's 80 classes, or leave it out for the model that is built in`,
]

/** A model is known by what goes in and what comes out, not by its file's name. */
function detectorOf(model: Model): Detector | undefined {
  const [, , height, width] = model.inputs[0]?.shape ?? []
  if (!height || !width) return undefined
  const size = { width, height }
  if (isYolox(model, size)) return yolox(model, size)
  const grids = nanodetGrids(model, size)
  return grids && nanodet(model, size, grids)
}
