import t from 'tap'
import { findingLimits } from '../../../src/tools/ocr/find-lines.ts'
import { readPage, type Engine } from '../../../src/tools/ocr/read-page.ts'
import type { Strip } from '../../../src/tools/ocr/strips.ts'

const picture = { data: new Uint8Array(600 * 600 * 3), width: 600, height: 600 }
const signal = new AbortController().signal
type Area = [x: number, y: number, width: number, height: number]

/**
 * An engine that finds lines at the places given, one list a look at the picture, and reads strips as
 * it is told; `reads` counts.
 */
function engineOf(looks: Area[][], read: (strip: Strip, count: number) => [string, number]) {
  let look = 0
  const counted = { looks: 0, reads: 0 }
  const engine: Engine = {
    finder: {
      inputs: [],
      outputs: [],
      async run({ shape: [, , height = 0, width = 0] }) {
        counted.looks++
        const data = new Float32Array(width * height)
        for (const [x, y, w, h] of looks[look++] ?? [])
          for (let row = y; row < y + h; row++) {
            const from = (row + findingLimits.margin) * width + x + findingLimits.margin
            data.fill(0.9, from, from + w)
          }
        return { map: { data, shape: [1, 1, height, width] } }
      },
    },
    async read(strip) {
      counted.reads++
      const [text, confidence] = read(strip, counted.reads)
      return { text, confidence }
    },
  }
  return { engine, counted }
}

const level: Area[] = [
  [50, 100, 300, 20],
  [50, 200, 300, 20],
  [50, 300, 300, 20],
]
const tall: Area[] = level.map(([x, y, width, height]) => [y, x, height, width])

t.test('an upright page costs one look and one reading a line', async t => {
  const { engine, counted } = engineOf([level], () => ['words', 0.95])
  const { lines, turns } = await readPage(engine, picture, signal)
  t.same([lines.length, turns], [3, 0])
  t.same(counted, { looks: 1, reads: 3 })
})

t.test('a page that reads better upside down is turned and looked at again', async t => {
  const { engine, counted } = engineOf([level, level], (_, count) => [
    'words',
    count > 3 ? 0.95 : 0.4,
  ])
  const { lines, turns } = await readPage(engine, picture, signal)
  t.same([lines.length, turns, counted.looks], [3, 2, 2])
})

t.test('a page on its side is turned the way that reads better', async t => {
  // Of each line: stacked, then clockwise, then counterclockwise.
  const { engine } = engineOf([tall, level], (_, count) => ['words', count > 6 ? 0.95 : 0.3])
  const { lines, turns } = await readPage(engine, picture, signal)
  t.same([lines.length, turns], [3, 1])
})

t.test('columns of Chinese characters are no page on its side', async t => {
  const { engine } = engineOf([tall], (_, count) => (count % 2 ? ['春眠不觉晓', 0.9] : ['', 0]))
  const { lines, turns } = await readPage(engine, picture, signal)
  t.same([lines.length, turns], [3, 0])
  t.ok(lines.every(line => line.stacked))
})

t.test('one line that lies upside down is turned by itself', async t => {
  const levelThenOver = [0.95, 0.4, 0.95, 0.3, 0.95, 0.3]
  const { engine } = engineOf([level], (_, count) => ['words', levelThenOver[count - 1] ?? 0])
  const { lines, turns } = await readPage(engine, picture, signal)
  t.same([lines.map(line => line.confidence), turns], [[0.95, 0.95, 0.95], 0])
})

t.test('what is not read surely is not text, the less so the shorter it is', async t => {
  const answers: [string, number][] = [
    ['words', 0.6],
    ['', 0.9],
    ['o', 0.7],
  ]
  const { engine } = engineOf([level], (_, count) => answers[(count - 1) % 3]!)
  const { lines } = await readPage(engine, picture, signal)
  t.same(
    lines.map(line => line.text),
    ['words'],
  )
})

t.test('a rule from edge to edge is not read as a thousand characters', async t => {
  let widest = 0
  const { engine } = engineOf([[[300, 0, 4, 600]]], strip => {
    widest = Math.max(widest, strip.width)
    return ['', 0]
  })
  t.same((await readPage(engine, picture, signal)).lines, [])
  t.ok(widest <= 3_200)
})
