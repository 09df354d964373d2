import t from 'tap'
import Type from 'typebox'
import { toolsPage } from '../../src/docs/tools-page.ts'
import { Artifact, defineTool, ImageFile } from '../../src/registry/tool.ts'

const frame = defineTool({
  name: 'frame_picture',
  title: 'Frame a picture',
  description: 'Puts a frame around a picture.',
  category: 'vision',
  tags: ['image'],
  cache: { ttlMs: 60_000, staleMs: 30_000 },
  input: Type.Object({
    image: ImageFile({ description: 'The picture' }),
    style: Type.Optional(
      Type.Union([Type.Literal('thin'), Type.Literal('thick')], { description: 'The frame' }),
    ),
    width: Type.Optional(
      Type.Integer({ description: 'Pixels', minimum: 1, maximum: 64, default: 8 }),
    ),
    note: Type.Optional(Type.String({ description: 'One | two', minLength: 1, maxLength: 80 })),
  }),
  output: Type.Object({
    picture: Artifact('image/png', { description: 'The framed picture' }),
    sides: Type.Array(Type.Object({ length: Type.Number({ minimum: 0 }) }), { maxItems: 4 }),
  }),
  requires: ({ FRAME_KEY: key }) =>
    key ? undefined : { reason: 'no key', remedy: 'set FRAME_KEY' },
  examples: [
    {
      input: { image: 'https://example.com/a.png' },
      output: { picture: 'a.png', sides: [{ length: 4 }] },
    },
  ],
  async run() {
    return { picture: 'a.png', sides: [] }
  },
})

t.test('a tool is shown with all that its record states', async t => {
  const page = toolsPage([frame])
  for (const line of [
    '| [`frame_picture`](#frame_picture) | Puts a frame around a picture. |',
    '**Frame a picture.** Puts a frame around a picture.',
    'Version 1.0.0 · category vision · tags image · answers kept 60 s, 30 s more while it is fetched anew · deadline 30 s · needs: set FRAME_KEY.',
    '| `image` | file (image) | The picture |',
    '| `style?` | `"thin"` or `"thick"` | The frame |',
    '| `width?` | integer | Pixels · 1 to 64 · default 8 |',
    '| `note?` | string | One \\| two · at most 80 characters |',
    '| `picture` | URL of a file (image/png) | The framed picture |',
    '| `sides` | object[] | at most 4 items |',
    '| `sides[].length` | number | at least 0 |',
    'POST /tools/frame_picture\n\n{\n  "image": "https://example.com/a.png"\n}',
  ])
    t.ok(page.includes(line), line)
})

t.test('a tool that takes nothing and keeps nothing says so', async t => {
  const bare = defineTool({
    name: 'roll',
    title: 'Roll a die',
    description: 'Rolls a die.',
    input: Type.Object({}),
    output: Type.Object({ points: Type.Number({ minimum: 1, maximum: 6 }) }),
    async run() {
      return { points: 4 }
    },
  })
  const page = toolsPage([bare])
  t.match(page, 'answers are not kept')
  t.match(page, 'No input.')
  t.notMatch(page, 'Example:')
})
