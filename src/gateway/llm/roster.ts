import { fail } from '../../registry/errors.ts'
import { closest } from 'fastest-levenshtein'
import type { ToolError } from '../../registry/errors.ts'
import type { PoolNode } from './node.ts'
import { pickNode, type Want } from './pick.ts'
import { createQueue, type Queue } from './queue.ts'

/** Which nodes there are, what each serves, and who waits for one. */
export type Roster = {
  readonly nodes: readonly PoolNode[]
  readonly queue: Queue
  /** The nodes of a model; all of them where none is named. */
  serving(model: string | undefined): readonly PoolNode[]
  models(): string[]
  /** A place on the best node for a request; undefined when none has room. */
  take: (want: Want) => PoolNode | undefined
  /** Gives the place back: the next in the queue gets it, and a node that was to leave leaves. */
  release(node: PoolNode): void
  put(node: PoolNode): void
  remove(node: PoolNode): void
  /** Something changed: a model came or went, a node is back. */
  refresh(): void
  /** The name under which a model is served, or an error that names the nearest. */
  resolve(model: string, sees?: (model: string) => boolean): string
}

/** Makes the roster of some nodes. */
export function createRoster(given: PoolNode[]): Roster {
  const nodes = [...given]
  const queue = createQueue()
  let byModel = new Map<string, PoolNode[]>()

  const roster: Roster = {
    nodes,
    queue,
    serving: model => (model === undefined ? nodes : (byModel.get(model) ?? [])),
    models: () => [...byModel.keys()].sort(),
    take(want) {
      const node = pickNode(roster.serving(want.model), want)
      if (node) node.inFlight += 1
      return node
    },
    release(node) {
      node.inFlight -= 1
      if (node.state === 'draining' && node.inFlight === 0) roster.remove(node)
      else if (queue.size > 0) queue.serve(roster.take)
    },
    put(node) {
      const old = nodes.findIndex(({ url }) => url === node.url)
      if (old === -1) nodes.push(node)
      else nodes[old] = node
      roster.refresh()
    },
    remove(node) {
      const at = nodes.indexOf(node)
      if (at !== -1) nodes.splice(at, 1)
      roster.refresh()
    },
    refresh() {
      byModel = new Map()
      for (const node of nodes) {
        for (const model of node.models.keys()) {
          byModel.set(model, [...(byModel.get(model) ?? []), node])
        }
      }
      queue.serve(roster.take)
    },
    resolve: (model, sees = () => true) =>
      resolveModel(model, { names: roster.models().filter(sees), nodes }),
  }
  roster.refresh()
  return roster
}

/** Nobody is there to take a request; `retryAfterMs` is when somebody may be. */
export const noNode = (
  model: string | undefined,
  why: string,
  retryAfterMs: number = 5_000,
): ToolError =>
  fail(
    'TG_UPSTREAM_BUSY',
    model === undefined ? 'the model server' : `the model ${model}`,
    why,
    retryAfterMs,
  )

/** To compare a longer name would cost what its sender likes. */
const nameCharactersMax = 200

type Known = { names: readonly string[]; nodes: readonly PoolNode[] }

/** LMDeploy's default model id is a path: its last part is name enough where it is the only one. */
function resolveModel(model: string, { names, nodes }: Known): string {
  if (names.includes(model)) return model
  const short = names.filter(name => name.split('/').at(-1) === model)
  if (short.length === 1) return short[0]!
  if (nodes.length === 0) throw noNode(model, 'the pool has no nodes')
  const near = names.length > 0 ? closest(model.slice(0, nameCharactersMax), names) : undefined
  if (nodes.some(({ modelsKnown }) => !modelsKnown)) {
    const known = near === undefined ? '' : `, and those that have know ${JSON.stringify(near)}`
    throw noNode(model, `a node that may have it has not answered yet${known}`)
  }
  const where = 'GET /v1/models lists them'
  throw fail(
    'TG_NOT_FOUND',
    'model',
    model,
    near ? `did you mean ${JSON.stringify(near)}? ${where}` : where,
  )
}
