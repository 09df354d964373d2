import Type, { type Static } from 'typebox'

const text = (description: string) => Type.String({ description })

/** One paper as every arXiv tool gives it. */
export const Paper = Type.Object({
  id: text('arXiv id with its version, e.g. 2403.17297v1'),
  title: text('Title; LaTeX is kept'),
  authors: Type.Array(Type.String(), { description: 'Names in the order of the paper' }),
  summary: text('Abstract'),
  published: text('When the first version appeared, ISO 8601 UTC'),
  updated: text('When this version appeared, ISO 8601 UTC'),
  categories: Type.Array(Type.String(), { description: 'arXiv categories, the primary one first' }),
  abs_url: text('Page of the abstract'),
  pdf_url: text('The PDF'),
  doi: Type.Optional(text('DOI of the published article')),
  comment: Type.Optional(text("The authors' comment, e.g. number of pages")),
  journal_ref: Type.Optional(text('Where it was published')),
})
/** A paper. */
export type Paper = Static<typeof Paper>

/** Papers as a model reads them: what it needs to choose, and how to get the rest. */
export const paperLine = (paper: Paper): string =>
  `[${paper.id}] ${paper.title} (${paper.authors.slice(0, 3).join(', ')}${paper.authors.length > 3 ? ' et al.' : ''}, ${paper.published.slice(0, 10)}, ${paper.categories[0] ?? ''})\n${paper.abs_url}\n${paper.summary}`

/** What examples show. */
export const examplePaper: Paper = {
  id: '2403.17297v1',
  title: 'InternLM2 Technical Report',
  authors: ['Zheng Cai', 'Maosong Cao'],
  summary: 'An open-source large language model and how it was trained.',
  published: '2024-03-26T00:53:24Z',
  updated: '2024-03-26T00:53:24Z',
  categories: ['cs.CL', 'cs.AI'],
  abs_url: 'https://arxiv.org/abs/2403.17297v1',
  pdf_url: 'https://arxiv.org/pdf/2403.17297v1',
}
