import path from 'node:path'
import { fail } from '../../registry/errors.ts'
import { packageFile } from '../vision/package-file.ts'
import type { Reading } from './read-strip.ts'
import type { Strip } from './strips.ts'

/** Reads strips in one language; end it when the page is done. */
export type TesseractReader = {
  readonly read: (strip: Strip) => Promise<Reading>
  readonly end: () => Promise<void>
}

/** Starts Tesseract with the data of one language, from the npm package that ships it. */
export async function startTesseract(code: string): Promise<TesseractReader> {
  const file = packageFile(`@tesseract.js-data/${code}`, `4.0.0_best_int/${code}.traineddata.gz`)
  if (file === undefined)
    throw fail(
      'TG_UNAVAILABLE',
      'ocr',
      `the data for the language ${code} is not installed`,
      `npm install @tesseract.js-data/${code}`,
    )
  const { createWorker, OEM, PSM } = await import('tesseract.js')
  const worker = await createWorker(code, OEM.LSTM_ONLY, {
    langPath: path.dirname(file),
    cacheMethod: 'none',
    gzip: true,
    // The promise of the call rejects as well; without a handler the error is thrown a second time,
    // where nothing can catch it.
    errorHandler: () => undefined,
  })
  await worker.setParameters({ tessedit_pageseg_mode: PSM.SINGLE_LINE })
  return {
    async read(strip) {
      const { data } = await worker.recognize(portablePixmap(strip))
      return { text: plain(data.text), confidence: data.confidence / 100 }
    },
    async end() {
      await worker.terminate()
    },
  }
}

/** Tesseract puts spaces between Japanese characters, where a person writes none. */
const plain = (text: string): string =>
  text
    .replace(/\s+/g, ' ')
    .replace(
      /(?<=[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}ー]) (?=[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}ー])/gu,
      '',
    )
    .trim()

/** The simplest file format there is: a line of text and the pixels. */
const portablePixmap = ({ data, width, height }: Strip): Buffer =>
  Buffer.concat([Buffer.from(`P6 ${width} ${height} 255\n`), data])
