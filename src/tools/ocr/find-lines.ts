import type { Model } from '../vision/model.ts'
import { cut, type Picture } from '../vision/picture.ts'
import { resize } from '../vision/resize.ts'
import { smallestRectangle, type Point, type Rectangle } from './rectangles.ts'

/** How lines are found. */
export const findingLimits = {
  /** Pixels the finder looks at; a larger picture is made smaller … */
  pixelsMax: 1_200_000,
  /** … less so a page scanned finely, with more text on it … */
  pixelsMaxLarge: 2_000_000,
  largeFrom: 6_000_000,
  /** … but one that would become narrower than this is looked at in tiles, one below the other. */
  narrowBelow: 512,
  tilesMax: 8,
  /** How far tiles reach into each other, in pixels of the finder. */
  tileOverlap: 64,
  /** A smaller picture is enlarged so that its short side is about this long … */
  sideMin: 480,
  /** … but never by more than this. */
  enlargeMax: 3,
  /** Ground added around the picture, so that text at its edge is found. */
  margin: 32,
  /** A pixel at least this likely belongs to text. */
  pixelLikelihoodMin: 0.3,
  /** Mean likelihood over a line. */
  lineLikelihoodMin: 0.5,
  /** The network marks the core of a line; its rectangle grows by area * this / circumference. */
  growth: 1.6,
  /** Smaller marks are dust. */
  coreSideMin: 3,
  linesMax: 1_000,
} as const

/** The rectangles that hold one line of text each, in pixels of the picture. */
export async function findLines(finder: Model, picture: Picture): Promise<Rectangle[]> {
  const lines: Rectangle[] = []
  for (const tile of tilesOf(picture)) {
    const part = tile.whole ? picture : cut(picture, tile)
    for (const line of await findIn(finder, part, tile.scale))
      if (tile.whole || isWithin(tile.core, line)) lines.push({ ...line, y: line.y + tile.y })
  }
  return lines.slice(0, findingLimits.linesMax)
}

type Area = { x: number; y: number; width: number; height: number }
/** A part of the picture to look at; of what is found there, what lies in its core counts. */
type Tile = Area & { core: Area; scale: number; whole: boolean }

const isWithin = (area: Area, { y }: Rectangle): boolean => y >= area.y && y < area.y + area.height

/** One tile, or for a long strip of a picture (a screenshot of a whole chat) one below the other. */
function tilesOf({ width, height }: Picture): Tile[] {
  const { pixelsMax, pixelsMaxLarge, largeFrom, tilesMax, tileOverlap, narrowBelow } = findingLimits
  const pixels = width * height > largeFrom ? pixelsMaxLarge : pixelsMax
  const scale = Math.min(enlargement(width, height), Math.sqrt(pixels / (width * height)))
  const all = { x: 0, y: 0, width, height }
  if (scale >= 1 || width * scale >= narrowBelow) return [{ ...all, core: all, scale, whole: true }]
  const count = Math.min(tilesMax, Math.ceil((width * height) / pixelsMax))
  const length = Math.ceil(height / count)
  const tileScale = Math.min(1, Math.sqrt(pixelsMax / (width * length)))
  const overlap = Math.ceil(tileOverlap / tileScale)
  return Array.from({ length: count }, (_, index) => {
    const [from, to] = [index * length, Math.min(height, (index + 1) * length)]
    const [y, end] = [Math.max(0, from - overlap), Math.min(height, to + overlap)]
    const core = { x: 0, y: from - y, width, height: to - from }
    return { x: 0, y, width, height: end - y, core, scale: tileScale, whole: false }
  })
}

const enlargement = (width: number, height: number): number =>
  Math.min(findingLimits.enlargeMax, Math.max(1, findingLimits.sideMin / Math.min(width, height)))

async function findIn(finder: Model, picture: Picture, scale: number): Promise<Rectangle[]> {
  const width = Math.max(1, Math.round(picture.width * scale))
  const height = Math.max(1, Math.round(picture.height * scale))
  const outputs = await finder.run(tensorOf(await resize(picture, width, height)))
  const [map] = Object.values(outputs)
  const found = linesOf({
    likelihood: map!.data,
    width: map!.shape[3]!,
    height: map!.shape[2]!,
  })
  const [sx, sy] = [picture.width / width, picture.height / height]
  const { margin } = findingLimits
  return found.map(line => ({
    ...line,
    x: (line.x - margin) * sx,
    y: (line.y - margin) * sy,
    width: line.width * sx,
    height: line.height * sy,
  }))
}

