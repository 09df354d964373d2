import t from 'tap'
import Type from 'typebox'
import {
  type Call,
  type CallContext,
  compose,
  createInvoke,
  type Interceptor,
  present,
  resultFromJson,
  resultOf,
} from '../../src/registry/call.ts'
import { createRegistry } from '../../src/registry/registry.ts'
import { Artifact, defineTool, type FileRef, ImageFile } from '../../src/registry/tool.ts'
import { callContext } from '../fixtures/call-context.ts'
import { echoTool } from '../fixtures/tools.ts'

const file: FileRef = {
  id: 'a1.png',
  name: 'a.png',
  mediaType: 'image/png',
  bytes: 3,
  sha256: 'a1',
}
const noFile = () => Promise.reject(new Error('no file was asked for'))

t.test('policies are listed in the order in which a call meets them', async t => {
  const met: string[] = []
  const policy =
    (name: string): Interceptor =>
    next =>
    async (...call) => {
      met.push(name)
      return next(...call)
    }
  const run: Call = async () => resultOf({})
  await compose(run, policy('outer'), policy('inner'))(echoTool(), {}, callContext())
  t.same(met, ['outer', 'inner'])
})

t.test('a result is made from its other form when first asked for', async t => {
  t.equal(resultOf({ a: 1 }).json, '{"a":1}')
  t.same(resultFromJson('{"a":1}').output, { a: 1 })
  const result = resultFromJson('{"a":1}')
  t.equal(result.output, result.output, 'and once')
})

t.test('a call by name finds the tool, reads its arguments and gives its answer', async t => {
  const tool = echoTool()
  const call: Call = async (tool, input, context) =>
    resultOf(await tool.run(input, context as never))
  const invoke = createInvoke({ registry: createRegistry([tool]), call, resolveFile: noFile })
  const answer = await invoke('echo', '{"text":"hi"}', callContext())
  t.equal(answer.tool, tool)
  t.same(answer.input, { text: 'hi' })
  t.equal(answer.result.json, '{"text":"hi"}')
})

t.test('a call that cannot be made is refused before anything is run', async t => {
  const registry = createRegistry([
    echoTool(),
    echoTool({ name: 'paid', requires: () => ({ reason: 'no key is set', remedy: 'set KEY' }) }),
  ])
  const call: Call = async () => t.fail('it was run') as never
  const invoke = createInvoke({ registry, call, resolveFile: noFile })
  const refusals: [string, unknown, object][] = [
    ['ehco', {}, { code: 'TG_TOOL_UNKNOWN', status: 404, hint: /did you mean "echo"\?/ }],
    ['translate_text', {}, { code: 'TG_TOOL_UNKNOWN', hint: 'GET /registry lists the tools' }],
    [
      'paid',
      {},
      { code: 'TG_UNAVAILABLE', status: 503, message: /no key is set/, hint: 'set KEY' },
    ],
    ['echo', { txt: 'a' }, { code: 'TG_ARGUMENT_UNKNOWN', status: 400 }],
    ['echo', 'hello', { code: 'TG_BODY_INVALID', status: 400 }],
  ]
  for (const [name, args, error] of refusals)
    await t.rejects(
      invoke(name, args, callContext()),
      error as { code: string },
      `${name} ${JSON.stringify(args)}`,
    )
})

t.test('a file input is resolved before the call, an absent one is not', async t => {
  const tool = defineTool({
    name: 'look',
    title: 'Look',
    description: 'Looks at a picture. For tests alone.',
    category: 'test',
    input: Type.Object({
      image: ImageFile({ description: 'The picture' }),
      mask: Type.Optional(ImageFile({ description: 'What to leave out' })),
    }),
    output: Type.Object({ id: Type.String({ description: 'What was looked at' }) }),
    run: async ({ image }) => ({ id: image.id }),
  })
  const asked: unknown[] = []
  const invoke = createInvoke({
    registry: createRegistry([tool]),
    call: async (_tool, input) => resultOf({ id: (input['image'] as FileRef).id }),
    resolveFile: async (wanted, context) => {
      asked.push([wanted, context.face])
      return file
    },
  })
  const { input, result } = await invoke(
    'look',
    { image: 'https://a.example/a.png', mask: '' },
    callContext(),
  )
  t.same(input, { image: file })
  t.same(result.output, { id: 'a1.png' })
  t.same(asked, [
    [{ tool: 'look', argument: 'image', kind: 'image', value: 'https://a.example/a.png' }, 'test'],
  ])
})

t.test('a face turns artifact ids into its URLs', async t => {
  const tool = defineTool({
    name: 'draw',
    title: 'Draw',
    description: 'Draws.',
    input: Type.Object({}),
    output: Type.Object({ picture: Type.Optional(Artifact('image/png')), id: Type.String() }),
    text: ({ picture }) => `see ${picture}`,
    run: async () => ({ id: 'x' }),
  })
  const fileUrl = (id: string) => `https://gateway/files/${id}`
  const shown = (output: object) =>
    present({ tool, input: {}, result: resultFromJson(JSON.stringify(output)) }, fileUrl)
  const drawn = shown({ picture: 'p1.png', id: 'p1.png' })
  t.same(drawn.output, { picture: 'https://gateway/files/p1.png', id: 'p1.png' })
  t.equal(drawn.json, '{"picture":"https://gateway/files/p1.png","id":"p1.png"}')
  t.equal(drawn.text, 'see https://gateway/files/p1.png')
  t.same(shown({ id: 'x' }).output, { id: 'x' })
})

t.test('an answer that was cut says so in its text too', async t => {
  const tool = defineTool({
    name: 'lists',
    title: 'Lists',
    description: 'Lists.',
    input: Type.Object({}),
    output: Type.Object({ items: Type.Array(Type.String()) }),
    text: ({ items }) => items.join(),
    run: async () => ({ items: [] }),
  })
  const show = (json: string, shownTool = tool) =>
    present({ tool: shownTool, input: {}, result: resultFromJson(json) }, id => `/files/${id}`)
  const cut = show('{"items":["a"],"truncated":{"file":"f.json","bytes":9}}')
  t.same(cut.output, { items: ['a'], truncated: { file: '/files/f.json', bytes: 9 } })
  t.equal(cut.text, 'a\n[cut: the whole answer is 9 bytes, at /files/f.json]')
  t.equal(show('{"items":["\\"truncated\\":"]}').text, '"truncated":')
  const foreign = { ...tool, output: { type: 'object' }, text: () => 'foreign' }
  const same = '{"truncated":true}'
  t.equal(show(same, foreign).json, same, 'another meaning of the name is left alone')
  t.equal(show(same, foreign).text, 'foreign')
})

t.test('the context of a call is kept as it came', async t => {
  const context: CallContext = callContext({ caller: 'me' })
  const invoke = createInvoke({
    registry: createRegistry([echoTool()]),
    call: async (_tool, _input, given) => resultOf({ text: String(given === context) }),
    resolveFile: noFile,
  })
  t.equal((await invoke('echo', {}, context)).result.json, '{"text":"true"}')
})
