import { readFile } from 'node:fs/promises'
import sharp from 'sharp'
import t from 'tap'
import detectObjects from '../../../src/tools/detect-objects.ts'
import ocr from '../../../src/tools/ocr.ts'
import { openPicture, pictureLimits } from '../../../src/tools/vision/open-picture.ts'
import { testApp } from '../../fixtures/app.ts'

const red = { r: 200, g: 10, b: 10 }
const blank = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: red } })
const pixel = (data: Uint8Array, at: number) => [...data.subarray(at * 3, at * 3 + 3)]
const media = (name: string) => readFile(new URL(`../../fixtures/media/${name}`, import.meta.url))

t.test('every kind of picture opens as 8-bit RGB', async t => {
  for (const kind of ['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const) {
    const bytes = await blank(40, 20).toFormat(kind).toBuffer()
    const { picture, width, height } = await openPicture(bytes, `a.${kind}`)
    t.same([width, height, picture.width, picture.height], [40, 20, 40, 20], kind)
    t.equal(picture.data.length, 40 * 20 * 3, kind)
    t.ok(picture.data[0]! > 180 && picture.data[1]! < 40, `${kind} is red`)
  }
})

t.test('grey, 16-bit, 1-bit and CMYK pictures open too', async t => {
  const grey = blank(8, 8).toColourspace('b-w')
  const pictures = {
    grey: await grey.clone().png().toBuffer(),
    '16 bit': await blank(8, 8).toColourspace('rgb16').png().toBuffer(),
    '1 bit': await blank(8, 8).png({ palette: true, colours: 2 }).toBuffer(),
    cmyk: await blank(8, 8).toColourspace('cmyk').jpeg().toBuffer(),
  }
  for (const [name, bytes] of Object.entries(pictures)) {
    const { picture } = await openPicture(bytes, name)
    t.equal(picture.data.length, 8 * 8 * 3, name)
  }
})

t.test('a picture is turned as its EXIF says, and its size is that of the turned one', async t => {
  const bytes = await blank(40, 20).jpeg().withMetadata({ orientation: 6 }).toBuffer()
  const { picture, width, height } = await openPicture(bytes, 'turned.jpg')
  t.same([width, height, picture.width, picture.height], [20, 40, 20, 40])
})

t.test('dark on transparent comes on white, light on transparent on black', async t => {
  for (const [shade, ground] of [
    [0, 255],
    [255, 0],
  ] as const) {
    const data = Buffer.alloc(4 * 4 * 4)
    data.set([shade, shade, shade, 255], 4)
    const bytes = await sharp(data, { raw: { width: 4, height: 4, channels: 4 } })
      .png()
      .toBuffer()
    const { picture } = await openPicture(bytes, 'transparent.png')
    t.same(pixel(picture.data, 0), [ground, ground, ground])
    t.same(pixel(picture.data, 1), [shade, shade, shade])
  }
})

t.test('of an animation the first frame is opened', async t => {
  const frames = Buffer.concat([Buffer.alloc(4 * 4 * 3, 10), Buffer.alloc(4 * 4 * 3, 240)])
  const raw = { width: 4, height: 8, channels: 3, pageHeight: 4 } as const
  const bytes = await sharp(frames, { raw })
    .gif({ delay: [50, 50] })
    .toBuffer()
  const { picture, height } = await openPicture(bytes, 'moving.gif')
  t.equal(height, 4)
  t.ok(picture.data[0]! < 40)
})

t.test('a large picture is worked on smaller, its own size is still told', async t => {
  const { picture, width } = await openPicture(await blank(6000, 4000).png().toBuffer(), 'l.png')
  t.equal(width, 6000)
  t.ok(picture.width * picture.height <= pictureLimits.workPixelsMax)
  const within = { width: 30, height: 30 }
  const small = await openPicture(await blank(300, 100).png().toBuffer(), 's.png', { within })
  t.same([small.picture.width, small.picture.height, small.width], [30, 10, 300])
})

t.test('what declares too many pixels is a 413, before it is decoded', async t => {
  const png = await blank(4, 4).png().toBuffer()
  png.writeUInt32BE(60_000, 16)
  png.writeUInt32BE(60_000, 20)
  const bombs = { 'a png': png, 'a gif screen': gifOf(60_000), 'a gif frame': gifOf(4, 60_000) }
  for (const [name, bytes] of Object.entries(bombs))
    await t.rejects(openPicture(bytes, name), { code: 'TG_TOO_LARGE', status: 413 }, name)
})

t.test('how many are too many is the operator’s to say', async t => {
  const bytes = await blank(100, 100).png().toBuffer()
  await t.rejects(openPicture(bytes, 'a.png', { pixelsMax: 9_999 }), { code: 'TG_TOO_LARGE' })
  t.equal((await openPicture(bytes, 'a.png', { pixelsMax: 10_000 })).width, 100)
  const file = { limits: { imagePixelsMax: 9_999 } }
  const { app } = await testApp(t, { tools: [ocr, detectObjects], file })
  const image = `data:image/png;base64,${bytes.toString('base64')}`
  for (const tool of ['ocr', 'detect_objects']) {
    const answer = await app.inject({ method: 'POST', url: `/tools/${tool}`, payload: { image } })
    t.match(
      answer.json(),
      { error: { code: 'TG_TOO_LARGE', message: /0\.009999 megapixels/ } },
      tool,
    )
  }
})

t.test('what is not a picture is a 415, whatever its name', async t => {
  const svg = '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><rect/></svg>'
  for (const text of [svg, '%PDF-1.7\n', 'MZ', 'plain words', '<svg/>'])
    await t.rejects(openPicture(Buffer.from(text), 'picture.png'), { code: 'TG_MEDIA_TYPE' }, text)
})

t.test('a broken picture is a 422', async t => {
  const jpeg = await blank(64, 64).jpeg().toBuffer()
  const broken = {
    empty: Buffer.alloc(0),
    'a head alone': jpeg.subarray(0, 40),
    'a png without a header': Buffer.from('\x89PNG\r\n\x1a\nrubbish', 'latin1'),
  }
  for (const [name, bytes] of Object.entries(broken))
    await t.rejects(openPicture(bytes, name), { code: 'TG_FILE_BROKEN', status: 422 }, name)
})

t.test('a picture that misses its end opens; one that misses most of it is a 422', async t => {
  const whole = await media('stop-sign.png')
  const most = await openPicture(whole.subarray(0, whole.length * 0.9), 'cut.png')
  t.equal(most.height, 240)
  const little = openPicture(whole.subarray(0, whole.length * 0.1), 'cut.png')
  await t.rejects(little, { code: 'TG_FILE_BROKEN', message: /missing/ })
})

/** The head of a GIF: a screen, and perhaps a frame after a comment. */
function gifOf(screen: number, frame?: number): Buffer {
  const size = (side: number) => [side & 255, side >> 8, side & 255, side >> 8]
  const head = [...Buffer.from('GIF89a'), ...size(screen), 0, 0, 0]
  const comment = [0x21, 0xfe, 1, 65, 0]
  const frameHead = frame === undefined ? [] : [...comment, 0x2c, 0, 0, 0, 0, ...size(frame)]
  return Buffer.from([...head, ...frameHead])
}