const mean = [0.485, 0.456, 0.406] as const
const deviation = [0.229, 0.224, 0.225] as const

/** Blue, green, red planes, normalised, on ground of the picture's own edge, sides multiples of 32. */
function tensorOf({ data, width, height }: Picture) {
  const { margin } = findingLimits
  const fullWidth = Math.ceil((width + 2 * margin) / 32) * 32
  const fullHeight = Math.ceil((height + 2 * margin) / 32) * 32
  const plane = fullWidth * fullHeight
  const values = new Float32Array(plane * 3)
  const ground = edgeColour({ data, width, height })
  for (let channel = 0; channel < 3; channel++) {
    const [scale, shift] = [1 / 255 / deviation[channel]!, mean[channel]! / deviation[channel]!]
    values.fill(ground[2 - channel]! * scale - shift, plane * channel, plane * (channel + 1))
    for (let y = 0; y < height; y++) {
      let from = y * width * 3 + 2 - channel
      let to = plane * channel + (y + margin) * fullWidth + margin
      for (let x = 0; x < width; x++, from += 3) values[to++] = data[from]! * scale - shift
    }
  }
  return { data: values, shape: [1, 3, fullHeight, fullWidth] }
}

/** The median colour of the picture's outermost pixels. */
function edgeColour({ data, width, height }: Picture): number[] {
  const edge: number[] = []
  for (let x = 0; x < width; x++) edge.push(x, (height - 1) * width + x)
  for (let y = 0; y < height; y++) edge.push(y * width, y * width + width - 1)
  return [0, 1, 2].map(channel => {
    const values = edge.map(pixel => data[pixel * 3 + channel]!).sort((a, b) => a - b)
    return values[values.length >> 1]!
  })
}

type LikelihoodMap = { likelihood: Float32Array; width: number; height: number }

function linesOf(map: LikelihoodMap): Rectangle[] {
  const { coreSideMin, lineLikelihoodMin, linesMax } = findingLimits
  const lines: Rectangle[] = []
  for (const points of marks(map)) {
    const core = smallestRectangle(points)
    if (Math.min(core.width, core.height) < coreSideMin) continue
    if (meanLikelihood(map, core) < lineLikelihoodMin) continue
    lines.push(grown(core))
    if (lines.length === linesMax) break
  }
  return lines
}

function grown(core: Rectangle): Rectangle {
  const { width, height } = core
  const grow = (width * height * findingLimits.growth) / (width + height)
  return { ...core, width: width + grow, height: height + grow }
}

/** Connected marks of likely text: of each, the outermost points of every row. */
function* marks({ likelihood, width, height }: LikelihoodMap): Generator<Point[]> {
  const open = new Uint8Array(width * height)
  for (let at = 0; at < open.length; at++)
    open[at] = likelihood[at]! > findingLimits.pixelLikelihoodMin ? 1 : 0
  const stack: number[] = []
  for (let start = 0; start < open.length; start++) {
    if (!open[start]) continue
    const rows = new Map<number, [left: number, right: number]>()
    open[start] = 0
    stack.push(start)
    while (stack.length) {
      const at = stack.pop()!
      const [x, y] = [at % width, Math.floor(at / width)]
      const row = rows.get(y)
      if (!row) rows.set(y, [x, x])
      else if (x < row[0]) row[0] = x
      else if (x > row[1]) row[1] = x
      for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++)
        for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++)
          if (open[ny * width + nx]) {
            open[ny * width + nx] = 0
            stack.push(ny * width + nx)
          }
    }
    yield [...rows].flatMap(([y, [left, right]]): Point[] => [
      [left, y],
      [right + 1, y],
      [left, y + 1],
      [right + 1, y + 1],
    ])
  }
}

function meanLikelihood({ likelihood, width, height }: LikelihoodMap, core: Rectangle): number {
  const [cos, sin] = [Math.cos(core.angle), Math.sin(core.angle)]
  let sum = 0
  let count = 0
  for (let down = 0.5 - core.height / 2; down < core.height / 2; down++)
    for (let along = 0.5 - core.width / 2; along < core.width / 2; along++) {
      const x = Math.floor(core.x + along * cos - down * sin)
      const y = Math.floor(core.y + along * sin + down * cos)
      if (x < 0 || y < 0 || x >= width || y >= height) continue
      sum += likelihood[y * width + x]!
      count++
    }
  return count ? sum / count : 0
}
