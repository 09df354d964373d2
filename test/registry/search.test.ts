import t from 'tap'
import { createRegistry } from '../../src/registry/registry.ts'
import { createSearch, words } from '../../src/registry/search.ts'
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
  const search = createSearch(createRegistry(tools, noLint))
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
  for (const [query, name] of first) t.equal(search(query)[0]?.tool.name, name, query)
  t.same(search('zzzz'), [])
  t.same(search('…'), [])
  t.same(search(''), [])
})

t.test('follows the registry', async t => {
  const registry = createRegistry(tools, noLint)
  const search = createSearch(registry)
  t.same(search('umbrella'), [])
  const umbrella = echoTool({ name: 'shop_umbrella', title: 'Umbrella' })
  registry.put('shop', [umbrella])
  t.equal(search('umbrella')[0]?.tool.name, 'shop_umbrella')
  registry.put('shop', [{ ...umbrella, title: 'Parasol' }])
  t.equal(search('parasol')[0]?.tool.name, 'shop_umbrella')
  registry.remove('shop')
  t.same(search('parasol'), [])
})

t.test('finds among 10,000 tools in milliseconds, whatever is asked', async t => {
  const search = createSearch(createRegistry([...tools, ...manyTools(10_000)], noLint))
  search('weather')
  const query = 'recognise words given temperature arguments '.repeat(1_000)
  const times = Array.from({ length: 11 }, () => {
    const startedAt = performance.now()
    search('current temperature 天气')
    return performance.now() - startedAt
  })
  t.ok((times.toSorted((a, b) => a - b)[5] ?? 0) < 50, `p50 ${times[5]} ms`)
  const startedAt = performance.now()
  search(query)
  t.ok(performance.now() - startedAt < 1_000, 'a long query is cut')
})

t.test('words are cut without spaces, and in pairs', async t => {
  t.same(words('arxiv_search'), ['arxiv', 'search'])
  t.ok(words('识别文字').includes('文字'))
  t.same(words('a-b, c!'), ['a', 'b', 'c'])
})
