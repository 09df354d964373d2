import Type from 'typebox'
import { fail } from '../registry/errors.ts'
import { defineTool } from '../registry/tool.ts'
import { arxivCache, arxivPace, askArxiv } from './arxiv/ask.ts'
import { examplePaper, Paper, paperLine } from './arxiv/paper.ts'
import { paperId } from './arxiv/query.ts'

const name = 'arxiv_paper'

export default defineTool({
  name,
  title: 'arXiv paper',
  description:
    'One arXiv paper by its id: title, authors, abstract, dates, links. To find papers by words or author use arxiv_search.',
  category: 'research',
  tags: ['papers'],
  keywords: ['论文', '文献', '预印本', '摘要', 'paper', 'preprint', 'abstract'],
  input: Type.Object({
    id: Type.String({
      description: 'arXiv id or address, e.g. 2403.17297, 2403.17297v1, astro-ph/0601001',
      minLength: 1,
      maxLength: 200,
    }),
  }),
  output: Paper,
  text: paperLine,
  examples: [
    { input: { id: '2403.17297' }, output: examplePaper },
    { input: { id: 'https://arxiv.org/abs/2403.17297v1' }, output: examplePaper },
  ],
  cache: arxivCache,
  timeoutMs: 40_000,
  pace: arxivPace,
  async run({ id: given }, context) {
    const id = paperId(given)
    if (!id) throw fail('TG_ARGUMENT_INVALID', name, 'id', `is no arXiv id: "${given}"`)
    const { papers } = await askArxiv(
      context,
      { id_list: id, max_results: 1 },
      { tool: name, argument: 'id' },
    )
    const [paper] = papers
    if (!paper) throw fail('TG_NOT_FOUND', 'paper', id, 'find its id with arxiv_search')
    return paper
  },
})
