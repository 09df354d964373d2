import type { Aliases, JsonObject } from '../../registry/tool.ts'
import type { Paper } from './paper.ts'

const limits = { papers: 3, queryCharactersMax: 300, summaryCharactersMax: 1_500 } as const

const search = {
  description: 'Searches arXiv and tells date, title, authors and summary of three articles.',
  input: {
    type: 'object',
    properties: { query: { type: 'string', description: 'What to search for on arXiv' } },
    required: ['query'],
    additionalProperties: false,
  },
  arguments: ({ query }: JsonObject): JsonObject => ({
    query: typeof query === 'string' ? query.slice(0, limits.queryCharactersMax) : query,
    limit: limits.papers,
  }),
  text: (output: JsonObject): string =>
    (output as { papers: Paper[] }).papers.map(block).join('\n\n') || 'No article was found.',
}

/** The four lines that clients of Lagent and AgentLego read. */
const block = ({ published, title, authors, summary }: Paper): string =>
  [
    `Published: ${published.slice(0, 10)}`,
    `Title: ${title}`,
    `Authors: ${authors.join(', ')}`,
    `Summary: ${summary.slice(0, limits.summaryCharactersMax)}`,
  ].join('\n')

/** The search under the names, and in the form, that Lagent's and AgentLego's clients know. */
export const articleSearches: Aliases = {
  lagent: { name: 'ArxivSearch.get_arxiv_article_information', ...search },
  agentlego: { name: 'ArxivSearch', ...search },
}
