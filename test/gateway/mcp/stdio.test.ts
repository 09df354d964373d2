import { Client, InMemoryTransport } from '@modelcontextprotocol/client'
import t from 'tap'
import { serveStdio } from '../../../src/gateway/mcp/stdio.ts'
import { broken, counting, greet, mirror } from '../../fixtures/face-tools.ts'
import { gatewayOf } from '../../fixtures/gateway.ts'

async function connect(t: Tap, modern: boolean, search = false) {
  const gateway = gatewayOf([greet, mirror, broken, counting])
  const [here, there] = InMemoryTransport.createLinkedPair()
  const errors: unknown[] = []
  const server = serveStdio({
    registry: gateway.registry,
    invoke: gateway.invoke,
    openArtifact: id => gateway.openArtifact(id),
    redisMs: 50,
    version: '0.0.0',
    search,
    onError: error => void errors.push(error),
    transport: there,
  })
  const client = new Client(
    { name: 'test', version: '0.0.0' },
    { versionNegotiation: { mode: modern ? { pin: '2026-07-28' } : 'legacy' } },
  )
  await client.connect(here)
  t.teardown(() => server.close())
  return { client, gateway, errors }
}
type Tap = Pick<typeof t, 'teardown'>

for (const modern of [true, false]) {
  t.test(`stdio serves tools, progress and errors, modern: ${modern}`, async t => {
    const { client, errors } = await connect(t, modern)
    t.equal((await client.listTools()).tools.length, 4)
    const seen: number[] = []
    t.match(
      await client.callTool(
        { name: 'counting', arguments: {} },
        { onprogress: ({ progress }) => void seen.push(progress) },
      ),
      { content: [{ text: 'three' }], structuredContent: { said: 'three' } },
    )
    t.same(seen, [1, 2, 3])
    t.match(await client.callTool({ name: 'broken', arguments: { how: 'upstream' } }), {
      isError: true,
    })
    t.match(errors, [{ code: 'TG_UPSTREAM_FAILED' }])
  })
}

t.test('files are read as resources, since nothing is served over HTTP', async t => {
  const { client, gateway } = await connect(t, false)
  const { id } = await gateway.saveFile({
    bytes: Buffer.from('picture'),
    mediaType: 'image/png',
    name: 'a.png',
  })
  const { content } = await client.callTool({ name: 'mirror', arguments: { image: id } })
  t.match(content, [{ type: 'text' }, { type: 'image' }, { type: 'resource_link' }])
  const [, , link] = content as [unknown, unknown, { uri: string }]
  t.match(await client.readResource({ uri: link.uri }), {
    contents: [{ blob: Buffer.from('RIFF').toString('base64') }],
  })
})

t.test('a client hears when the tools change', async t => {
  const { client, gateway } = await connect(t, false)
  const heard = Promise.withResolvers<void>()
  client.setNotificationHandler('notifications/tools/list_changed', () => heard.resolve())
  gateway.registry.put('late', [{ ...greet, name: 'late', source: 'late' }])
  await heard.promise
  t.equal((await client.listTools()).tools.length, 5)
})

t.test('search as a tool takes the place of the list here, too', async t => {
  const { client } = await connect(t, true, true)
  t.same(
    (await client.listTools()).tools.map(({ name }) => name),
    ['call_tool', 'find_tools'],
  )
  const called = await client.callTool({
    name: 'call_tool',
    arguments: { name: 'greet', arguments: { name: 'Ada' } },
  })
  t.match(called.content, [{ text: 'Hello, Ada!' }])
})
