import Type from 'typebox'
import { fail } from '../registry/errors.ts'
import { defineTool, type ToolContext } from '../registry/tool.ts'
import { arxivCache, arxivPace, askArxiv } from './arxiv/ask.ts'
import type { Page } from './arxiv/feed.ts'
import { articleSearches } from './arxiv/old-searches.ts'
import { examplePaper, Paper, paperLine } from './arxiv/paper.ts'
import { comparable, paperId, type Wanted, writeQuery } from './arxiv/query.ts'
import { checkDay, checkOrder } from './dates.ts'

const name = 'arxiv_search'
const limits = {
  resultsMax: 50,
  resultsDefault: 5,
  offsetMax: 10_000,
  /** Among so many the paper whose very title was asked for is looked for. */
  titlesSeen: 10,
} as const
const day = (description: string) =>
  Type.Optional(Type.String({ description, pattern: String.raw`^\d{4}-\d{2}-\d{2}$` }))

const sorts = {
  relevance: 'relevance',
  submitted: 'submittedDate',
  updated: 'lastUpdatedDate',
} as const

export default defineTool({
  name,
  title: 'arXiv search',
  description:
    'Finds scientific papers on arXiv by words, title, author, category or date, with abstracts. For one paper whose arXiv id is known use arxiv_paper.',
  category: 'research',
  tags: ['papers', 'search'],
  keywords: [
    '论文',
    '文献',
    '学术',
    '预印本',
    '搜索论文',
    'paper',
    'preprint',
    'literature',
    'scholar',
  ],
  input: Type.Object({
    query: Type.String({
      description: 'Words, a title or an arXiv id, in English; "quotes" keep words together',
      minLength: 1,
      maxLength: 300,
    }),
    author: Type.Optional(
      Type.String({ description: 'Name of an author', maxLength: 100, minLength: 1 }),
    ),
    category: Type.Optional(
      Type.String({
        description: 'arXiv category, e.g. cs.CL or hep-th',
        pattern: String.raw`^[a-z-]+(\.[A-Za-z-]{2,})?$`,
        maxLength: 30,
      }),
    ),
    start_date: day('First day of submission, YYYY-MM-DD'),
    end_date: day('Last day of submission, YYYY-MM-DD'),
    sort: Type.Optional(
      Type.Enum(['relevance', 'submitted', 'updated'], {
        description: 'Order: relevance, or the newest first by submission or update',
        default: 'relevance',
      }),
    ),
    offset: Type.Optional(
      Type.Integer({
        description: 'How many results to skip, 0 to 10,000',
        minimum: 0,
        maximum: limits.offsetMax,
        default: 0,
      }),
    ),
    limit: Type.Optional(
      Type.Integer({
        description: 'How many results to give, 1 to 50',
        minimum: 1,
        maximum: limits.resultsMax,
        default: limits.resultsDefault,
      }),
    ),
  }),
  output: Type.Object({
    total: Type.Integer({ description: 'How many papers fit; rounded by arXiv for large sets' }),
    offset: Type.Integer({ description: 'How many were skipped' }),
    papers: Type.Array(Paper, { description: 'The papers of this page' }),
  }),
  text: ({ total, offset, papers }) =>
    papers.length === 0
      ? 'No paper found.'
      : `${total} papers, ${offset + 1} to ${offset + papers.length}:\n\n${papers.map(paperLine).join('\n\n')}`,
  examples: [
    {
      title: 'A paper by its title',
      input: { query: 'InternLM2 Technical Report', limit: 1 },
      output: { total: 1, offset: 0, papers: [examplePaper] },
    },
    {
      title: 'The newest of an author in a field',
      input: {
        query: 'language model',
        author: 'Zheng Cai',
        category: 'cs.CL',
        start_date: '2024-01-01',
        sort: 'submitted',
      },
      output: { total: 1, offset: 0, papers: [examplePaper] },
    },
  ],
  cache: arxivCache,
  timeoutMs: 40_000,
  pace: arxivPace,
  aliases: articleSearches,
  async run(wanted, context) {
    const { offset = 0, limit = limits.resultsDefault, sort = 'relevance' } = wanted
    checkDates(wanted)
    const isTitleSearch = sort === 'relevance' && offset === 0
    const query = {
      ...criteria(wanted),
      start: offset,
      max_results: isTitleSearch ? Math.max(limit, limits.titlesSeen) : limit,
      sortBy: sorts[sort],
      sortOrder: 'descending',
    }
    const { total, papers } = await wholePage(context, query)
    return {
      total,
      offset,
      papers: isTitleSearch ? titleFirst(papers, wanted.query).slice(0, limit) : papers,
    }
  },
})

/** The search, in arXiv's words; who writes an id wants that paper. */
function criteria(wanted: Wanted): { search_query?: string; id_list?: string } {
  const id = paperId(wanted.query)
  const search_query = writeQuery({ ...wanted, query: id ? '' : wanted.query })
  if (!id && !search_query)
    throw fail('TG_ARGUMENT_INVALID', name, 'query', 'has no word to search for')
  return { ...(search_query ? { search_query } : {}), ...(id ? { id_list: id } : {}) }
}

/** arXiv now and then sends an empty page of a full set; asked again it sends the page. */
async function wholePage(
  context: ToolContext,
  query: { start: number; [parameter: string]: string | number },
): Promise<Page> {
  const blame = { tool: name, argument: 'query' }
  const page = await askArxiv(context, query, blame)
  const isWhole = ({ total, papers }: Page): boolean => papers.length > 0 || total <= query.start
  if (isWhole(page)) return page
  const again = await askArxiv(context, query, blame)
  if (isWhole(again)) return again
  throw fail('TG_UPSTREAM_INVALID', 'arXiv', 'it counts papers but sends none')
}

/** Who writes a title wants that paper. */
function titleFirst(papers: Paper[], query: string): Paper[] {
  const wanted = comparable(query.replace(/\p{Script=Han}+/gu, ' ')) || comparable(query)
  const rank = ({ title }: Paper): number => {
    const given = comparable(title)
    return given === wanted ? 0 : given.startsWith(`${wanted} `) ? 1 : 2
  }
  return papers.toSorted((a, b) => rank(a) - rank(b))
}

function checkDates({ start_date: start, end_date: end }: Pick<Wanted, 'start_date' | 'end_date'>) {
  if (start) checkDay(name, 'start_date', start)
  if (end) checkDay(name, 'end_date', end)
  if (start && end) checkOrder(name, start, end)
}
