/** Pixels in memory: 8-bit RGB, row by row, as a person sees the picture. */
export type Picture = {
  readonly data: Uint8Array
  readonly width: number
  readonly height: number
}

/** Quarter turns clockwise. */
export type QuarterTurns = 0 | 1 | 2 | 3

/** The same picture turned clockwise by quarter turns. */
export function turn(picture: Picture, turns: QuarterTurns): Picture {
  if (turns === 0) return picture
  const { data, width, height } = picture
  const turnedWidth = turns === 2 ? width : height
  const turnedHeight = turns === 2 ? height : width
  const turned = new Uint8Array(data.length)
  for (let y = 0, from = 0; y < height; y++)
    for (let x = 0; x < width; x++, from += 3) {
      const tx = turns === 1 ? height - 1 - y : turns === 2 ? width - 1 - x : y
      const ty = turns === 1 ? x : turns === 2 ? height - 1 - y : width - 1 - x
      const to = (ty * turnedWidth + tx) * 3
      turned[to] = data[from]!
      turned[to + 1] = data[from + 1]!
      turned[to + 2] = data[from + 2]!
    }
  return { data: turned, width: turnedWidth, height: turnedHeight }
}

/** A part of a picture, cut out; the part must lie inside it. */
export function cut(
  picture: Picture,
  part: { x: number; y: number; width: number; height: number },
): Picture {
  const { x, y, width, height } = part
  const data = new Uint8Array(width * height * 3)
  for (let row = 0; row < height; row++) {
    const from = ((y + row) * picture.width + x) * 3
    data.set(picture.data.subarray(from, from + width * 3), row * width * 3)
  }
  return { data, width, height }
}
