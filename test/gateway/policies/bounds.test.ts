import t from 'tap'
import Type from 'typebox'
import { Compile } from 'typebox/schema'
import { bounds, createExcerpt } from '../../../src/gateway/policies/bounds.ts'
import { resultOf } from '../../../src/registry/call.ts'
import { defineTool, type JsonObject, type NewFile, type Tool } from '../../../src/registry/tool.ts'
import { callContext } from '../../fixtures/call-context.ts'

const toolWith = (output: Parameters<typeof Type.Object>[0]): Tool =>
  defineTool({
    name: 'long',
    title: 'Long',
    description: 'Long.',
    input: Type.Object({}),
    output: Type.Object(output),
    run: async () => ({}),
  })
const texts = toolWith({ text: Type.String(), count: Type.Integer() })
const lists = toolWith({
  total: Type.Integer(),
  objects: Type.Array(
    Type.Object({
      label: Type.String(),
      box: Type.Array(Type.Number(), { minItems: 4, maxItems: 4 }),
    }),
  ),
})

/** Excerpts whose files the test can look at. */
function excerpts() {
  const files: NewFile[] = []
  const excerpt = createExcerpt(async file => `f${files.push(file)}.json`)
  return { files, excerpt }
}

t.test('an answer within the bound is left as it is', async t => {
  const { excerpt, files } = excerpts()
  const result = resultOf({ text: 'x'.repeat(80), count: 1 })
  t.equal(await excerpt(texts, result, result.json.length), result)
  t.equal(await excerpt(texts, result, { bytesMax: result.json.length }), result)
  t.equal(files.length, 0)
})

t.test('a list over the bound is cut to whole items, with a mark', async t => {
  const { excerpt, files } = excerpts()
  const whole = {
    total: 5_000,
    objects: Array.from({ length: 5_000 }, (_, index) => ({
      label: `thing ${index}`,
      box: [index, 0, 1.5, 2],
    })),
  }
  const { output, json } = await excerpt(lists, resultOf(whole), 10_000)
  const { total, objects, truncated } = output as typeof whole & { truncated: object }
  t.ok(json.length <= 10_000)
  t.ok(json.length > 3_000, 'as much as half of the bound is used')
  t.equal(total, 5_000)
  t.same(objects, whole.objects.slice(0, objects.length))
  t.same(truncated, { file: 'f1.json', bytes: Buffer.byteLength(JSON.stringify(whole)) })
  t.ok(Compile(lists.output).Check(output), 'it fits the schema')
  t.match(files, [{ mediaType: 'application/json', name: 'long.json' }])
  t.same(JSON.parse(Buffer.from(files[0]?.bytes ?? []).toString()), whole, 'the file has it all')
})

t.test('a text over the bound is cut with a note that names the file', async t => {
  const { excerpt } = excerpts()
  const { output, json } = await excerpt(
    texts,
    resultOf({ text: 'é'.repeat(50_000), count: 7 }),
    1_000,
  )
  t.ok(json.length <= 1_000)
  t.match(output, {
    text: /^é+ … \[cut: the whole answer is 100021 bytes, in file f1.json\]$/,
    count: 7,
  })
  t.ok(Compile(texts.output).Check(output))
})

t.test('no character is cut in two', async t => {
  const { excerpt } = excerpts()
  for (const charactersMax of [400, 401, 402, 403]) {
    const { output } = await excerpt(
      texts,
      resultOf({ text: `${'😀'.repeat(5_000)}`, count: 1 }),
      charactersMax,
    )
    t.ok((output as { text: string }).text.isWellFormed())
  }
})

t.test('a bound in bytes holds however many bytes a character has', async t => {
  const { excerpt } = excerpts()
  const mixed = { text: '天'.repeat(100_000) + 'a'.repeat(200_000), count: 1 }
  const call = bounds(excerpt, 256 * 1024)(async () => resultOf(mixed))
  const { json } = await call(texts, {}, callContext())
  t.ok(Buffer.byteLength(json) <= 256 * 1024, `${Buffer.byteLength(json)} bytes`)
  t.ok(Buffer.byteLength(json) > 64 * 1024)
})

t.test('what is cut again names the file of the whole', async t => {
  const { excerpt, files } = excerpts()
  const objects = Array(5_000).fill({ label: 'x', box: [0, 0, 1, 1] })
  const once = await excerpt(lists, resultOf({ total: 1, objects }), 50_000)
  const twice = await excerpt(lists, once, 5_000)
  t.ok(twice.json.length <= 5_000)
  t.same(twice.output['truncated'], once.output['truncated'])
  t.equal(files.length, 1)
})

t.test('nested lists and texts are cut where they are long', async t => {
  const { excerpt } = excerpts()
  const nested = toolWith({
    pages: Type.Array(Type.Object({ lines: Type.Array(Type.String()) })),
    meta: Type.Object({ note: Type.String() }),
  })
  const page = { lines: Array(100).fill('x'.repeat(100)) }
  const whole: JsonObject = { pages: Array(100).fill(page), meta: { note: 'y'.repeat(5_000) } }
  const { output, json } = await excerpt(nested, resultOf(whole), 4_000)
  t.ok(json.length <= 4_000)
  t.ok(Compile(nested.output).Check(output))
  t.match(output, { meta: { note: /^y+ … \[cut\]$/ }, truncated: { file: 'f1.json' } })
  t.ok((output as { pages: unknown[] }).pages.length > 0)
})

t.test('where even the shape is over the bound, it is a 413', async t => {
  const { excerpt } = excerpts()
  const wide = Object.fromEntries(
    Array.from({ length: 1_000 }, (_, index) => [`key_${index}`, index]),
  )
  await t.rejects(excerpt({ ...lists, output: { type: 'object' } }, resultOf(wide), 1_000), {
    code: 'TG_TOO_LARGE',
    status: 413,
    message: 'the answer of long is over the limit of 1000 characters',
  })
})
