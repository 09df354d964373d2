import t, { type Test } from 'tap'
import type { JsonObject } from '../../src/registry/tool.ts'
import arxivPaper from '../../src/tools/arxiv-paper.ts'
import arxivSearch from '../../src/tools/arxiv-search.ts'
import { type Answer, at, standIn } from '../fixtures/stand-in.ts'
import { caller } from '../fixtures/upstream-context.ts'
import { error, feed, type PaperXml } from '../fixtures/upstreams/arxiv.ts'

/** arXiv, answering each request in turn, and a way to call the tools against it. */
async function arxiv(t: Test, ...answers: Answer[]) {
  const { url, asked } = await standIn(t, at('/mirror/api/query', answers))
  return { asked, call: caller(t, { settings: { ARXIV_URL: `${url}/mirror` } }) }
}
const found = (output: JsonObject) => output['papers'] as { id: string; title: string }[]

t.test('the examples are what the tools answer', async t => {
  for (const tool of [arxivSearch, arxivPaper])
    for (const { input, output } of tool.examples) {
      const { call } = await arxiv(t, feed([{}]))
      t.strictSame(await call(tool, input as JsonObject), output, tool.name)
      t.match(
        tool.text(output, input),
        '[2403.17297v1] InternLM2 Technical Report (Zheng Cai, Maosong Cao, 2024-03-26, cs.CL)',
      )
    }
})

t.test('a search is asked politely, in the language of arXiv', async t => {
  const { call, asked } = await arxiv(t, feed([{}]))
  t.same(arxivSearch.pace, { ARXIV_URL: 3_000 })
  t.same(arxivPaper.pace, { ARXIV_URL: 3_000 })
  await call(arxivSearch, {
    query: 'language models',
    author: 'Zheng Cai',
    category: 'cs.CL',
    start_date: '2024-01-01',
    end_date: '2024-12-31',
    sort: 'submitted',
    offset: 20,
    limit: 7,
  })
  t.same(Object.fromEntries(asked[0]?.query ?? []), {
    search_query:
      '(ti:"language models" OR (all:language AND all:models)) AND au:"Zheng Cai" AND cat:cs.CL AND submittedDate:[202401010000 TO 202412312359]',
    start: '20',
    max_results: '7',
    sortBy: 'submittedDate',
    sortOrder: 'descending',
  })
})

