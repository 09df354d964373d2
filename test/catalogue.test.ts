import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { Compile } from 'typebox/schema'
import { isToolError } from '../src/registry/errors.ts'
import { parseArguments } from '../src/registry/parse.ts'
import { dialects } from '../src/registry/views/dialects.ts'
import { fileInputsOf, type JsonObject, propertiesOf, type Tool } from '../src/registry/tool.ts'
import { tools } from '../src/tools/index.ts'
import { exampleUpstreams } from './fixtures/upstreams/examples.ts'
import { testApp } from './fixtures/app.ts'
import { standIn } from './fixtures/stand-in.ts'
import './fixtures/seeded.ts'

/** Every built-in tool, held to the same promises by one loop over the list. */
t.test('every tool keeps the promises of its record', async t => {
  const upstream = await standIn(t, ...exampleUpstreams)
  const env = Object.fromEntries(
    [
      'OPEN_METEO_FORECAST_URL',
      'OPEN_METEO_ARCHIVE_URL',
      'OPEN_METEO_GEOCODING_URL',
      'ARXIV_URL',
    ].map(name => [name, upstream.url]),
  )
  const { app } = await testApp(t, { tools, env })
  const call = (name: string, payload: object, headers: Record<string, string> = {}) =>
    app.inject({ method: 'POST', url: `/tools/${name}`, payload, headers })

  for (const tool of tools)
    t.test(tool.name, async t => {
      const check = Compile(tool.output)
      for (const example of tool.examples) {
        const input = withPicture(tool, example.input)
        const answer = await call(tool.name, input)
        t.equal(
          answer.statusCode,
          200,
          `the example ${JSON.stringify(example.input)} works: ${answer.body.slice(0, 300)}`,
        )
        t.same(check.Errors(answer.json())[1], [], 'its output fits the schema')
        if (!tool.cache) continue
        const again = await call(tool.name, input)
        t.match(again.headers['cache-status'], 'hit', 'the answer was stored')
        t.equal(again.body, answer.body, 'a stored answer equals a fresh one')
        const text = await call(tool.name, input, { accept: 'text/plain' })
        t.ok(text.body.length > 0, 'there is a text for the model')
      }
      for (const name of Object.keys(dialects))
        t.match(
          JSON.stringify((await app.inject(`/registry/${name}`)).json()),
          nameIn(tool.name, name),
        )
    })
})

/** The pictures of examples are not on this machine; one of ours stands in for them. */
const picture = readFileSync(new URL('./fixtures/media/stop-sign.png', import.meta.url))
const withPicture = (tool: Tool, input: JsonObject): JsonObject => ({
  ...input,
  ...Object.fromEntries(
    fileInputsOf(tool).map(({ name }) => [
      name,
      `data:image/png;base64,${picture.toString('base64')}`,
    ]),
  ),
})

/** Old clients know some tools by older names. */
function nameIn(name: string, dialect: string): string {
  const tool = tools.find(candidate => candidate.name === name)
  const alias = dialect === 'agentlego' || dialect === 'lagent' ? tool?.aliases[dialect] : undefined
  const full = typeof alias === 'string' ? alias : (alias?.name ?? name)
  return full.split('.').at(-1) ?? name
}

t.test('random arguments are read or refused by name, never a crash', async t => {
  for (const tool of tools) {
    const names = [...Object.keys(propertiesOf(tool.input)), 'unknown']
    const args = fc.dictionary(fc.constantFrom(...names), fc.jsonValue())
    const property = fc.property(args, given => {
      try {
        parseArguments(tool, given)
      } catch (error) {
        if (!isToolError(error) || error.status >= 500) throw error
      }
    })
    // A failure prints its seed.
    t.doesNotThrow(() => fc.assert(property, { numRuns: 200 }), tool.name)
  }
})

t.test('random JSON over HTTP never gives a 5xx', async t => {
  const { app } = await testApp(t, { tools })
  const bodies = fc.oneof(
    fc.jsonValue(),
    fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 4 }),
    fc.constant({ expression: '9**9**9**9' }),
  )
  for (const { name } of tools) {
    const property = fc.asyncProperty(bodies, async body => {
      const headers = { 'content-type': 'application/json' }
      const request = {
        method: 'POST' as const,
        url: `/tools/${name}`,
        headers,
        payload: JSON.stringify(body),
      }
      const { statusCode } = await app.inject(request)
      return statusCode < 500
    })
    await fc.assert(property, { numRuns: 30 })
    t.pass(name)
  }
})
