import { fail } from '../../registry/errors.ts'
import type { ToolContext, UpstreamOptions } from '../../registry/tool.ts'
import { endpoint } from '../endpoint.ts'
import { type Page, readFeed } from './feed.ts'

/** arXiv's terms: one request in three seconds, over all machines of a user. */
export const arxivPace = { ARXIV_URL: 3_000 }
/** The index changes once a day. */
export const arxivCache = { ttlMs: 86_400_000, staleMs: 7 * 86_400_000 }

/** Asks the API for one page. A problem that it reports about `argument` is the caller's. */
export async function askArxiv(
  context: ToolContext,
  query: NonNullable<UpstreamOptions['query']>,
  blame: { tool: string; argument: string },
): Promise<Page> {
  const url = endpoint(context, 'ARXIV_URL', '/api/query')
  const refused = (problem: string): Error =>
    fail('TG_ARGUMENT_INVALID', blame.tool, blame.argument, `is refused by arXiv: ${problem}`)
  const xml = await context.getText(url, {
    query,
    headers: { accept: 'application/atom+xml' },
    // A refusal has a text of its own; it is short, and only its words are wanted.
    onError: ({ status, text }) => (status === 400 ? refused(summaryIn(text)) : undefined),
  })
  const page = await readFeed(xml)
  if (page.problem !== undefined) throw refused(page.problem)
  return page
}

const summaryIn = (text: string): string =>
  /<summary[^>]*>([^<]*)</.exec(text)?.[1]?.trim() || 'bad request'
