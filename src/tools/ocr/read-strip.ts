import type { Numbers } from '../vision/model.ts'
import type { OcrModels } from './models.ts'
import { stripHeight, type Strip } from './strips.ts'
import { spaced, type Letter } from './word-gaps.ts'

/** The reader takes one step of its answer per so many columns. */
const columnsPerStep = 8

/** Text as it was read, and the mean certainty over its characters. */
export type Reading = { readonly text: string; readonly confidence: number }

/** A shorter strip is filled up to this width: the reader was trained on long ones. */
const widthMin = 160

/** Reads one strip. */
export async function readStrip(models: OcrModels, strip: Strip): Promise<Reading> {
  const outputs = await models.reader.run(tensorOf(strip))
  const [likelihood] = Object.values(outputs)
  const { letters, confidence } = spell(likelihood!, models.characters)
  return { text: spaced(letters, strip).trim(), confidence }
}

/** Blue, green, red planes from -1 to 1; what is past the strip is 0. */
function tensorOf({ data, width }: Strip): Numbers {
  const fullWidth = Math.max(widthMin, Math.ceil(width / 16) * 16)
  const plane = fullWidth * stripHeight
  const values = new Float32Array(plane * 3)
  for (let channel = 0; channel < 3; channel++)
    for (let y = 0; y < stripHeight; y++) {
      let from = y * width * 3 + 2 - channel
      let to = plane * channel + y * fullWidth
      for (let x = 0; x < width; x++, from += 3) values[to++] = data[from]! / 127.5 - 1
    }
  return { data: values, shape: [1, 3, stripHeight, fullWidth] }
}

/** CTC: the likeliest class of every step, repeats joined, blanks (class 0) dropped. */
function spell(
  { data, shape }: Numbers,
  characters: readonly string[],
): { letters: Letter[]; confidence: number } {
  const [, steps = 0, classes = 0] = shape
  const letters: Letter[] = []
  let sum = 0
  let last = 0
  for (let step = 0; step < steps; step++) {
    const start = step * classes
    let best = 0
    for (let index = 1; index < classes; index++)
      if (data[start + index]! > data[start + best]!) best = index
    if (best !== 0 && best !== last) {
      letters.push({ character: characters[best] ?? '', column: (step + 0.5) * columnsPerStep })
      sum += data[start + best]!
    }
    last = best
  }
  return { letters, confidence: letters.length ? sum / letters.length : 0 }
}
