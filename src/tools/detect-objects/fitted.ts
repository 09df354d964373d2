import type { Found } from '../vision/boxes.ts'
import type { Numbers } from '../vision/model.ts'
import type { Picture } from '../vision/picture.ts'
import { resize } from '../vision/resize.ts'

/** How a network wants its picture. */
export type Canvas = {
  readonly width: number
  readonly height: number
  readonly order: 'rgb' | 'bgr'
  /** Where the picture lies on the canvas, which has another shape. */
  readonly place: 'top left' | 'centre'
  /** What the rest of the canvas is filled with. */
  readonly ground: number
  /** By plane: the numbers are (value - mean) / deviation. */
  readonly mean: readonly number[]
  readonly deviation: readonly number[]
}

/** A picture as a network takes it, and the way back from its boxes to the picture's. */
export type Fitted = { readonly planes: Numbers; readonly onPicture: (found: Found) => Found }

/** Fits a picture into a canvas, its proportions kept. */
export async function fitted(picture: Picture, canvas: Canvas): Promise<Fitted> {
  const ratio = Math.min(canvas.width / picture.width, canvas.height / picture.height)
  const width = Math.max(1, Math.floor(picture.width * ratio))
  const height = Math.max(1, Math.floor(picture.height * ratio))
  const isCentred = canvas.place === 'centre'
  const left = isCentred ? Math.floor((canvas.width - width) / 2) : 0
  const top = isCentred ? Math.floor((canvas.height - height) / 2) : 0
  return {
    planes: planesOf(await resize(picture, width, height), canvas, { left, top }),
    onPicture: ({ label, score, box: [x1, y1, x2, y2] }) => ({
      label,
      score,
      box: [(x1 - left) / ratio, (y1 - top) / ratio, (x2 - left) / ratio, (y2 - top) / ratio],
    }),
  }
}

function planesOf(picture: Picture, canvas: Canvas, at: { left: number; top: number }): Numbers {
  const { width, height, order, ground, mean, deviation } = canvas
  const size = width * height
  const data = new Float32Array(size * 3)
  for (let plane = 0; plane < 3; plane++) {
    const channel = order === 'rgb' ? plane : 2 - plane
    const numbers = Float32Array.from(
      { length: 256 },
      (_, value) => (value - mean[plane]!) / deviation[plane]!,
    )
    data.fill(numbers[ground]!, plane * size, (plane + 1) * size)
    for (let y = 0; y < picture.height; y++) {
      let pixel = y * picture.width * 3 + channel
      let to = plane * size + (y + at.top) * width + at.left
      for (let x = 0; x < picture.width; x++, pixel += 3)
        data[to++] = numbers[picture.data[pixel]!]!
    }
  }
  return { data, shape: [1, 3, height, width] }
}
