import t from 'tap'
import { spaced } from '../../../src/tools/ocr/word-gaps.ts'

/** A strip with a bar of ink at each column given, and letters that stand there. */
function written(letters: readonly (readonly [character: string, column: number])[]) {
  const width = 400
  const data = new Uint8Array(width * 48 * 3).fill(255)
  for (const [, column] of letters)
    for (let y = 10; y < 38; y++)
      data.fill(0, (y * width + column - 4) * 3, (y * width + column + 4) * 3)
  const read = letters.map(([character, column]) => ({ character, column }))
  return spaced(read, { data, width, height: 48 })
}

t.test('a gap between Latin words is a space', async t => {
  t.equal(
    written([
      ['o', 20],
      ['n', 31],
      ['e', 42],
      ['t', 70],
      ['o', 81],
    ]),
    'one to',
  )
})

t.test('letters set wide apart are one word', async t => {
  t.equal(
    written([
      ['w', 20],
      ['i', 40],
      ['d', 60],
      ['e', 80],
    ]),
    'wide',
  )
})

t.test('a gap inside a number is no space unless it is wide', async t => {
  t.equal(
    written([
      ['1', 20],
      ['0', 38],
      ['0', 49],
      [',', 60],
      ['5', 71],
    ]),
    '100,5',
  )
  t.equal(
    written([
      ['1', 20],
      ['0', 31],
      ['0', 42],
      ['5', 80],
      ['6', 91],
    ]),
    '100 56',
  )
})

t.test('Chinese characters have no spaces between them', async t => {
  t.equal(
    written([
      ['中', 20],
      ['文', 60],
      ['字', 71],
    ]),
    '中文字',
  )
})

t.test('a space that was read is not doubled', async t => {
  t.equal(
    written([
      ['a', 20],
      [' ', 35],
      ['b', 50],
    ]),
    'a b',
  )
})
