import t from 'tap'
import { affinityOf } from '../../../src/gateway/llm/affinity.ts'
import { createNode, type NodeSpec, type PoolNode } from '../../../src/gateway/llm/node.ts'
import { pickNode, type Want } from '../../../src/gateway/llm/pick.ts'

const nodeOf = (name: string, more: Partial<NodeSpec> = {}): PoolNode => {
  const node = createNode({ url: `http://${name}.test`, ...more }, { concurrency: 64 })
  node.state = 'ready'
  return node
}
const nobody: ReadonlySet<PoolNode> = new Set()
const want = (more: Partial<Want> = {}): Want => ({
  model: 'm',
  affinity: undefined,
  refused: nobody,
  tried: nobody,
  ...more,
})

/** Who gets so many requests that all stay under way. */
function spread(nodes: PoolNode[], count: number, wants: (index: number) => Want): number[] {
  for (let index = 0; index < count; index += 1) {
    const node = pickNode(nodes, wants(index))
    if (node) node.inFlight += 1
  }
  return nodes.map(({ inFlight }) => inFlight)
}

t.test('the least busy node is taken, for its weight', t => {
  t.same(
    spread([nodeOf('a'), nodeOf('b'), nodeOf('c')], 30, () => want()),
    [10, 10, 10],
  )
  t.same(
    spread([nodeOf('a'), nodeOf('b', { weight: 2 })], 30, () => want()),
    [10, 20],
  )
  t.end()
})

t.test('a node takes as much as it may, and no more', t => {
  const nodes = [nodeOf('a', { concurrency: 2 }), nodeOf('b', { concurrency: 3 })]
  t.same(
    spread(nodes, 20, () => want()),
    [2, 3],
  )
  t.equal(pickNode(nodes, want()), undefined)
  t.end()
})

t.test('a conversation stays on its node until that is far busier', t => {
  const nodes = [nodeOf('a'), nodeOf('b'), nodeOf('c')]
  for (const affinity of [1, 77, 4_000_000_000]) {
    const home = pickNode(nodes, want({ affinity }))!
    home.inFlight = 4
    t.equal(pickNode(nodes, want({ affinity })), home, 'somewhat busier')
    home.inFlight = 40
    t.not(pickNode(nodes, want({ affinity })), home, 'far busier')
    home.inFlight = 0
    const others = nodes.filter(one => one !== home)
    const next = pickNode(others, want({ affinity }))!
    t.equal(pickNode([...nodes], want({ affinity })), home)
    home.state = 'ejected'
    t.equal(pickNode(nodes, want({ affinity })), next, 'moves when its node is away')
    home.state = 'ready'
  }
  t.end()
})

t.test('conversations are spread, and a node that leaves moves its own alone', t => {
  const nodes = Array.from({ length: 5 }, (_, index) => nodeOf(`n${index}`))
  const homes = Array.from({ length: 1_000 }, (_, affinity) => pickNode(nodes, want({ affinity })))
  for (const node of nodes) {
    const share = homes.filter(one => one === node).length
    t.ok(share > 120 && share < 280, `${share} of 1,000`)
  }
  const [gone, ...left] = nodes
  for (const [affinity, home] of homes.entries())
    if (home !== gone && pickNode(left, want({ affinity })) !== home) t.fail(`${affinity} moved`)
  t.end()
})

t.test('one that refused is left out, one that failed is the last resort', t => {
  const [a, b] = [nodeOf('a'), nodeOf('b')]
  t.equal(pickNode([a, b], want({ refused: new Set([a]) })), b)
  t.equal(pickNode([a], want({ refused: new Set([a]) })), undefined)
  t.equal(pickNode([a, b], want({ tried: new Set([a]) })), b)
  t.equal(pickNode([a], want({ tried: new Set([a]) })), a)
  t.end()
})

t.test('a conversation is known by its session, else by how it begins', t => {
  const first = [
    { role: 'system', content: 'You are kind.' },
    { role: 'user', content: 'Hello' },
  ]
  const later = [...first, { role: 'assistant', content: 'Hi' }, { role: 'user', content: 'More' }]
  t.equal(affinityOf({ messages: first }), affinityOf({ messages: later }))
  t.not(affinityOf({ messages: first }), affinityOf({ messages: later.slice(2) }))
  t.equal(affinityOf({ session_id: 7, messages: first }), affinityOf({ session_id: 7 }))
  t.equal(affinityOf({ session_id: -1 }), undefined, "LMDeploy's own default is no session")
  t.equal(affinityOf({ prompt: 'x'.repeat(300) }), affinityOf({ prompt: 'x'.repeat(400) }))
  t.end()
})
