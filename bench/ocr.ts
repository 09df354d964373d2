// Accuracy and time of `ocr` over ../shared/media/ocr, beside Python's rapidocr with as many
// threads. `TOOLGATE_BENCH_PYTHON=<python with rapidocr> node bench/ocr.ts [--write]`
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { distance } from 'fastest-levenshtein'
import ocr from '../src/tools/ocr.ts'
import { inferenceThreads } from '../src/tools/vision/model.ts'
import { toolContext } from '../test/fixtures/tool-context.ts'
import { startPython } from './python.ts'
import { report } from './report.ts'

const folder = fileURLToPath(new URL('../../shared/media/ocr/', import.meta.url))
const rounds = process.argv.includes('--smoke') ? 1 : 3
const files = (await readdir(folder)).filter(file => !file.endsWith('.json'))
const baseline = await startPython('ocr', [inferenceThreads], `${folder}${files[0]}`)
const context = toolContext()

type Row = { file: string; ours: Measured; theirs?: Measured }
type Measured = { ms: number; accuracy: number }

const rows: Row[] = []
for (const file of files) rows.push(await measure(file))
baseline?.end()
rows.forEach(({ file, ours, theirs }) =>
  console.log(file, shown(ours), theirs ? shown(theirs) : ''),
)

const withText = rows.filter(({ file }) => !file.startsWith('none'))
await report('ocr', [
  {
    what: `mean character accuracy over ${withText.length} legible pictures, turned ones too`,
    seen: mean(withText.map(row => row.ours.accuracy)).toFixed(3),
    goal: '≥ 0.90',
    note: baseline
      ? `rapidocr ${mean(withText.flatMap(row => row.theirs?.accuracy ?? [])).toFixed(3)}`
      : '',
  },
  {
    what: 'time for all pictures, against Python rapidocr with the same threads',
    seen: baseline ? `${(total('ours') / total('theirs')).toFixed(2)} ×` : 'not measured',
    goal: '≤ 1.0 ×',
    note: `${total('ours').toFixed(0)} ms${baseline ? ` and ${total('theirs').toFixed(0)} ms` : ''}, best of ${rounds}`,
  },
])

/** The best of some rounds, ours and theirs by turns. */
async function measure(file: string): Promise<Row> {
  const truth = await truthOf(file)
  const image = context.addFile(await readFile(folder + file), file)
  await ocr.run({ image }, context)
  const best: Row = { file, ours: { ms: Infinity, accuracy: 0 } }
  for (let round = 0; round < rounds; round++) {
    const start = performance.now()
    const { text } = await ocr.run({ image }, context)
    const ms = Math.min(best.ours.ms, performance.now() - start)
    best.ours = { ms, accuracy: accuracy(truth, String(text)) }
    if (!baseline) continue
    const theirs = await baseline.ask(folder + file)
    best.theirs = {
      ms: Math.min(best.theirs?.ms ?? Infinity, theirs.ms),
      accuracy: accuracy(truth, theirs.text),
    }
  }
  return best
}

async function truthOf(file: string): Promise<string> {
  const { text }: { text: unknown } = JSON.parse(await readFile(`${folder}${file}.json`, 'utf8'))
  return String(text)
}

function accuracy(truth: string, text: string): number {
  const [expected, read] = [plain(truth), plain(text)]
  if (expected === '') return read === '' ? 1 : 0
  return Math.max(0, 1 - distance(expected, read) / expected.length)
}

function plain(text: string): string {
  return text.normalize('NFKC').replace(/\s+/g, '')
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function total(whose: 'ours' | 'theirs'): number {
  return rows.reduce((sum, row) => sum + (row[whose]?.ms ?? 0), 0)
}

function shown({ ms, accuracy }: Measured): string {
  return `${accuracy.toFixed(3)} ${ms.toFixed(0)} ms`
}
