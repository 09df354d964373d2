import type { Picture } from '../vision/picture.ts'
import type { Rectangle } from './rectangles.ts'

/** Height of a strip: what the reader was trained on. */
export const stripHeight = 48

/** A longer strip is squeezed: the reader's effort grows with the square of the width. */
export const stripWidthMax = 3_200

/** A line of text cut out and levelled: 8-bit RGB, `stripHeight` high. */
export type Strip = Picture

/** Cuts a rectangle out of the picture, level, scaled to a height; its width follows. */
export function stripOf(picture: Picture, rectangle: Rectangle, height = stripHeight): Strip {
  const step = rectangle.height / height
  const width = Math.min(stripWidthMax, Math.max(1, Math.round(rectangle.width / step)))
  return sample(picture, rectangle, { width, height })
}

type Size = { width: number; height: number }

/**
 * Makes text smaller by averaging all it covers, so that thin strokes stay, and larger by
 * interpolating; past the picture's edge the edge goes on.
 */
function sample(picture: Picture, rectangle: Rectangle, size: Size): Strip {
  const [perX, perY] = [rectangle.width / size.width, rectangle.height / size.height].map(step =>
    Math.max(1, Math.round(step)),
  ) as [number, number]
  const fine = { width: size.width * perX, height: size.height * perY }
  if (perX * perY === 1) return interpolate(picture, rectangle, size)
  return average(nearest(picture, rectangle, fine), size)
}

/** Calls back with each point of a grid over the rectangle, row by row, in picture pixels. */
function eachPoint(
  rectangle: Rectangle,
  { width, height }: Size,
  visit: (x: number, y: number) => void,
): void {
  const [cos, sin] = [Math.cos(rectangle.angle), Math.sin(rectangle.angle)]
  const [stepX, stepY] = [rectangle.width / width, rectangle.height / height]
  for (let row = 0; row < height; row++) {
    const down = (row + 0.5) * stepY - rectangle.height / 2
    for (let column = 0; column < width; column++) {
      const along = (column + 0.5) * stepX - rectangle.width / 2
      visit(rectangle.x + along * cos - down * sin, rectangle.y + along * sin + down * cos)
    }
  }
}

const within = (value: number, max: number): number => Math.min(max, Math.max(0, value))

function nearest(picture: Picture, rectangle: Rectangle, size: Size): Strip {
  const data = new Uint8Array(size.width * size.height * 3)
  let to = 0
  eachPoint(rectangle, size, (x, y) => {
    const column = within(Math.floor(x), picture.width - 1)
    const row = within(Math.floor(y), picture.height - 1)
    const from = (row * picture.width + column) * 3
    data[to++] = picture.data[from]!
    data[to++] = picture.data[from + 1]!
    data[to++] = picture.data[from + 2]!
  })
  return { data, ...size }
}

function interpolate(picture: Picture, rectangle: Rectangle, size: Size): Strip {
  const { data: pixels, width, height } = picture
  const data = new Uint8Array(size.width * size.height * 3)
  let to = 0
  eachPoint(rectangle, size, (x, y) => {
    const [cx, cy] = [within(x - 0.5, width - 1), within(y - 0.5, height - 1)]
    const [left, top] = [Math.floor(cx), Math.floor(cy)]
    const [fx, fy] = [cx - left, cy - top]
    const a = (top * width + left) * 3
    const right = left + 1 < width ? 3 : 0
    const below = top + 1 < height ? width * 3 : 0
    for (let channel = 0; channel < 3; channel++) {
      const at = a + channel
      const upper = pixels[at]! * (1 - fx) + pixels[at + right]! * fx
      const lower = pixels[at + below]! * (1 - fx) + pixels[at + below + right]! * fx
      data[to++] = upper * (1 - fy) + lower * fy + 0.5
    }
  })
  return { data, ...size }
}

function average(fine: Strip, { width, height }: Size): Strip {
  const [perX, perY] = [fine.width / width, fine.height / height]
  const sums = new Uint32Array(width * height * 3)
  for (let y = 0, from = 0; y < fine.height; y++) {
    const start = Math.floor(y / perY) * width
    for (let x = 0; x < fine.width; x++) {
      const to = (start + Math.floor(x / perX)) * 3
      sums[to]! += fine.data[from++]!
      sums[to + 1]! += fine.data[from++]!
      sums[to + 2]! += fine.data[from++]!
    }
  }
  const count = perX * perY
  return { data: Uint8Array.from(sums, sum => sum / count + 0.5), width, height }
}
