import type { Attribute, OnnxGraph, OnnxNode, Weights } from './onnx-file.ts'
import type { TfjsModel, TfjsNode, TfjsWeights } from './tfjs-model.ts'

/**
 * Says the part of a TensorFlow.js graph that leads to `outputs` in ONNX, so that it runs on the
 * same runtime as every other model. TensorFlow's pictures are [1, height, width, channels], ONNX's
 * [1, channels, height, width]: weights, axes and sizes are turned accordingly.
 */
export function onnxGraph(
  model: TfjsModel,
  { input, outputs }: { input: { name: string; shape: readonly number[] }; outputs: string[] },
): OnnxGraph {
  const needed = neededFor(model, outputs)
  const weights = new Map<string, Weights>()
  const nodes = model.nodes
    .filter(node => needed.has(node.name))
    .flatMap(node => {
      const convert = converters[node.op]
      if (!convert) throw new Error(`the operation ${node.op} of the model is not known`)
      return convert({ node, inputs: node.input ?? [], model, weights })
    })
  return { nodes, weights, input, outputs }
}

function neededFor({ nodes }: TfjsModel, outputs: readonly string[]): Set<string> {
  const inputsOf = new Map(nodes.map(node => [node.name, node.input ?? []]))
  const needed = new Set<string>()
  const open = [...outputs]
  while (open.length) {
    const name = open.pop()!
    if (needed.has(name)) continue
    needed.add(name)
    open.push(...(inputsOf.get(name) ?? []))
  }
  return needed
}

type Conversion = {
  node: TfjsNode
  inputs: readonly string[]
  model: TfjsModel
  /** Where converted weights go. */
  weights: Map<string, Weights>
}
type Converter = (conversion: Conversion) => OnnxNode[]

const same =
  (type: string): Converter =>
  ({ node, inputs }) => [{ type, inputs, output: node.name }]

const converters: Readonly<Record<string, Converter>> = {
  Placeholder: () => [],
  Const({ node, model, weights }) {
    const { data, shape } = weightsOf(model, node.name)
    // Only scalars stand by themselves; the rest is turned where it is used.
    if (data instanceof Float32Array && shape.length === 0) weights.set(node.name, { data, shape })
    return []
  },
  Add: same('Add'),
  Mul: same('Mul'),
  Relu: same('Relu'),
  Sigmoid: same('Sigmoid'),
  Identity: same('Identity'),
  Relu6: ({ node, inputs, weights }) => {
    weights.set('zero', { data: new Float32Array([0]), shape: [] })
    weights.set('six', { data: new Float32Array([6]), shape: [] })
    return [{ type: 'Clip', inputs: [inputs[0]!, 'zero', 'six'], output: node.name }]
  },
  Mean: ({ node, inputs }) => [
    {
      type: 'ReduceMean',
      inputs: [inputs[0]!],
      output: node.name,
      attributes: { axes: { ints: [2, 3] }, keepdims: { int: 1 } },
    },
  ],
  ConcatV2: ({ node, inputs }) => [
    {
      type: 'Concat',
      inputs: inputs.slice(0, -1),
      output: node.name,
      attributes: { axis: { int: 1 } },
    },
  ],
  ResizeBilinear({ node, inputs, model, weights }) {
    const size = `${node.name}/size`
    const [height = 0, width = 0] = weightsOf(model, inputs[1]!).data
    const shape = `${node.name}/shape`
    const channels = `${node.name}/channels`
    weights.set(size, { data: BigInt64Array.of(BigInt(height), BigInt(width)), shape: [2] })
    weights.set('nought', { data: BigInt64Array.of(0n), shape: [1] })
    weights.set('two', { data: BigInt64Array.of(2n), shape: [1] })
    return [
      { type: 'Shape', inputs: [inputs[0]!], output: `${shape}/in` },
      { type: 'Slice', inputs: [`${shape}/in`, 'nought', 'two'], output: channels },
      { type: 'Concat', inputs: [channels, size], output: shape, attributes: { axis: { int: 0 } } },
      {
        type: 'Resize',
        inputs: [inputs[0]!, '', '', shape],
        output: node.name,
        attributes: {
          mode: { text: 'linear' },
          coordinate_transformation_mode: { text: 'asymmetric' },
        },
      },
    ]
  },
  Conv2D: convolution,
  _FusedConv2D: convolution,
  DepthwiseConv2dNative: convolution,
  FusedDepthwiseConv2dNative: convolution,
}

