/** What an ONNX node may be told: numbers, a word, or a list of integers. */
export type Attribute = { float: number } | { int: number } | { text: string } | { ints: number[] }
/** One operation of a network. */
export type OnnxNode = {
  readonly type: string
  readonly inputs: readonly string[]
  readonly output: string
  readonly attributes?: Readonly<Record<string, Attribute>>
}
/** Numbers the network was trained to. */
export type Weights = {
  readonly data: Float32Array | BigInt64Array
  readonly shape: readonly number[]
}
/** A network as ONNX describes one. */
export type OnnxGraph = {
  readonly nodes: readonly OnnxNode[]
  readonly weights: ReadonlyMap<string, Weights>
  readonly input: { readonly name: string; readonly shape: readonly number[] }
  readonly outputs: readonly string[]
}

const versions = { format: 8, operators: 13 } as const
const elementType = { float32: 1, int64: 7 } as const
const attributeType = { float: 1, int: 2, text: 3, ints: 7 } as const

/** Writes a network as the bytes of an .onnx file. */
export function onnxFile({ nodes, weights, input, outputs }: OnnxGraph): Uint8Array {
  const graph = [
    ...nodes.map(node => message(1, nodeFields(node))),
    text(2, 'graph'),
    ...[...weights].map(([name, value]) => message(5, weightFields(name, value))),
    message(11, valueFields(input.name, input.shape)),
    ...outputs.map(name => message(12, valueFields(name))),
  ]
  return Buffer.concat([
    integer(1, versions.format),
    message(7, graph),
    message(8, [text(1, ''), integer(2, versions.operators)]),
  ])
}

const nodeFields = ({ type, inputs, output, attributes = {} }: OnnxNode): Buffer[] => [
  ...inputs.map(name => text(1, name)),
  text(2, output),
  text(4, type),
  ...Object.entries(attributes).map(([name, value]) => message(5, attributeFields(name, value))),
]

function attributeFields(name: string, attribute: Attribute): Buffer[] {
  if ('float' in attribute)
    return [text(1, name), float(2, attribute.float), integer(20, attributeType.float)]
  if ('int' in attribute)
    return [text(1, name), integer(3, attribute.int), integer(20, attributeType.int)]
  if ('text' in attribute)
    return [text(1, name), text(4, attribute.text), integer(20, attributeType.text)]
  const values = attribute.ints.map(value => integer(8, value))
  return [text(1, name), ...values, integer(20, attributeType.ints)]
}

const weightFields = (name: string, { data, shape }: Weights): Buffer[] => [
  ...shape.map(size => integer(1, size)),
  integer(2, data instanceof Float32Array ? elementType.float32 : elementType.int64),
  text(8, name),
  bytes(9, Buffer.from(data.buffer, data.byteOffset, data.byteLength)),
]

function valueFields(name: string, shape?: readonly number[]): Buffer[] {
  const dimensions = shape?.map(size => message(1, [integer(1, size)]))
  const tensor = [integer(1, elementType.float32), ...(dimensions ? [message(2, dimensions)] : [])]
  return [text(1, name), message(2, [message(1, tensor)])]
}

/** Protocol buffers: a field is its number and kind, then its value. */
const message = (field: number, parts: readonly Buffer[]): Buffer =>
  bytes(field, Buffer.concat(parts))
const text = (field: number, value: string): Buffer => bytes(field, Buffer.from(value))
const bytes = (field: number, value: Buffer): Buffer =>
  Buffer.concat([varint((field << 3) | 2), varint(value.length), value])
const integer = (field: number, value: number): Buffer =>
  Buffer.concat([varint(field << 3), varint(value)])
function float(field: number, value: number): Buffer {
  const number = Buffer.alloc(4)
  number.writeFloatLE(value)
  return Buffer.concat([varint((field << 3) | 5), number])
}

/** Seven bits a byte, the lowest first; none of what is written here is negative. */
function varint(value: number): Buffer {
  const digits: number[] = []
  let rest = value
  while (rest > 127) {
    digits.push((rest % 128) | 128)
    rest = Math.floor(rest / 128)
  }
  return Buffer.from([...digits, rest])
}
