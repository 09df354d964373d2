import Type, { type Static } from 'typebox'
import { defineTool, ImageFile, type JsonObject } from '../registry/tool.ts'
import { languages, tesseractCode, type Language } from './ocr/languages.ts'
import type { Page } from './ocr/read-page.ts'
import type { OpenPicture } from './vision/open-picture.ts'

const image = ImageFile({
  description: 'The picture to read: JPEG, PNG, WebP, GIF, TIFF or AVIF, at most 50 megapixels',
})

const Output = Type.Object({
  text: Type.String({
    description: 'The whole text, one line of the page a line, in reading order',
  }),
  lines: Type.Array(
    Type.Object({
      text: Type.String({ description: 'What the line says' }),
      confidence: Type.Number({ description: 'How sure the reading is', minimum: 0, maximum: 1 }),
      box: Type.Array(Type.Number(), {
        description: 'Left, top, right, bottom, in pixels of the picture as a person sees it',
        minItems: 4,
        maxItems: 4,
      }),
    }),
    {
      description: 'Each piece of text that stands by itself, in reading order; empty without text',
    },
  ),
  width: Type.Integer({ description: 'Width of the picture in pixels, upright' }),
  height: Type.Integer({ description: 'Height of the picture in pixels, upright' }),
})
type Output = Static<typeof Output>

/** Reads the text in a picture. */
export default defineTool({
  name: 'ocr',
  title: 'Read text in a picture',
  description:
    'Reads the text in a picture: scan, photo, screenshot, receipt, table. Chinese and English by themselves; set language for others. Gives the text and the place of each line. For PDF files or for what a picture shows, use other tools.',
  category: 'vision',
  tags: ['image', 'text'],
  keywords: [
    '文字识别',
    '识别文字',
    '图片转文字',
    '提取文字',
    '读图',
    '光学字符识别',
    '截图文字',
    '发票',
    '扫描件',
    'OCR',
    'text recognition',
    'extract text',
    'read image',
    'screenshot',
    'receipt',
    'scan',
  ],
  input: Type.Object({
    image,
    language: Type.Optional(
      Type.Enum(languages, {
        description:
          'Language of the text: auto, zh and en read Chinese and English, also mixed; ja Japanese, ko Korean, fr French, de German, es Spanish',
        default: 'auto',
      }),
    ),
  }),
  output: Output,
  text: ({ text }) => text || 'No text was found in the picture.',
  examples: [
    {
      title: 'A line of Chinese',
      // There to be fetched, and to stay: the address names a commit. What we read in it is below.
      input: {
        image:
          'https://raw.githubusercontent.com/naptha/tesseract.js/42eae669e4b3a66429d8516f078912cc747a89df/tests/assets/images/chinese.png',
      },
      output: {
        text: '繁體中文測試',
        lines: [{ text: '繁體中文測試', confidence: 0.978, box: [71.1, 69.2, 243.2, 97.3] }],
        width: 320,
        height: 180,
      },
    },
  ],
  annotations: { openWorld: false },
  cache: { ttlMs: 86_400_000 },
  timeoutMs: 60_000,
  runsOn: 'worker',
  module: import.meta.url,
  endsBySignal: true,
  aliases: {
    agentlego: {
      name: 'OCR',
      description: 'This tool can recognize all text on the input image.',
      input: { ...Type.Object({ image }) },
      text: linesWithBoxes,
    },
  },
  async run({ image, language = 'auto' }, { readFile, setting, signal }) {
    const { openPicture, pixelsMaxOf } = await import('./vision/open-picture.ts')
    const opened = await openPicture(await readFile(image), image.name, {
      pixelsMax: pixelsMaxOf(setting),
    })
    signal.throwIfAborted()
    return outputOf(await read(opened, language, signal), opened)
  },
})

async function read(
  { picture }: OpenPicture,
  language: Language,
  signal: AbortSignal,
): Promise<Page> {
  const { ocrModels } = await import('./ocr/models.ts')
  const { readPage } = await import('./ocr/read-page.ts')
  const models = await ocrModels()
  const code = tesseractCode(language)
  if (code === undefined) {
    const { readStrip } = await import('./ocr/read-strip.ts')
    const engine = { finder: models.finder, read: readStrip.bind(undefined, models) }
    return readPage(engine, picture, signal)
  }
  const { startTesseract } = await import('./ocr/tesseract.ts')
  const tesseract = await startTesseract(code)
  try {
    return await readPage({ finder: models.finder, read: tesseract.read }, picture, signal)
  } finally {
    await tesseract.end()
  }
}

async function outputOf({ lines, turns }: Page, opened: OpenPicture): Promise<Output> {
  const { rowsOf } = await import('./ocr/reading-order.ts')
  const { boxOnPicture } = await import('./ocr/places.ts')
  const rows = rowsOf(lines)
  return {
    text: rows.map(row => row.map(line => line.text).join(' ')).join('\n'),
    lines: rows.flat().map(({ text, confidence, place }) => ({
      text,
      confidence: Math.round(confidence * 1_000) / 1_000,
      box: boxOnPicture(place, turns, opened),
    })),
    width: opened.width,
    height: opened.height,
  }
}

/** The grammar of AgentLego's OCR: `(x1, y1, x2, y2) text`, a line each. */
function linesWithBoxes(output: JsonObject): string {
  const { lines } = output as Output
  return lines.map(({ box, text }) => `(${box.map(Math.round).join(', ')}) ${text}`).join('\n')
}
