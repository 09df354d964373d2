import t from 'tap'
import { testApp } from '../../fixtures/app.ts'
import { mcpClient } from '../../fixtures/mcp-client.ts'
import { otherServer } from '../../fixtures/sources/server.ts'
import { until } from '../../fixtures/until.ts'

const object = (properties: object) => ({ type: 'object', properties })
const document = {
  openapi: '3.1.0',
  info: { title: 'Pets', version: '1.0.0' },
  paths: {
    '/pets/{id}': {
      get: {
        operationId: 'getPet',
        summary: 'One pet by its number.',
        parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'integer' } }],
        responses: {
          200: {
            content: { 'application/json': { schema: object({ name: { type: 'string' } }) } },
          },
        },
      },
    },
  },
}

t.test('an imported tool is on every face, cached, counted and limited like our own', async t => {
  const server = await otherServer(t, ({ url }) =>
    url === '/openapi.json'
      ? { body: document }
      : { body: { name: url.endsWith('/2') ? 2 : 'Tom' } },
  )
  const source = { name: 'pets', kind: 'openapi', url: server.url, cache: { ttlMs: 60_000 } }
  const { app } = await testApp(t, { file: { sources: [source] } })
  await app.ready()
  const get = async (url: string): Promise<string> => (await app.inject({ url })).body
  await until('its tool is listed', async () => (await get('/registry')).includes('pets_get_pet'))

  const post = (url: string, payload: object) => app.inject({ method: 'POST', url, payload })
  const first = await post('/tools/pets_get_pet', { id: '1' })
  t.same(first.json(), { name: 'Tom' })
  const second = await post('/tools/pets_get_pet', { id: 1 })
  t.match(second.headers['cache-status'], /hit/)
  t.equal(server.got.filter(({ url }) => url === '/pets/1').length, 1)

  const refused = await post('/tools/pets_get_pet', { pet: 1 })
  t.match(refused.json(), { error: { code: 'TG_ARGUMENT_UNKNOWN', details: { nearest: 'id' } } })
  const odd = await post('/tools/pets_get_pet', { id: 2 })
  t.same([odd.statusCode, odd.json()], [200, { name: 2 }], 'a misfit is let through')

  t.match(JSON.parse(await get('/openapi.json')), {
    paths: { '/tools/pets_get_pet': { post: { summary: 'One pet by its number.' } } },
  })
  const openai = JSON.parse(await get('/registry/openai?tools=pets_*')) as unknown
  t.match(openai, [{ function: { name: 'pets_get_pet', parameters: { required: ['id'] } } }])
  t.match(JSON.parse(await get('/registry?source=pets')), {
    total: 1,
    tools: [{ name: 'pets_get_pet', source: 'pets', available: true }],
  })
  for (const modern of [true, false]) {
    // The official client checks what comes against the schema that was listed.
    const client = await mcpClient(app, { modern })
    const listed = (await client.listTools()).tools.find(({ name }) => name === 'pets_get_pet')
    t.match(listed?.outputSchema, { anyOf: [{ properties: { name: { type: 'string' } } }, {}] })
    for (const [id, name] of [
      [1, 'Tom'],
      [2, 2],
    ])
      t.match(await client.callTool({ name: 'pets_get_pet', arguments: { id } }), {
        structuredContent: { name },
      })
  }
  const metrics = await get('/metrics')
  t.match(metrics, /toolgate_calls_total\{tool="pets_get_pet"/)
  t.match(metrics, /toolgate_output_misfits_total\{tool="pets_get_pet"\} [1-9]/)
})
