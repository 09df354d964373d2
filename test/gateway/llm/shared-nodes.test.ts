import t from 'tap'
import type { RedisPort } from '../../../src/gateway/policies/redis-port.ts'
import { createGateway } from '../../fixtures/llm/gateway.ts'
import { startStandIn } from '../../fixtures/llm/stand-in.ts'

/** As much of Redis as a list of nodes needs. */
function fakeRedis() {
  const hash = new Map<string, string>()
  const state = { up: true }
  const client = {
    hgetall: async () => Object.fromEntries(hash),
    hset: async (_key: string, name: string, text: string) => void hash.set(name, text),
    hdel: async (_key: string, name: string) => void hash.delete(name),
    expire: async () => 1,
  }
  const port: RedisPort = {
    attempt: async run => (state.up ? run(client as never) : undefined),
  }
  return { port, hash, state }
}

const until = async (done: () => boolean): Promise<void> => {
  while (!done()) await new Promise(resolve => setTimeout(resolve, 5))
}

t.test('a node that one replica was told of is known to the next', async t => {
  const node = await startStandIn()
  const { port, hash, state } = fakeRedis()
  const one = await createGateway({ nodes: [], routes: { redis: port } })
  t.equal((await one.post('/llm/nodes', { url: `${node.url}/v1`, key: 'k' })).status, 201)
  t.same([...hash.keys()], [node.url])
  const two = await createGateway({ nodes: [], routes: { redis: port } })
  await until(() => two.pool.nodes()[0]?.state === 'ready')
  t.match(two.pool.nodes(), [{ url: node.url, models: ['test-model'] }])
  await one.app.inject({ method: 'DELETE', url: `/llm/nodes?url=${encodeURIComponent(node.url)}` })
  t.equal(hash.size, 0)
  const three = await createGateway({ nodes: [node.url], routes: { redis: port } })
  t.equal(three.pool.nodes().length, 1, 'configured nodes stay, whatever the list says')
  state.up = false
  t.equal(
    (await one.post('/llm/nodes', { url: node.url })).status,
    201,
    'and without Redis each has its own',
  )
  hash.set('http://bad.test', '{"odd": true}')
  state.up = true
  const four = await createGateway({ nodes: [], routes: { redis: port } })
  t.same(four.pool.nodes(), [], 'an entry that is no node is left')
  for (const { app } of [one, two, three, four]) await app.close()
  await node.stop()
})
