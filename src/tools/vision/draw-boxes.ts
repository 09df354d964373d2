import type { Box } from './boxes.ts'
import { glyph, isDot } from './glyphs.ts'
import type { Picture } from './picture.ts'

/** A box to draw, with what is written on it. */
export type Drawing = { readonly box: Box; readonly text: string; readonly colour: Colour }
/** Red, green, blue, 0 to 255. */
export type Colour = readonly [red: number, green: number, blue: number]

/** A colour for each number, neighbours far apart on the wheel and all dark enough for white text. */
export function colourOf(number: number): Colour {
  const hue = (number * 137.508) % 360
  const channel = (shift: number): number => {
    const k = (shift + hue / 30) % 12
    return Math.round(255 * (0.42 - 0.36 * Math.max(-1, Math.min(k - 3, 9 - k, 1))))
  }
  return [channel(0), channel(8), channel(4)]
}

const white: Colour = [255, 255, 255]

/** A copy of the picture with boxes drawn on it, the last one on top. */
export function drawBoxes(picture: Picture, drawings: readonly Drawing[]): Picture {
  const canvas = { ...picture, data: Uint8Array.from(picture.data) }
  const dot = Math.max(1, Math.round(Math.min(picture.width, picture.height) / 300))
  for (const drawing of drawings) drawBox(canvas, drawing, dot)
  return canvas
}

function drawBox(canvas: Picture, { box, text, colour }: Drawing, dot: number): void {
  const [x1, y1, x2, y2] = box.map(Math.round) as Box
  const line = dot * 2
  fill(canvas, [x1, y1, x2, y1 + line], colour)
  fill(canvas, [x1, y2 - line, x2, y2], colour)
  fill(canvas, [x1, y1, x1 + line, y2], colour)
  fill(canvas, [x2 - line, y1, x2, y2], colour)
  const width = (text.length * glyph.width + 1) * dot
  const height = (glyph.height + 2) * dot
  const left = Math.max(0, Math.min(x1, canvas.width - width))
  const top = y1 >= height ? y1 - height : y1
  fill(canvas, [left, top, left + width, top + height], colour)
  for (let x = 0; x < text.length * glyph.width; x++)
    for (let y = 0; y < glyph.height; y++) {
      const [px, py] = [left + (x + 1) * dot, top + (y + 1) * dot]
      if (isDot(text, x, y)) fill(canvas, [px, py, px + dot, py + dot], white)
    }
}

function fill({ data, width, height }: Picture, [x1, y1, x2, y2]: Box, colour: Colour): void {
  for (let y = Math.max(0, y1); y < Math.min(height, y2); y++)
    for (let x = Math.max(0, x1); x < Math.min(width, x2); x++)
      data.set(colour, (y * width + x) * 3)
}
