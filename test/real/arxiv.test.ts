import { readdirSync, readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import arxivPaper from '../../src/tools/arxiv-paper.ts'
import arxivSearch from '../../src/tools/arxiv-search.ts'
import { at, standIn } from '../fixtures/stand-in.ts'
import { caller } from '../fixtures/upstream-context.ts'
import { sharedFolder } from '../fixtures/shared-folder.ts'

const { folder, skip } = sharedFolder('fixtures/arxiv/')

async function recorded(t: Test, file: string, status = 200) {
  const body = readFileSync(new URL(file, folder))
  const { url } = await standIn(t, at('/api/query', { status, type: 'application/atom+xml', body }))
  return caller(t, { settings: { ARXIV_URL: url } })
}

t.test('every recorded search is read', { skip }, async t => {
  for (const file of readdirSync(folder).filter(name => /search/.test(name))) {
    const call = await recorded(t, file)
    const output = await call(arxivSearch, { query: 'testing', limit: 50 })
    const papers = output['papers'] as Record<string, string>[]
    t.ok(papers.length > 0, file)
    for (const { id = '', title, summary, abs_url, pdf_url, published } of papers) {
      t.match(id, /^([a-z-]+\/\d{7}|\d{4}\.\d{4,5})(v\d+)?$/)
      t.notMatch(`${title}${summary}`, /\n| {2}/)
      t.match(abs_url, /^https:\/\/arxiv\.org\/abs\//)
      t.match(pdf_url, /^https:\/\/(www\.)?arxiv\.org\/pdf\//)
      t.match(published, /^\d{4}-\d{2}-\d{2}T/)
    }
  }
})

t.test('recorded papers are read, old ids and affiliations too', { skip }, async t => {
  const old = await recorded(t, 'id_old_style_astro-ph_0601001_affiliation.xml')
  t.match(await old(arxivPaper, { id: 'astro-ph/0601001' }), {
    id: 'astro-ph/0601001v1',
    authors: ['Andrew Gould', 'Susan Dorsher', 'B. Scott Gaudi', 'Andrzej Udalski'],
    journal_ref: 'ActaAstron.56:1-50,2006',
    pdf_url: 'https://arxiv.org/pdf/astro-ph/0601001v1',
  })
  const attention = await recorded(t, 'id_lookup_lumen.xml')
  t.match(await attention(arxivPaper, { id: '1706.03762' }), { title: 'Attention Is All You Need' })
})

t.test('recorded refusals are told apart', { skip }, async t => {
  const unknown = await recorded(t, 'empty_id_0000.0000.xml')
  await t.rejects(unknown(arxivPaper, { id: '0000.0000' }), { code: 'TG_NOT_FOUND' })
  const refused = await recorded(t, 'docs_2007_error_1234.12345.xml')
  await t.rejects(refused(arxivPaper, { id: '1234.12345' }), { code: 'TG_ARGUMENT_INVALID' })
  const limited = await recorded(t, 'error_429_rate_exceeded.txt', 429)
  await t.rejects(limited(arxivSearch, { query: 'x' }), {
    code: 'TG_UPSTREAM_BUSY',
    message: /Rate exceeded/,
  })
})
