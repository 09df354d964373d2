// F1 at IoU 0.5 of `detect_objects` on what we marked by eye, and its time beside Python's
// onnxruntime on the same YOLOX model with as many threads.
// `TOOLGATE_BENCH_PYTHON=<python with onnxruntime, opencv> node bench/detect.ts [--write]`
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import detectObjects from '../src/tools/detect-objects.ts'
import { iou, type Box } from '../src/tools/vision/boxes.ts'
import { inferenceThreads } from '../src/tools/vision/model.ts'
import { toolContext, type ToolContextFixture } from '../test/fixtures/tool-context.ts'
import { truth, type Marked } from './detect-truth.ts'
import { startPython } from './python.ts'
import { report, type Figure } from './report.ts'

const shared = fileURLToPath(new URL('../../shared/', import.meta.url))
const rounds = process.argv.includes('--smoke') ? 1 : 15
const files = Object.keys(truth)
const yolox = `${shared}models/yolox_nano.onnx`
const engines = {
  'built in (CenterNet)': undefined,
  'YOLOX-nano': yolox,
  'NanoDet-m 416': `${shared}models/nanodet_m_416.onnx`,
}

const figures: Figure[] = []
for (const [name, model] of Object.entries(engines)) figures.push(await quality(name, model))
await report('detect', [...figures, await time()])

function contextFor(model: string | undefined): ToolContextFixture {
  return toolContext(model ? { TOOLGATE_DETECT_MODEL: model } : {})
}

async function quality(name: string, model: string | undefined): Promise<Figure> {
  const context = contextFor(model)
  let [right, found, marked] = [0, 0, 0]
  const times: number[] = []
  for (const file of files) {
    const image = context.addFile(await readFile(`${shared}media/detect/${file}`), file)
    await detectObjects.run({ image }, context)
    const start = performance.now()
    const { objects } = await detectObjects.run({ image }, context)
    times.push(performance.now() - start)
    const boxes = objects as Detected[]
    right += matches(truth[file]!, boxes)
    found += boxes.length
    marked += truth[file]!.length
  }
  const [precision, recall] = [right / found, right / marked]
  return {
    what: `F1 at IoU 0.5 over ${files.length} pictures, ${marked} objects: ${name}`,
    seen: ((2 * right) / (found + marked)).toFixed(3),
    goal: 'stated',
    note: `precision ${precision.toFixed(2)}, recall ${recall.toFixed(2)}, median ${median(times).toFixed(0)} ms a picture`,
  }
}

type Detected = { label: string; box: Box }

/** Detections, the surest first, each taking the marked object that it covers best. */
function matches(marked: readonly Marked[], detected: readonly Detected[]): number {
  const open = new Set(marked)
  for (const { label, box } of detected) {
    const [best] = [...open]
      .filter(([name, at]) => name === label && iou([...at], box) >= 0.5)
      .toSorted((a, b) => iou([...b[1]], box) - iou([...a[1]], box))
    if (best) open.delete(best)
  }
  return marked.length - open.size
}

async function time(): Promise<Figure> {
  const path = (file: string): string => `${shared}media/detect/${file}`
  const baseline = await startPython('detect', [yolox, inferenceThreads], path(files[0]!))
  const context = contextFor(yolox)
  let [ours, theirs] = [0, 0]
  for (const file of files) {
    const image = context.addFile(await readFile(path(file)), file)
    const [mine, python]: [number[], number[]] = [[], []]
    for (let round = 0; round < rounds; round++) {
      const start = performance.now()
      await detectObjects.run({ image }, context)
      mine.push(performance.now() - start)
      if (baseline) python.push((await baseline.ask(path(file))).ms)
    }
    ours += Math.min(...mine)
    theirs += baseline ? Math.min(...python) : 0
  }
  baseline?.end()
  return {
    what: 'time for all pictures with YOLOX-nano, against Python onnxruntime',
    seen: baseline ? `${(ours / theirs).toFixed(2)} ×` : 'not measured',
    goal: '≤ 1.1 ×',
    note: `${ours.toFixed(0)} ms${baseline ? ` and ${theirs.toFixed(0)} ms` : ''}, best of ${rounds}`,
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!
}
