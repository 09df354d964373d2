import type { InferenceSession, Tensor } from 'onnxruntime-node'

/** Threads one inference may use; the gateway runs several workers, so it stays small. */
export const inferenceThreads = 2

/** Numbers with a shape: what goes into a network and what comes out. */
export type Numbers = { readonly data: Float32Array; readonly shape: readonly number[] }

/** A loaded network. */
export type Model = {
  readonly inputs: readonly Signature[]
  readonly outputs: readonly Signature[]
  /** Runs it on its one input; outputs by name. */
  run(input: Numbers): Promise<Record<string, Numbers>>
}
/** An input or output of a network; a dimension that varies is null. */
export type Signature = { readonly name: string; readonly shape: readonly (number | null)[] }

/**
 * Loads an ONNX model from a file or from its bytes. `keepMemory` keeps what one run needed for the
 * next: faster for many small runs, wasteful for a few large ones.
 */
export async function openModel(
  source: string | Uint8Array,
  { keepMemory }: { keepMemory: boolean },
): Promise<Model> {
  const { InferenceSession, Tensor } = await import('onnxruntime-node')
  const options: InferenceSession.SessionOptions = {
    intraOpNumThreads: inferenceThreads,
    interOpNumThreads: 1,
    enableCpuMemArena: keepMemory,
    enableMemPattern: false,
    // Threads that spin while they wait take the processor from the rest of the gateway.
    extra: { session: { intra_op: { allow_spinning: '0' } } },
    logSeverityLevel: 3,
  }
  const session =
    typeof source === 'string'
      ? await InferenceSession.create(source, options)
      : await InferenceSession.create(source, options)
  const inputName = session.inputNames[0]!
  return {
    inputs: session.inputMetadata.map(signature),
    outputs: session.outputMetadata.map(signature),
    async run({ data, shape }) {
      const outputs = await session.run({ [inputName]: new Tensor('float32', data, shape) })
      return Object.fromEntries(
        Object.entries(outputs).map(([name, tensor]) => [name, numbers(tensor as Tensor)]),
      )
    },
  }
}

const signature = (value: InferenceSession.ValueMetadata): Signature => ({
  name: value.name,
  shape: value.isTensor
    ? value.shape.map(dimension => (typeof dimension === 'number' ? dimension : null))
    : [],
})

function numbers({ data, dims }: Tensor): Numbers {
  if (!(data instanceof Float32Array)) throw new TypeError('the model gives no float32 numbers')
  return { data, shape: dims }
}
