import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { isToolError } from '../../src/registry/errors.ts'
import detectObjects from '../../src/tools/detect-objects.ts'
import { toolContext } from '../fixtures/tool-context.ts'
import { sharedFolder } from '../fixtures/shared-folder.ts'

const { folder: shared, skip } = sharedFolder('')

t.setTimeout(300_000)

async function labelsIn(file: string, model?: string): Promise<string[]> {
  const path = model && fileURLToPath(new URL(`models/${model}`, shared))
  const context = toolContext(path ? { TOOLGATE_DETECT_MODEL: path } : {})
  const image = context.addFile(await readFile(new URL(`media/${file}`, shared)), file)
  const { objects } = await detectObjects.run({ image }, context)
  return (objects as { label: string }[]).map(({ label }) => label).sort()
}

t.test('the built-in model sees what is plainly there', { skip }, async t => {
  t.same(await labelsIn('detect/eagle.jpg'), ['bird'])
  t.match(await labelsIn('detect/ultralytics_bus.jpg'), ['bus', 'person', 'person', 'person'])
  t.ok((await labelsIn('detect/five_cups.png')).filter(label => label === 'cup').length >= 4)
})

t.test('YOLOX and NanoDet models are told by what they are, and used', { skip }, async t => {
  for (const model of ['yolox_nano.onnx', 'nanodet_m_416.onnx']) {
    t.same(await labelsIn('detect/eagle.jpg', model), ['bird'], model)
    const animals = await labelsIn('detect/person_dog_horse.jpg', model)
    for (const label of ['dog', 'horse', 'person'])
      t.ok(animals.includes(label), `${model} ${label}`)
    t.ok((await labelsIn('detect/giraffe_zebra.jpg', model)).includes('giraffe'), model)
  }
})

t.test('hostile files get an answer or a 4xx, soon', { skip }, async t => {
  const files = await readdir(new URL('media/hostile/', shared))
  for (const file of files.filter(file => !file.endsWith('.json'))) {
    const start = performance.now()
    const status = await labelsIn(`hostile/${file}`).then(
      () => 200,
      (error: unknown) => (isToolError(error) ? error.status : String(error)),
    )
    t.match(String(status), /^(200|413|415|422)$/, file)
    t.ok(performance.now() - start < 10_000, `${file} in time`)
  }
})
