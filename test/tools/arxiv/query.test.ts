import t from 'tap'
import { paperId, writeQuery } from '../../../src/tools/arxiv/query.ts'

const queries: Record<string, string> = {
  transformer: 'all:transformer',
  'graph neural networks':
    '(ti:"graph neural networks" OR (all:graph AND all:neural AND all:networks))',
  'Attention Is All You Need':
    '(ti:"Attention Is All You Need" OR (all:Attention AND all:All AND all:You AND all:Need))',
  'BERT: Pre-training (deep)':
    '(ti:"BERT Pre-training deep" OR (all:BERT AND all:"Pre-training" AND all:deep))',
  '"chain of thought" reasoning': '(all:"chain of thought" AND all:reasoning)',
  '“chain of thought”': 'all:"chain of thought"',
  'ti:attention AND cat:cs.CL': '(ti:attention AND cat:cs.CL)',
  'ti:"graph nets" OR au:Kipf deep': '((ti:"graph nets" OR au:Kipf) AND all:deep)',
  'llm ANDNOT survey': '(all:llm ANDNOT all:survey)',
  'AND OR': '',
  'to be or': '(ti:"to be or" OR (all:to AND all:be AND all:or))',
  'a) OR (all:x': '(all:a OR all:x)',
  'C++ 模板': 'all:"C++"',
  大语言模型: 'all:大语言模型',
  'x" OR "y': '(ti:"x y" OR (all:x AND all:y))',
}
t.test('words are written so that all of them count', async t => {
  for (const [query, written] of Object.entries(queries))
    t.equal(writeQuery({ query }), written, query)
})

t.test('filters stand beside the words', async t => {
  const query = 'llm'
  t.equal(writeQuery({ query, author: 'Yann LeCun' }), 'all:llm AND au:"Yann LeCun"')
  t.equal(writeQuery({ query, author: 'x" OR all:"y' }), 'all:llm AND au:"x OR all y"')
  t.equal(writeQuery({ query, category: 'cs' }), 'all:llm AND (cat:cs OR cat:cs.*)')
  t.equal(writeQuery({ query, category: 'hep-th' }), 'all:llm AND cat:hep-th')
  t.equal(
    writeQuery({ query, start_date: '2024-01-01' }),
    'all:llm AND submittedDate:[202401010000 TO 299912312359]',
  )
  t.equal(
    writeQuery({ query, end_date: '2024-01-01' }),
    'all:llm AND submittedDate:[199101010000 TO 202401012359]',
  )
})

t.test('an id is found in whatever it is written', async t => {
  const ids: Record<string, string | undefined> = {
    '2403.17297': '2403.17297',
    ' 2403.17297v2 ': '2403.17297v2',
    'arXiv:2403.17297': '2403.17297',
    'ARXIV: 2403.17297v1': '2403.17297v1',
    'https://arxiv.org/abs/2403.17297v1': '2403.17297v1',
    'http://www.arxiv.org/pdf/2403.17297.pdf': '2403.17297',
    'arxiv.org/html/2403.17297v1#S1': '2403.17297v1',
    'https://export.arxiv.org/abs/astro-ph/0601001?context=x': 'astro-ph/0601001',
    'math.GT/0309136': 'math.GT/0309136',
    '0704.0001': '0704.0001',
    '10.48550/arXiv.2403.17297': '2403.17297',
    'https://doi.org/10.48550/arXiv.2403.17297': '2403.17297',
    'InternLM2 Technical Report': undefined,
    '2403.17297,2403.17298': undefined,
    '': undefined,
  }
  for (const [given, id] of Object.entries(ids)) t.equal(paperId(given), id, given)
})
