import { Readable } from 'node:stream'
import t from 'tap'
import Type from 'typebox'
import { createRegistryTools } from '../../../src/gateway/llm/registry-tools.ts'
import { type Call, createInvoke, resultOf } from '../../../src/registry/call.ts'
import { createRegistry } from '../../../src/registry/registry.ts'
import { Artifact, defineTool } from '../../../src/registry/tool.ts'

const base = { title: 'T', description: 'Does something that a test needs done.', category: 'test' }
const tools = [
  defineTool({
    ...base,
    name: 'maps_find',
    tags: ['maps'],
    input: Type.Object({ place: Type.String({ description: 'A place' }) }),
    output: Type.Object({ found: Type.String() }),
    text: ({ found }) => `found ${found}`,
    run: async ({ place }) => ({ found: place }),
  }),
  defineTool({
    ...base,
    name: 'draw',
    input: Type.Object({}),
    output: Type.Object({ picture: Artifact('image/png') }),
    run: async () => ({ picture: 'a.png' }),
  }),
]
const registry = createRegistry(tools, { lint: () => [] })
const call: Call = async (tool, input, context) => {
  t.equal(context.face, 'llm')
  return resultOf(await tool.run(input, {} as never))
}
const invoke = createInvoke({
  registry,
  call,
  resolveFile: () => Promise.reject(new Error('no files')),
})
const loop = createRegistryTools({
  registry,
  invoke,
  fileUrl: id => `http://gateway.test/files/${id}`,
  openArtifact: async () => ({
    stream: Readable.from([Buffer.from('png')]),
    mediaType: 'image/png',
  }),
  redisMs: 50,
})
const context = { signal: new AbortController().signal, requestId: 'r', deadlineMs: 1_000 }

t.test('globs and tags choose the tools', t => {
  const names = (patterns: string[]): string[] => loop.list(patterns).map(({ name }) => name)
  t.same(names(['*']).toSorted(), ['draw', 'maps_find'])
  t.same(names(['maps_*']), ['maps_find'])
  t.same(names(['tag:maps', 'nothing']), ['maps_find'])
  t.same(names([]), [])
  t.match(loop.list(['maps_find']), [
    { input: { type: 'object', properties: { place: { type: 'string' } } } },
  ])
  t.end()
})

t.test('a call gives what a model reads, files beside it, and errors as text', async t => {
  t.same(await loop.call('maps_find', { place: 'x' }, context), { text: 'found x' })
  t.match(await loop.call('draw', {}, context), {
    files: [{ mediaType: 'image/png', id: 'a.png', url: 'http://gateway.test/files/a.png' }],
  })
  t.match(await loop.call('maps_find', { plce: 'x' }, context), {
    error: { code: 'TG_ARGUMENT_UNKNOWN' },
    text: /did you mean/,
  })
  t.match(await loop.readFile!('a.png'), { mediaType: 'image/png' })
})
