import type { Model } from '../vision/model.ts'
import { turn, type Picture, type QuarterTurns } from '../vision/picture.ts'
import { findLines } from './find-lines.ts'
import type { Reading } from './read-strip.ts'
import { turned, type Rectangle } from './rectangles.ts'
import { stackedStrip } from './stacked-strip.ts'
import { stripOf, type Strip } from './strips.ts'

/** What finds lines, and what reads one. */
export type Engine = { readonly finder: Model; readonly read: (strip: Strip) => Promise<Reading> }

/** A line that was read, where it stands, and whether its characters stand one above the other. */
export type ReadLine = Reading & { readonly place: Rectangle; readonly stacked: boolean }
/** A page that was read; `turns` were needed to make it upright, and places are on it as turned. */
export type Page = { readonly lines: readonly ReadLine[]; readonly turns: QuarterTurns }

/** When a line or a page is read, and when it is tried another way round. */
export const readingLimits = {
  /** A line higher than wide by this is a column, or lies on its side. */
  tallMin: 1.5,
  /** A line is read this much of its height past its ends. */
  ends: 0.2,
  /** Lines, the longest first, by which the direction of the page is judged. */
  samples: 4,
  /** Read this surely, a line stands upright and nothing else is tried. */
  sureMin: 0.8,
  /** A line read less surely than this may be upside down, if it is longer than high by `wordMin`. */
  doubtBelow: 0.7,
  wordMin: 2,
  /** A column is read at least this surely. */
  columnMin: 0.75,
  /** Nothing can be expected to read better than this. */
  certainMin: 0.97,
  /** Another direction has to be better by this. */
  betterBy: 0.1,
  /** Less sure readings are not text. */
  confidenceMin: 0.5,
  /** The same for one or two characters, which patterns in photographs look like most. */
  shortConfidenceMin: 0.75,
} as const

type Direction = 'level' | 'over' | 'clockwise' | 'counterclockwise' | 'stacked'
type Reader = (line: Rectangle, direction: Direction) => Promise<Reading>

/** Reads a page whichever way round its pixels lie. Upright pages cost nothing extra. */
export async function readPage(
  engine: Engine,
  picture: Picture,
  signal: AbortSignal,
): Promise<Page> {
  const places = await findLines(engine.finder, picture)
  const read = reader(engine, picture, signal)
  const turns = await turnsOf(places, read)
  if (turns === 0) return { lines: await readLines(places, read), turns }
  const upright = turn(picture, turns)
  signal.throwIfAborted()
  const placesUpright = await findLines(engine.finder, upright)
  return { lines: await readLines(placesUpright, reader(engine, upright, signal)), turns }
}

/** Reads lines of one picture; a line read before in the same direction is not read again. */
function reader(engine: Engine, picture: Picture, signal: AbortSignal): Reader {
  const known = new Map<Rectangle, Partial<Record<Direction, Promise<Reading>>>>()
  return (line, direction) => {
    signal.throwIfAborted()
    const readings = known.get(line) ?? {}
    known.set(line, readings)
    return (readings[direction] ??= engine.read(cutOut(picture, line, direction)))
  }
}

function cutOut(picture: Picture, line: Rectangle, direction: Direction) {
  if (direction === 'stacked') return stackedStrip(picture, line)
  const quarters = { level: 0, over: 2, clockwise: 1, counterclockwise: 3 }[direction]
  return stripOf(picture, longer(turned(line, quarters)))
}

/** The finder leaves out quotes, colons and full stops at a line's ends. */
const longer = (line: Rectangle): Rectangle => ({
  ...line,
  width: line.width + line.height * readingLimits.ends,
})

const isTall = ({ width, height }: Rectangle): boolean => height > width * readingLimits.tallMin
const lengthOf = ({ width, height }: Rectangle): number => Math.max(width, height)

/** How often the page must be turned clockwise by a quarter to be upright. */
async function turnsOf(places: readonly Rectangle[], read: Reader): Promise<QuarterTurns> {
  const tall = places.filter(isTall)
  const total = places.reduce((sum, place) => sum + lengthOf(place), 0)
  const tallTotal = tall.reduce((sum, place) => sum + lengthOf(place), 0)
  const onSide = tallTotal > total / 2
  const samples = (onSide ? tall : places.filter(place => !isTall(place)))
    .toSorted((a, b) => lengthOf(b) - lengthOf(a))
    .slice(0, readingLimits.samples)
  if (samples.length === 0) return 0
  if (onSide && (await areColumns(samples, read))) return 0
  const sureness = async (direction: Direction): Promise<number> => {
    let sum = 0
    for (const sample of samples) sum += (await read(sample, direction)).confidence
    return sum / samples.length
  }
  const upright = onSide ? 0 : await sureness('level')
  if (upright >= readingLimits.sureMin) return 0
  let best = { turns: 0 as QuarterTurns, sureness: upright + readingLimits.betterBy }
  for (const { direction, turns } of onSide ? sideways : upsideDown) {
    const found = await sureness(direction)
    if (found > best.sureness) best = { turns, sureness: found }
  }
  return best.turns
}

type Turning = { direction: Direction; turns: QuarterTurns }
const upsideDown: readonly Turning[] = [{ direction: 'over', turns: 2 }]
const sideways: readonly Turning[] = [
  { direction: 'clockwise', turns: 3 },
  { direction: 'counterclockwise', turns: 1 },
]

/** True for vertical print: most of the tall lines are Chinese characters one above the other. */
async function areColumns(tall: readonly Rectangle[], read: Reader): Promise<boolean> {
  let columns = 0
  for (const place of tall) if (await isColumn(place, read)) columns++
  return columns * 2 > tall.length
}

/** Laid on its side the one way a column still reads well; if it does the other way, it is a line. */
async function isColumn(place: Rectangle, read: Reader): Promise<boolean> {
  const { text, confidence } = await read(place, 'stacked')
  if (confidence < readingLimits.columnMin || !isMostlyHan(text)) return false
  return (await read(place, 'counterclockwise')).confidence < readingLimits.sureMin
}

const isMostlyHan = (text: string): boolean =>
  (text.match(/\p{Script=Han}/gu) ?? []).length * 2 > text.length

async function readLines(places: readonly Rectangle[], read: Reader): Promise<ReadLine[]> {
  const lines: ReadLine[] = []
  for (const place of places) {
    const line = isTall(place) ? await readTall(place, read) : await readLevel(place, read)
    if (isText(line)) lines.push(line)
  }
  return lines
}

async function readLevel(place: Rectangle, read: Reader): Promise<ReadLine> {
  const level = await read(place, 'level')
  const isWord = place.width > place.height * readingLimits.wordMin
  if (level.confidence >= readingLimits.doubtBelow || !isWord)
    return { ...level, place, stacked: false }
  const over = await read(place, 'over')
  const better = over.confidence > level.confidence + readingLimits.betterBy
  return { ...(better ? over : level), place, stacked: false }
}

/** The reader knows columns laid on their side too, and often reads them better than stacked. */
async function readTall(place: Rectangle, read: Reader): Promise<ReadLine> {
  let best: Reading = { text: '', confidence: 0 }
  for (const direction of ['stacked', 'clockwise', 'counterclockwise', 'level'] as const) {
    const reading = await read(place, direction)
    if (reading.confidence > best.confidence) best = reading
    if (best.confidence >= readingLimits.certainMin) break
  }
  return { ...best, place, stacked: await isColumn(place, read) }
}

const isText = ({ text, confidence }: Reading): boolean =>
  text !== '' &&
  confidence >= (text.length > 2 ? readingLimits.confidenceMin : readingLimits.shortConfidenceMin)
