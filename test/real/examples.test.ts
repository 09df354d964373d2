import { readFileSync } from 'node:fs'
import t from 'tap'
import type { JsonObject } from '../../src/registry/tool.ts'
import detectObjects from '../../src/tools/detect-objects.ts'
import ocr from '../../src/tools/ocr.ts'
import { sharedFolder } from '../fixtures/shared-folder.ts'
import { toolContext } from '../fixtures/tool-context.ts'

const { folder, skip } = sharedFolder('media/')

/** Equal, but for what another processor computes otherwise: two pixels, or a score by 0.05. */
const isClose = (value: unknown, wanted: unknown): boolean => {
  if (typeof value === 'number' && typeof wanted === 'number')
    return Math.abs(value - wanted) <= (wanted > 1 ? 2 : 0.05)
  if (typeof value !== 'object' || value === null) return value === wanted
  const parts = Object.entries(value)
  return (
    parts.length === Object.keys(Object(wanted)).length &&
    parts.every(([name, part]) => isClose(part, Reflect.get(Object(wanted), name)))
  )
}

t.test(
  'an example of a picture tool says what the tool gives for that picture',
  { skip },
  async t => {
    const examples = [
      [ocr, 'ocr/zh_hant_simple.png', 'chinese.png'],
      [detectObjects, 'detect/person_dog_horse.jpg', 'person.jpg'],
    ] as const
    for (const [tool, file, name] of examples) {
      const [example] = tool.examples
      t.match(example?.input['image'], new RegExp(`^https://.*/${name}$`))
      const context = toolContext()
      const image = context.addFile(readFileSync(new URL(file, folder)), name)
      const input: JsonObject = { ...example?.input, image }
      const output = await tool.run(input, context)
      t.ok(isClose(output, example?.output), `${tool.name}: ${JSON.stringify(output)}`)
    }
  },
)