t.test('who writes a title gets that paper first', async t => {
  const papers: PaperXml[] = [
    { id: '1', title: 'A Technical Report on Reports' },
    { id: '2', title: 'InternLM2 Technical Report: More' },
    { id: '3', title: '$\\mathrm{InternLM2}$ Technical\n  Report' },
    { id: '4', title: 'Internlm2  technical report' },
  ]
  for (const query of ['InternLM2 Technical Report', '请帮我搜索 InternLM2 Technical Report']) {
    const { call, asked } = await arxiv(t, feed(papers, 900))
    const output = await call(arxivSearch, { query, limit: 2 })
    t.same(
      found(output).map(({ id }) => id),
      ['4', '2'],
      query,
    )
    t.equal(output['total'], 900)
    t.match(asked[0]?.query.get('search_query'), /^\(ti:"InternLM2 Technical Report" OR/)
    t.equal(asked[0]?.query.get('max_results'), '10', 'more are looked at than are given')
  }
})

t.test('an id as a query finds that paper', async t => {
  const { call, asked } = await arxiv(t, feed([{}]))
  await call(arxivSearch, { query: 'arXiv:2403.17297', category: 'cs.CL' })
  t.equal(asked[0]?.query.get('id_list'), '2403.17297')
  t.equal(asked[0]?.query.get('search_query'), 'cat:cs.CL')
})

t.test('what a feed says comes out whole and clean', async t => {
  const { call } = await arxiv(
    t,
    feed([
      {
        id: 'astro-ph/0601001v2',
        title: '0',
        summary: '  Caf&#233; &amp; $E = mc^2$ with\n a &lt;b&gt; ',
        more: `<arxiv:comment>3 pages</arxiv:comment><arxiv:doi>10.1/x</arxiv:doi><arxiv:journal_ref>J. 1</arxiv:journal_ref>`,
      },
    ]),
  )
  t.strictSame(await call(arxivPaper, { id: 'astro-ph/0601001' }), {
    id: 'astro-ph/0601001v2',
    title: '0',
    authors: ['Zheng Cai', 'Maosong Cao'],
    summary: 'Café & $E = mc^2$ with a <b>',
    published: '2024-03-26T00:53:24Z',
    updated: '2024-03-26T00:53:24Z',
    categories: ['cs.CL', 'cs.AI'],
    abs_url: 'https://arxiv.org/abs/astro-ph/0601001v2',
    pdf_url: 'https://arxiv.org/pdf/astro-ph/0601001v2',
    doi: '10.1/x',
    comment: '3 pages',
    journal_ref: 'J. 1',
  })
})

t.test('no paper is an empty list for a search, and a 404 for an id', async t => {
  const { call } = await arxiv(t, feed([]))
  const output = await call(arxivSearch, { query: 'xyzzy' })
  t.strictSame(output, { total: 0, offset: 0, papers: [] })
  t.equal(arxivSearch.text(output, {}), 'No paper found.')
  await t.rejects(call(arxivPaper, { id: '0000.0000' }), { code: 'TG_NOT_FOUND', status: 404 })
})

t.test('an empty page of a full set is asked for once more', async t => {
  const mended = await arxiv(t, feed([], 40), feed([{}], 40))
  t.equal(found(await mended.call(arxivSearch, { query: 'x' })).length, 1)
  const broken = await arxiv(t, feed([], 40))
  await t.rejects(broken.call(arxivSearch, { query: 'x' }), { code: 'TG_UPSTREAM_INVALID' })
  t.equal(broken.asked.length, 2)
  const past = await arxiv(t, feed([], 40))
  t.same(found(await past.call(arxivSearch, { query: 'x', offset: 40 })), [], 'past the end')
  t.equal(past.asked.length, 1)
})

t.test('what arXiv refuses is the caller’s, whatever its status', async t => {
  for (const status of [400, 200]) {
    const { call } = await arxiv(t, error(status))
    await t.rejects(call(arxivPaper, { id: '2403.17297' }), {
      code: 'TG_ARGUMENT_INVALID',
      message: /incorrect id format/,
    })
  }
  const plain = await arxiv(t, { status: 400, type: 'text/plain', body: 'no' })
  await t.rejects(plain.call(arxivSearch, { query: 'x' }), { code: 'TG_ARGUMENT_INVALID' })
})

t.test('an upstream that fails is named', async t => {
  const failures: [name: string, answer: Answer, code: string][] = [
    ['limited', { status: 429, type: 'text/plain', body: 'Rate exceeded.' }, 'TG_UPSTREAM_BUSY'],
    ['down', { status: 503 }, 'TG_UPSTREAM_BUSY'],
    ['faulty', { status: 500 }, 'TG_UPSTREAM_FAILED'],
    ['a page', { type: 'text/html', body: '<!doctype html><p>Hello' }, 'TG_UPSTREAM_INVALID'],
    ['another XML', { type: 'text/xml', body: '<rss></rss>' }, 'TG_UPSTREAM_INVALID'],
    ['cut', { ...feed([{}]), body: feed([{}]).body.slice(0, 900) }, 'TG_UPSTREAM_INVALID'],
    ['dying', { ...feed([{}]), dies: true }, 'TG_UPSTREAM_UNREACHABLE'],
    ['empty', { type: 'text/xml', body: '' }, 'TG_UPSTREAM_INVALID'],
  ]
  for (const [name, answer, code] of failures) {
    const { call } = await arxiv(t, answer)
    await t.rejects(call(arxivSearch, { query: 'x' }), { code }, name)
  }
})

t.test('a document that grows by itself stays small', async t => {
  const layers = Array.from({ length: 9 }, (_layer, index) =>
    index === 0
      ? '<!ENTITY l0 "aaaaaaaaaa">'
      : `<!ENTITY l${index} "${`&l${index - 1};`.repeat(10)}">`,
  )
  const bomb = feed([{ title: '&l8;'.repeat(10) }]).body.replace(
    '<feed',
    `<!DOCTYPE feed [${layers.join('')}]><feed`,
  )
  const { call } = await arxiv(t, { type: 'text/xml', body: bomb })
  const output = await call(arxivSearch, { query: 'x' }).catch((error: unknown) => ({ error }))
  t.ok(JSON.stringify(output).length < 100_000)
})

t.test('arguments are checked before arXiv is asked', async t => {
  const { call, asked } = await arxiv(t, feed([{}]))
  const refused: JsonObject[] = [
    { query: '()"":' },
    { query: 'x', category: 'cs.CL OR all:x' },
    { query: 'x', start_date: '2024-02-30' },
    { query: 'x', start_date: '2024-05-01', end_date: '2024-04-01' },
    { query: 'x', limit: 51 },
    { query: 'x', offset: -1 },
    { query: 'x', sort: 'newest' },
  ]
  for (const args of refused)
    await t.rejects(call(arxivSearch, args), { code: 'TG_ARGUMENT_INVALID' }, JSON.stringify(args))
  for (const id of ['attention', '2403.172', 'https://example.com/abs/2403.17297', '../2403.17297'])
    await t.rejects(call(arxivPaper, { id }), { code: 'TG_ARGUMENT_INVALID' }, id)
  t.same(asked, [])
})

t.test('Lagent and AgentLego read their four lines', async t => {
  const { call, asked } = await arxiv(t, feed([{}, { id: '2', summary: 'x'.repeat(2_000) }]))
  for (const alias of Object.values(arxivSearch.aliases)) {
    if (typeof alias === 'string') return t.fail('the aliases have a form')
    const args = alias.arguments?.({ query: 'y'.repeat(400) }) ?? {}
    t.same(args, { query: 'y'.repeat(300), limit: 3 })
    const text = alias.text?.(await call(arxivSearch, args), args) ?? ''
    const blocks = text.split('\n\n')
    t.equal(
      blocks[0],
      'Published: 2024-03-26\nTitle: InternLM2 Technical Report\nAuthors: Zheng Cai, Maosong Cao\nSummary: An open-source large language model and how it was trained.',
    )
    t.equal(blocks[1]?.split('Summary: ')[1]?.length, 1_500)
    t.equal(alias.text?.({ papers: [] }, args), 'No article was found.')
  }
  t.ok(asked.length > 0)
})
