import t from 'tap'
import { createRegistry } from '../../src/registry/registry.ts'
import { searchOf, words } from '../../src/registry/search.ts'
import { echoTool, manyTools } from '../fixtures/tools.ts'

const noLint = { lint: () => [] }
const tools = [
  echoTool({
    name: 'weather_now',
    title: 'Weather now',
    description: 'Current weather in a place.',
    keywords: ['天气', '气温', 'temperature'],
  }),
  echoTool({
    name: 'arxiv_search',
    title: 'Search arXiv',
    description: 'Finds papers, also about the weather.',
    keywords: ['论文', '搜索论文', 'paper', 'preprint'],
  }),
  echoTool({
    name: 'ocr',
    title: 'Read text in a picture',
    description: 'Reads the text of a photograph or scan.',
    keywords: ['识别文字', '文字识别', 'text recognition'],
  }),
]

t.test('words in English and Chinese find their tool first', async t => {
  const search = searchOf(createRegistry(tools, noLint))
  const first: [string, string][] = [
    ['weather', 'weather_now'],
    ['Weather', 'weather_now'],
    ['天气', 'weather_now'],
    ['北京的天气怎么样', 'weather_now'],
    ['论文', 'arxiv_search'],
    ['帮我搜索论文', 'arxiv_search'],
    ['识别文字', 'ocr'],
    ['图片里的文字识别', 'ocr'],
    ['prepr', 'arxiv_search'],
    ['recogniton of text', 'ocr'],
    ['arxiv_search', 'arxiv_search'],
  ]
  for (const [query, name] of first) t.equal((await search(query))[0]?.tool.name, name, query)
  t.same(await search('zzzz'), [])
  t.same(await search('…'), [])
  t.same(await search(''), [])
})

t.test('follows the registry', async t => {
  const registry = createRegistry(tools, noLint)
  const search = searchOf(registry)
  t.same(await search('umbrella'), [])
  const umbrella = echoTool({ name: 'shop_umbrella', title: 'Umbrella' })
  registry.put('shop', [umbrella])
  t.equal((await search('umbrella'))[0]?.tool.name, 'shop_umbrella')
  registry.put('shop', [{ ...umbrella, title: 'Parasol' }])
  t.equal((await search('parasol'))[0]?.tool.name, 'shop_umbrella')
  registry.remove('shop')
  t.same(await search('parasol'), [])
})

t.test(
  'reading many tools leaves the loop to others, and what changes meanwhile is read',
  async t => {
    const registry = createRegistry([...tools, ...manyTools(2_000)], noLint)
    const search = searchOf(registry)
    t.equal(searchOf(registry), search, 'one index for all faces')
    let turns = 0
    let done = false
    const count = (): void => {
      turns += 1
      if (!done) setImmediate(count)
    }
    setImmediate(count)
    const first = search('weather')
    registry.put('shop', [echoTool({ name: 'shop_umbrella', title: 'Umbrella' })])
    const both = await Promise.all([first, search('umbrella')])
    done = true
    t.same(
      both.map(([hit]) => hit?.tool.name),
      ['weather_now', 'shop_umbrella'],
    )
    t.ok(turns > 40, `${turns} turns`)
  },
)

t.test('a long query is cut, and words that say nothing find nothing of their own', async t => {
  const registry = createRegistry([...tools, ...manyTools(100)], noLint)
  const search = searchOf(registry)
  const long = await search('weather '.repeat(10_000))
  t.equal(long[0]?.tool.name, 'weather_now')
  const asked = await search('what is the weather in a place')
  t.equal(asked[0]?.tool.name, 'weather_now')
  t.ok(asked.length < 10, `${asked.length} found`)
  t.ok((await search('the')).length > 0, 'but they are all that was asked')
})

t.test('words are cut without spaces, and in pairs', async t => {
  t.same(words('arxiv_search'), ['arxiv', 'search'])
  t.ok(words('识别文字').includes('文字'))
  t.same(words('a-b, c!'), ['a', 'b', 'c'])
})
