import { existsSync } from 'node:fs'
import Type, { type Static } from 'typebox'
import { fail } from '../registry/errors.ts'
import { Artifact, defineTool, ImageFile, type ToolContext } from '../registry/tool.ts'
import type { Found } from './vision/boxes.ts'
import type { OpenPicture } from './vision/open-picture.ts'

/** The operator's setting that names an ONNX file to use instead of the built-in model. */
const modelSetting = 'TOOLGATE_DETECT_MODEL'
/** Most objects one picture is said to hold. */
const objectsMax = 300

const image = ImageFile({
  description: 'The picture to look at: JPEG, PNG, WebP, GIF, TIFF or AVIF, at most 50 megapixels',
})

const Output = Type.Object({
  objects: Type.Array(
    Type.Object({
      label: Type.String({ description: 'What it is, one of the 80 kinds of COCO' }),
      score: Type.Number({ description: 'How sure the model is', minimum: 0, maximum: 1 }),
      box: Type.Array(Type.Number(), {
        description: 'Left, top, right, bottom, in pixels of the picture as a person sees it',
        minItems: 4,
        maxItems: 4,
      }),
    }),
    { description: 'What was found, the surest first' },
  ),
  width: Type.Integer({ description: 'Width of the picture in pixels, upright' }),
  height: Type.Integer({ description: 'Height of the picture in pixels, upright' }),
  picture: Type.Optional(
    Artifact('image/jpeg', { description: 'The picture with boxes and labels, if draw was asked' }),
  ),
})
type Output = Static<typeof Output>

/** Finds everyday objects in a picture. */
export default defineTool({
  name: 'detect_objects',
  title: 'Find objects in a picture',
  description:
    'Finds and counts everyday objects in a picture (people, animals, vehicles, furniture, food and more: the 80 kinds of COCO) and says where they are. Can draw the boxes. To read text in a picture use ocr.',
  category: 'vision',
  tags: ['image'],
  keywords: [
    '目标检测',
    '物体检测',
    '物体识别',
    '检测',
    '数人数',
    '找东西',
    '画框',
    'object detection',
    'detect',
    'find objects',
    'count',
    'bounding box',
    'people',
    'YOLO',
  ],
  input: Type.Object({
    image,
    labels: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 40 }), {
        description:
          'Only these kinds, in English or Chinese: person, dog, 汽车, animal; absent: all',
        maxItems: 80,
      }),
    ),
    threshold: Type.Optional(
      Type.Number({
        description:
          'Least score of an object; lower finds more and errs more; absent: what suits the model, about 0.35',
        minimum: 0,
        maximum: 1,
      }),
    ),
    draw: Type.Optional(
      Type.Boolean({
        description: 'Also give the picture with boxes and labels drawn',
        default: false,
      }),
    ),
  }),
  output: Output,
  text: output => grammar(output),
  examples: [
    {
      title: 'A person with a dog',
      // There to be fetched, and to stay: the address names a commit. What we find in it is below.
      input: {
        image:
          'https://raw.githubusercontent.com/pjreddie/darknet/f6afaabcdf85f77e7aff2ec55c020c0e297c77f9/data/person.jpg',
        labels: ['person', '狗'],
      },
      output: {
        objects: [
          { label: 'person', score: 0.762, box: [190.2, 103.1, 273.2, 379.5] },
          { label: 'dog', score: 0.525, box: [66.4, 263.1, 197.9, 351.2] },
        ],
        width: 640,
        height: 424,
      },
    },
  ],
  annotations: { openWorld: false },
  cache: { ttlMs: 3_600_000, settings: [modelSetting] },
  runsOn: 'worker',
  module: import.meta.url,
  endsBySignal: true,
  requires(settings) {
    const file = settings[modelSetting]
    if (!file || existsSync(file)) return undefined
    return {
      reason: `the model file ${file} does not exist`,
      remedy: `set ${modelSetting} to a YOLOX or NanoDet .onnx file, or leave it out for the built-in model`,
    }
  },
  aliases: {
    agentlego: {
      name: 'ObjectDetection',
      description: 'The tool can detect all common objects in the picture.',
      input: { ...Type.Object({ image }) },
      text: output => grammar(output as Output),
    },
  },
  async run({ image, labels: words = [], threshold, draw }, context) {
    const wanted = await labelsOf(words)
    const { openPicture, pixelsMaxOf } = await import('./vision/open-picture.ts')
    const { openDetector } = await import('./detect-objects/open-detector.ts')
    const detector = await openDetector(context.setting(modelSetting))
    const bytes = await context.readFile(image)
    const opened = await openPicture(bytes, image.name, {
      pixelsMax: pixelsMaxOf(context.setting),
      within: draw ? undefined : detector.size,
    })
    context.signal.throwIfAborted()
    const found = (await detector.detect(opened.picture, threshold ?? detector.threshold))
      .filter(({ label }) => wanted === undefined || wanted.has(label))
      .slice(0, objectsMax)
    const output = await outputOf(found, opened)
    return draw ? { ...output, picture: await drawn(found, opened, context) } : output
  },
})

/** The classes that a caller's words mean; undefined for all. */
async function labelsOf(words: readonly string[]): Promise<Set<number> | undefined> {
  if (words.length === 0) return undefined
  const { labels, labelsMeant, nearestLabel } = await import('./detect-objects/labels.ts')
  const wanted = words.flatMap(word => {
    const meant = labelsMeant(word)
    if (meant) return meant
    const near = nearestLabel(word)
    const hint = near ? `did you mean "${near}"?` : 'it knows the 80 kinds of COCO'
    throw fail('TG_ARGUMENT_INVALID', 'detect_objects', 'labels', `has no kind "${word}": ${hint}`)
  })
  return new Set(wanted.map(label => labels.indexOf(label)))
}

async function outputOf(found: readonly Found[], opened: OpenPicture): Promise<Output> {
  const { labels } = await import('./detect-objects/labels.ts')
  const { clampBox } = await import('./vision/boxes.ts')
  const { picture, width, height } = opened
  const [scaleX, scaleY] = [width / picture.width, height / picture.height]
  return {
    objects: found.map(({ label, score, box: [x1, y1, x2, y2] }) => ({
      label: labels[label]!,
      score: Math.round(score * 1_000) / 1_000,
      box: clampBox([x1 * scaleX, y1 * scaleY, x2 * scaleX, y2 * scaleY], width, height),
    })),
    width,
    height,
  }
}

async function drawn(
  found: readonly Found[],
  { picture }: OpenPicture,
  { saveFile }: ToolContext,
): Promise<string> {
  const { labels } = await import('./detect-objects/labels.ts')
  const { colourOf, drawBoxes } = await import('./vision/draw-boxes.ts')
  const { jpegOf } = await import('./vision/jpeg.ts')
  const drawings = found.toReversed().map(({ label, score, box }) => ({
    box,
    text: `${labels[label]} ${Math.round(score * 100)}%`,
    colour: colourOf(label),
  }))
  const bytes = await jpegOf(drawBoxes(picture, drawings))
  return saveFile({ bytes, mediaType: 'image/jpeg', name: 'objects.jpg' })
}

/** The grammar of AgentLego's ObjectDetection, which clients parse, so no sentence stands before it. */
function grammar({ objects }: Output): string {
  const line = ({ label, score, box }: Output['objects'][number]): string =>
    `${label} (${box.map(Math.round).join(', ')}), score ${Math.round(score * 100)}`
  return objects.map(line).join('\n') || 'No object found.'
}
