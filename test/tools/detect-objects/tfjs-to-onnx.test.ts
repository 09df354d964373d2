import t from 'tap'
import { onnxFile } from '../../../src/tools/detect-objects/onnx-file.ts'
import type { TfjsModel, TfjsNode } from '../../../src/tools/detect-objects/tfjs-model.ts'
import { onnxGraph } from '../../../src/tools/detect-objects/tfjs-to-onnx.ts'
import { openModel } from '../../../src/tools/vision/model.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const strides = { list: { i: ['1', '1', '1', '1'] } }
const same = { s: base64('SAME') }
const node = (
  name: string,
  op: string,
  input: string[],
  attr: TfjsNode['attr'] = {},
): TfjsNode => ({
  name,
  op,
  input,
  attr,
})

/** Runs a small graph on a picture of 2 x 2 pixels with two channels. */
async function run(nodes: TfjsNode[], constants: Record<string, [number[], number[]]>) {
  const weights = new Map(
    Object.entries(constants).map(([name, [data, shape]]) => [
      name,
      { data: Float32Array.from(data), shape },
    ]),
  )
  const model: TfjsModel = {
    nodes: [
      node('in', 'Placeholder', []),
      ...Object.keys(constants).map(name => node(name, 'Const', [])),
      ...nodes,
    ],
    weights,
  }
  const shape = [1, 2, 2, 2]
  const graph = onnxGraph(model, { input: { name: 'in', shape }, outputs: ['out'] })
  const opened = await openModel(onnxFile(graph), { keepMemory: false })
  const { out } = await opened.run({ data: Float32Array.from([1, 2, 3, 4, 5, 6, 7, 8]), shape })
  return { data: [...out!.data], shape: [...out!.shape] }
}

t.test('a convolution keeps its weights, its bias and what follows it', async t => {
  const fused = {
    strides,
    padding: same,
    fused_ops: { list: { s: ['BiasAdd', 'Relu'].map(base64) } },
  }
  const { data } = await run([node('out', '_FusedConv2D', ['in', 'kernel', 'bias'], fused)], {
    kernel: [
      [1, -1, 10, -10],
      [1, 1, 2, 2],
    ],
    bias: [[0.5, 0], [2]],
  })
  t.same(data, [51.5, 62.5, 73.5, 84.5, 0, 0, 0, 0])
})

t.test('a depthwise convolution works on each channel by itself', async t => {
  const attr = { strides, padding: same }
  const { data } = await run([node('out', 'DepthwiseConv2dNative', ['in', 'kernel'], attr)], {
    kernel: [
      [2, 3],
      [1, 1, 2, 1],
    ],
  })
  t.same(data, [2, 4, 6, 8, 15, 18, 21, 24])
})

t.test('a padded convolution sees its neighbours', async t => {
  const attr = { strides, padding: same }
  const ones = Array<number>(9 * 2).fill(1)
  const { data } = await run([node('out', 'Conv2D', ['in', 'kernel'], attr)], {
    kernel: [ones, [3, 3, 2, 1]],
  })
  t.same(data, [36, 36, 36, 36])
})

t.test('means, sums, products and activations', async t => {
  const { data, shape } = await run(
    [
      node('mean', 'Mean', ['in', 'axes']),
      node('more', 'Mul', ['mean', 'three']),
      node('capped', 'Relu6', ['more']),
      node('joined', 'ConcatV2', ['capped', 'mean', 'axis']),
      node('sum', 'Add', ['joined', 'three']),
      node('positive', 'Relu', ['sum']),
      node('out', 'Identity', ['positive']),
    ],
    { three: [[3], []], axes: [[1, 2], [2]], axis: [[3], []] },
  )
  t.same(shape, [1, 4, 1, 1])
  t.same(data, [9, 9, 5.5, 9.5])
})

t.test('a picture is enlarged from its corner, as TensorFlow does', async t => {
  const { data, shape } = await run([node('out', 'ResizeBilinear', ['in', 'size'])], {
    size: [[4, 4], [2]],
  })
  t.same(shape, [1, 2, 4, 4])
  t.same(data.slice(0, 8), [1, 1.5, 2, 2, 2, 2.5, 3, 3])
})

t.test('what is not needed for the outputs is left out; what is not known is said', async t => {
  const extra = node('extra', 'TopKV2', ['in'])
  const { data } = await run([extra, node('out', 'Sigmoid', ['in'])], {})
  t.ok(Math.abs(data[0]! - 1 / (1 + Math.exp(-1))) < 1e-6)
  await t.rejects(run([node('out', 'TopKV2', ['in'])], {}), { message: /TopKV2/ })
})
