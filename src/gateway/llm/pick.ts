import type { PoolNode } from './node.ts'

/** What a request wants of a node. */
export type Want = {
  /** As the client names it; undefined = any node will do. */
  model: string | undefined
  /** Requests of one conversation share it, so that they find their KV cache again. */
  affinity: number | undefined
  /** Nodes that refused this very request. */
  refused: ReadonlySet<PoolNode>
  /** Nodes that failed under it: taken again only when there is no other. */
  tried: ReadonlySet<PoolNode>
}

/** How far the node with the cache may be ahead of the least loaded one. */
const affinitySlack = 4

const mix = (seed: number, key: number): number => {
  let hash = Math.imul(seed ^ key, 0x9e3779b1)
  hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b)
  return (hash ^ (hash >>> 13)) >>> 0
}

const load = (node: PoolNode): number => (node.inFlight + 1) / node.weight

/** True for a node that could take the request now or once it has room. */
export const fits = (node: PoolNode, want: Want): boolean =>
  node.state === 'ready' && !want.refused.has(node)

/**
 * The node for a request: that of its conversation (rendezvous hashing: a node that leaves moves
 * only its own conversations) unless it is far busier than the least loaded one.
 */
export function pickNode(nodes: readonly PoolNode[], want: Want): PoolNode | undefined {
  let least: PoolNode | undefined
  let home: PoolNode | undefined
  let homeScore = -1
  let leastLoad = Infinity
  const fresh = want.refused.size === 0 && want.tried.size === 0
  for (const node of nodes) {
    if (node.state !== 'ready' || node.inFlight >= node.concurrency) continue
    if (!fresh && (want.refused.has(node) || want.tried.has(node))) continue
    const nodeLoad = load(node)
    if (nodeLoad < leastLoad) {
      least = node
      leastLoad = nodeLoad
    }
    if (want.affinity === undefined) continue
    const score = mix(node.seed, want.affinity) * Math.min(node.weight, 1)
    if (score > homeScore) {
      homeScore = score
      home = node
    }
  }
  if (!least && want.tried.size > 0) return pickNode(nodes, { ...want, tried: new Set() })
  if (!least || !home) return least
  return load(home) <= leastLoad + affinitySlack / home.weight ? home : least
}
