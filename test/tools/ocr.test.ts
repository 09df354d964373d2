import { readFile } from 'node:fs/promises'
import sharp from 'sharp'
import t from 'tap'
import { Value } from 'typebox/value'
import type { JsonObject } from '../../src/registry/tool.ts'
import ocr from '../../src/tools/ocr.ts'
import { toolContext } from '../fixtures/tool-context.ts'

type Read = {
  text: string
  lines: { text: string; confidence: number; box: [number, number, number, number] }[]
  width: number
  height: number
}

const media = (name: string) => readFile(new URL(`../fixtures/media/${name}`, import.meta.url))
const read = async (bytes: Uint8Array, more: JsonObject = {}): Promise<Read> => {
  const context = toolContext()
  const output = await ocr.run({ image: context.addFile(bytes), ...more }, context)
  Value.Assert(ocr.output, output)
  return output as Read
}

const english = 'One gateway for every tool, since 2026'
const chinese = '一个网关连接所有工具'

t.test('English and Chinese are read without being told which', async t => {
  t.equal((await read(await media('english-line.png'))).text, english)
  t.equal((await read(await media('chinese-line.png'))).text, chinese)
})

t.test('each line has a confidence and a box in the picture', async t => {
  const { lines, width, height } = await read(await media('english-line.png'))
  t.same([lines.length, width, height], [1, 560, 60])
  t.ok(lines[0]!.confidence > 0.9)
  const [x1, y1, x2, y2] = lines[0]!.box
  t.ok(x1 >= 0 && x1 < 40 && y1 >= 0 && y1 < 25, 'it begins where the text does')
  t.ok(x2 > 480 && x2 <= 560 && y2 > 35 && y2 <= 60, 'it ends where the text does')
})

t.test(
  'pixels that lie on their side or upside down are read; boxes are on them as they lie',
  async t => {
    for (const turn of [90, 180, 270]) {
      const bytes = await sharp(await media('two-columns.png'))
        .rotate(turn)
        .png()
        .toBuffer()
      const { text, lines, width, height } = await read(bytes)
      t.match(text, 'The gateway keeps one record', `${turn} degrees`)
      t.ok(
        lines.every(
          ({ box: [x1, y1, x2, y2] }) => x1 < x2 && y1 < y2 && x2 <= width && y2 <= height,
        ),
      )
      const [x1, y1, x2, y2] = lines[0]!.box
      t.equal(y2 - y1 > x2 - x1, turn !== 180, 'the title lies as the page does')
    }
  },
)

t.test('a picture that EXIF turns is read as a person sees it', async t => {
  const turned = await sharp(await media('chinese-line.png'))
    .rotate(270)
    .toBuffer()
  const bytes = await sharp(turned).jpeg().withMetadata({ orientation: 6 }).toBuffer()
  const { text, width, height } = await read(bytes)
  t.same([text, width, height], [chinese, 360, 60])
})

t.test(
  'columns of running text are read one after the other, below their common title',
  async t => {
    const rows = (await read(await media('two-columns.png'))).text.split('\n')
    t.equal(rows[0], 'Two columns of text')
    t.equal(rows[1], 'The gateway keeps one record')
    t.equal(rows[5], 'A fact is stated a single time')
    t.equal(rows[6], 'Pictures are opened in a worker')
  },
)

t.test('the rows of a receipt stay rows', async t => {
  const { text } = await read(await media('receipt.png'))
  t.equal(text, 'Tea 12.50\nNoodles 38.00\nDumplings 26.80\nTotal 77.30')
})

t.test('vertical print is read from the top, its columns from the right', async t => {
  const [first, second] = (await read(await media('vertical.png'))).text.split('\n')
  t.equal(first, '春眠不覺曉')
  t.match(second, '聞')
})

t.test('white text on transparent is read', async t => {
  const line = sharp(await media('english-line.png')).negate()
  const { data, info } = await line
    .clone()
    .extractChannel(0)
    .raw()
    .toBuffer({ resolveWithObject: true })
  const alpha = { raw: { width: info.width, height: info.height, channels: 1 as const } }
  const white = {
    create: { width: info.width, height: info.height, channels: 3 as const, background: 'white' },
  }
  const bytes = await sharp(white).joinChannel(data, alpha).png().toBuffer()
  t.equal((await read(bytes)).text, english)
})

t.test('a long screenshot is read in tiles, nothing twice', async t => {
  const line = await media('english-line.png')
  const places = [0, 1_490, 2_950, 4_400]
  const bytes = await sharp({
    create: { width: 560, height: 4_500, channels: 3, background: 'white' },
  })
    .composite(places.map(top => ({ input: line, top, left: 0 })))
    .png()
    .toBuffer()
  const { text, lines } = await read(bytes)
  t.equal(text, Array(4).fill(english).join('\n'))
  lines.forEach(({ box }, index) => t.ok(Math.abs(box[1] - places[index]!) < 30))
})

t.test('a picture without text gives an empty list and a sentence, never rubbish', async t => {
  const noise = Buffer.from(Array.from({ length: 120 * 120 * 3 }, (_, at) => (at * 7_919) % 251))
  const blank = sharp({ create: { width: 300, height: 200, channels: 3, background: 'navy' } })
  const pictures = {
    blank: await blank.png().toBuffer(),
    noise: await sharp(noise, { raw: { width: 120, height: 120, channels: 3 } })
      .png()
      .toBuffer(),
  }
  for (const [name, bytes] of Object.entries(pictures)) {
    const output = await read(bytes)
    t.same([output.text, output.lines], ['', []], name)
    t.equal(ocr.text(output, {}), 'No text was found in the picture.')
  }
})

t.test(
  'languages that the models do not know are read by Tesseract, without a network',
  async t => {
    const { text } = await read(await media('english-line.png'), { language: 'de' })
    t.match(text, 'gateway for every tool')
  },
)

t.test('AgentLego gets its own grammar', async t => {
  const alias = ocr.aliases.agentlego
  if (typeof alias !== 'object') return t.fail('no alias')
  const output = {
    lines: [
      { text: 'Tea', confidence: 1, box: [1.4, 2, 30, 12.6] },
      { text: '12.50', confidence: 1, box: [40, 2, 60, 12] },
    ],
  }
  t.equal(alias.text?.(output, {}), '(1, 2, 30, 13) Tea\n(40, 2, 60, 12) 12.50')
})

t.test('a call that is over stops', async t => {
  const context = toolContext({}, AbortSignal.abort(new Error('gone')))
  const image = context.addFile(await media('english-line.png'))
  await t.rejects(ocr.run({ image }, context), { message: 'gone' })
})

t.test('what is not a picture is refused by its name', async t => {
  await t.rejects(read(Buffer.from('not a picture')), { code: 'TG_MEDIA_TYPE' })
})
