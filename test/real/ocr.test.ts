import { readdir, readFile } from 'node:fs/promises'
import { distance } from 'fastest-levenshtein'
import t from 'tap'
import { isToolError } from '../../src/registry/errors.ts'
import ocr from '../../src/tools/ocr.ts'
import { toolContext } from '../fixtures/tool-context.ts'
import { sharedFolder } from '../fixtures/shared-folder.ts'

const { folder, skip } = sharedFolder('media/')
const context = toolContext()
const pictures = async (part: string) =>
  (await readdir(new URL(part, folder))).filter(file => !file.endsWith('.json'))
const run = async (file: string) => {
  const image = context.addFile(await readFile(new URL(file, folder)), file)
  return ocr.run({ image }, context)
}
const plain = (text: string): string => text.normalize('NFKC').replace(/\s+/g, '')

t.setTimeout(300_000)

t.test('legible pictures are read with a mean accuracy of at least 0.9', { skip }, async t => {
  const accuracies: number[] = []
  for (const file of await pictures('ocr/')) {
    const known: { text: string } = JSON.parse(
      await readFile(new URL(`ocr/${file}.json`, folder), 'utf8'),
    )
    const { text, lines } = await run(`ocr/${file}`)
    const truth = plain(known.text)
    if (truth === '') t.same([text, lines], ['', []], file)
    else accuracies.push(1 - distance(truth, plain(String(text))) / truth.length)
  }
  const mean = accuracies.reduce((sum, value) => sum + value, 0) / accuracies.length
  t.ok(mean >= 0.9, `mean accuracy ${mean.toFixed(3)}`)
})

t.test('photographs of things without words have no words', { skip }, async t => {
  for (const file of ['eagle.jpg', 'giraffe_zebra.jpg', 'puppy_kitten.png', 'five_cups.png'])
    t.same((await run(`detect/${file}`))['lines'], [], file)
})

t.test('hostile files get an answer or a 4xx, soon', { skip }, async t => {
  for (const file of await pictures('hostile/')) {
    const start = performance.now()
    const status = await run(`hostile/${file}`).then(
      () => 200,
      (error: unknown) => (isToolError(error) ? error.status : String(error)),
    )
    t.match(String(status), /^(200|413|415|422)$/, file)
    t.ok(performance.now() - start < 10_000, `${file} in time`)
  }
})