/** A convolution, what is added to it and what is done with the sum are one node in TensorFlow. */
function convolution({ node, inputs, model, weights }: Conversion): OnnxNode[] {
  const [data, kernelName, biasName] = inputs as [string, string, string?]
  const isDepthwise = node.op.includes('Depthwise')
  const kernel = weightsOf(model, kernelName)
  const turned = isDepthwise ? depthwiseKernel(kernel) : fullKernel(kernel)
  weights.set(kernelName, turned)
  if (biasName !== undefined) weights.set(biasName, floats(weightsOf(model, biasName)))
  const fused = node.attr?.['fused_ops']?.list?.s?.map(fromBase64) ?? []
  const isActivated = fused.includes('Relu')
  const result = isActivated ? `${node.name}/sum` : node.name
  const conv: OnnxNode = {
    type: 'Conv',
    inputs: [data, kernelName, ...(biasName === undefined ? [] : [biasName])],
    output: result,
    attributes: convolutionAttributes(node, isDepthwise ? turned.shape[0]! : 1),
  }
  return isActivated ? [conv, { type: 'Relu', inputs: [result], output: node.name }] : [conv]
}

function convolutionAttributes(node: TfjsNode, group: number): Record<string, Attribute> {
  const inner = (name: string): number[] =>
    (node.attr?.[name]?.list?.i ?? ['1', '1', '1', '1']).slice(1, 3).map(Number)
  const padding = fromBase64(node.attr?.['padding']?.s ?? '')
  return {
    strides: { ints: inner('strides') },
    dilations: { ints: inner('dilations') },
    group: { int: group },
    auto_pad: { text: padding === 'SAME' ? 'SAME_UPPER' : 'VALID' },
  }
}

/** [height, width, in, out] to [out, in, height, width]. */
function fullKernel({ data, shape }: TfjsWeights): Weights {
  const [height = 1, width = 1, ins = 1, outs = 1] = shape
  return arranged(
    [outs, ins, height, width],
    (o, i, y, x) => data[((y * width + x) * ins + i) * outs + o]!,
  )
}

/** [height, width, in, times] to [in * times, 1, height, width]. */
function depthwiseKernel({ data, shape }: TfjsWeights): Weights {
  const [height = 1, width = 1, ins = 1, times = 1] = shape
  return arranged(
    [ins * times, 1, height, width],
    (o, _, y, x) => data[(y * width + x) * ins * times + o]!,
  )
}

function arranged(
  shape: [number, number, number, number],
  valueAt: (a: number, b: number, c: number, d: number) => number,
): Weights {
  const data = new Float32Array(shape.reduce((product, size) => product * size, 1))
  let at = 0
  for (let a = 0; a < shape[0]; a++)
    for (let b = 0; b < shape[1]; b++)
      for (let c = 0; c < shape[2]; c++)
        for (let d = 0; d < shape[3]; d++) data[at++] = valueAt(a, b, c, d)
  return { data, shape }
}

function weightsOf(model: TfjsModel, name: string): TfjsWeights {
  const weights = model.weights.get(name)
  if (!weights) throw new Error(`the model has no weights ${name}`)
  return weights
}

const floats = ({ data, shape }: TfjsWeights): Weights => ({ data: Float32Array.from(data), shape })
const fromBase64 = (text: string): string => Buffer.from(text, 'base64').toString()
