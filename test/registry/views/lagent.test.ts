import t from 'tap'
import { lagent } from '../../../src/registry/views/lagent.ts'
import { awkwardTools } from '../../fixtures/awkward-tools.ts'

const options = { origin: 'https://tools.example', secured: false }
const byName = (form?: string) =>
  Object.fromEntries(
    lagent(awkwardTools, { ...options, ...(form ? { form } : {}) }).map(action => [
      action.name,
      action,
    ]),
  )

t.test('an action goes by its alias, with its types in Lagent words', async t => {
  t.same(byName()['Draw.boxes'], {
    name: 'Draw.boxes',
    description: 'Draws boxes on a picture.',
    parameters: [
      {
        name: 'image',
        type: 'STRING',
        description:
          'The picture. Given as an https URL, a data: URL, or the id of an uploaded file (POST /files).',
      },
      { name: 'labels', type: 'Array', description: 'Labels' },
      { name: 'threshold', type: 'FLOAT', description: 'Least score. 0 to 1.' },
    ],
    required: ['image'],
    parameter_description:
      'If you call this tool, you must pass arguments in the JSON format {key: value}, where the key is the parameter name.',
  })
  t.match(byName()['lists']?.parameters[0], {
    type: 'Array',
    description: 'Colours. 1 to 3 items. Each is one of: red, green, blue.',
  })
})

t.test('for InternLM2 the required parameters alone', async t => {
  t.same(
    byName('internlm2')['Draw.boxes']?.parameters.map(({ name }) => name),
    ['image'],
  )
})

t.test('what is returned is stated exactly where a dictionary is, as content', async t => {
  // Every other answer is a text for a model, whatever the output holds.
  for (const action of Object.values(byName())) t.notOk('return_data' in action, action.name)
  const text = () => ''
  const [method, single] = lagent(
    ['Arxiv.search', 'Arxiv'].map(name => ({
      ...awkwardTools[0]!,
      aliases: { lagent: { name, description: 'Finds papers', text } },
    })),
    options,
  )
  t.match(method, {
    description: 'Finds papers',
    return_data: [{ name: 'content', type: 'STRING' }],
  })
  t.notOk('return_data' in (single ?? {}))
})

t.test('no text leaves GBK', async t => {
  t.equal(byName()['Signs']?.description, 'Signs such as m2, and — “quotes”.')
  t.notMatch(JSON.stringify(lagent(awkwardTools, options)), /[\u{10000}-\u{10FFFF}]/u)
})
