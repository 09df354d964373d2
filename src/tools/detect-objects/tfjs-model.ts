import { readFile } from 'node:fs/promises'
import path from 'node:path'
import Type, { type Static } from 'typebox'
import { Value } from 'typebox/value'

const Attribute = Type.Object({
  s: Type.Optional(Type.String()),
  b: Type.Optional(Type.Boolean()),
  list: Type.Optional(
    Type.Object({
      i: Type.Optional(Type.Array(Type.String())),
      s: Type.Optional(Type.Array(Type.String())),
    }),
  ),
})
const Node = Type.Object({
  name: Type.String(),
  op: Type.String(),
  input: Type.Optional(Type.Array(Type.String())),
  attr: Type.Optional(Type.Record(Type.String(), Attribute)),
})
const Manifest = Type.Object({
  modelTopology: Type.Object({ node: Type.Array(Node) }),
  weightsManifest: Type.Array(
    Type.Object({
      paths: Type.Array(Type.String()),
      weights: Type.Array(
        Type.Object({
          name: Type.String(),
          shape: Type.Array(Type.Integer()),
          dtype: Type.Union([Type.Literal('float32'), Type.Literal('int32')]),
          quantization: Type.Optional(Type.Object({ dtype: Type.Literal('float16') })),
        }),
      ),
    }),
  ),
})

/** One operation of a TensorFlow.js graph. */
export type TfjsNode = Static<typeof Node>
/** A tensor of constants. */
export type TfjsWeights = { readonly data: Float32Array | Int32Array; readonly shape: number[] }
/** A TensorFlow.js graph model in memory. */
export type TfjsModel = {
  readonly nodes: readonly TfjsNode[]
  readonly weights: ReadonlyMap<string, TfjsWeights>
}

/** Reads a graph model: its JSON, and the files of weights beside it. */
export async function readTfjsModel(file: string): Promise<TfjsModel> {
  const manifest = Value.Parse(Manifest, JSON.parse(await readFile(file, 'utf8')))
  const weights = new Map<string, TfjsWeights>()
  for (const group of manifest.weightsManifest) {
    const parts = group.paths.map(part => readFile(path.join(path.dirname(file), part)))
    const bytes = Buffer.concat(await Promise.all(parts))
    let at = 0
    for (const { name, shape, dtype, quantization } of group.weights) {
      const type = quantization?.dtype ?? dtype
      const size = shape.reduce((product, dimension) => product * dimension, 1)
      const end = at + size * (type === 'float16' ? 2 : 4)
      weights.set(name, { data: numbers(bytes.subarray(at, end), type), shape })
      at = end
    }
  }
  return { nodes: manifest.modelTopology.node, weights }
}

/** Copied, because weights need not begin where a typed array may. */
function numbers(
  bytes: Uint8Array,
  type: 'float32' | 'int32' | 'float16',
): Float32Array | Int32Array {
  const { buffer } = new Uint8Array(bytes)
  if (type === 'int32') return new Int32Array(buffer)
  return type === 'float32' ? new Float32Array(buffer) : Float32Array.from(new Float16Array(buffer))
}
