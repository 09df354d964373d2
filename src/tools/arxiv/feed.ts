import Type, { type Static } from 'typebox'
import { Compile } from 'typebox/schema'
import { fail } from '../../registry/errors.ts'
import type { Paper } from './paper.ts'

const host = 'arXiv'
const Text = Type.Union([Type.String(), Type.Object({ '#text': Type.String() })])
const Entry = Type.Object({
  id: Text,
  title: Text,
  summary: Type.Optional(Text),
  published: Type.Optional(Text),
  updated: Type.Optional(Text),
  author: Type.Optional(Type.Array(Type.Object({ name: Text }))),
  category: Type.Optional(Type.Array(Type.Object({ '@term': Type.String() }))),
  link: Type.Optional(
    Type.Array(
      Type.Object({
        '@href': Type.Optional(Type.String()),
        '@title': Type.Optional(Type.String()),
        '@type': Type.Optional(Type.String()),
      }),
    ),
  ),
  primary_category: Type.Optional(Type.Object({ '@term': Type.String() })),
  comment: Type.Optional(Text),
  journal_ref: Type.Optional(Text),
  doi: Type.Optional(Text),
})
type Entry = Static<typeof Entry>
const Feed = Type.Object({
  feed: Type.Object({
    totalResults: Type.Optional(Text),
    startIndex: Type.Optional(Text),
    entry: Type.Optional(Type.Array(Entry)),
  }),
})
const feedCheck = Compile(Feed)

const lists = new Set(['entry', 'author', 'category', 'link'])
/** The parser loads with the first answer, since most gateways start without asking arXiv. */
async function parseXml(xml: string): Promise<unknown> {
  const { XMLParser, XMLValidator } = await import('fast-xml-parser')
  if (XMLValidator.validate(xml) !== true) throw fail('TG_UPSTREAM_INVALID', host, 'it is not XML')
  // Values stay text: a title can be "0" and an id a number.
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '@',
    removeNSPrefix: true,
    parseTagValue: false,
    trimValues: true,
    // Numbered characters too; what a document defines itself is bounded by the parser.
    htmlEntities: true,
    isArray: name => lists.has(name),
  })
  return parser.parse(xml) as unknown
}

/** An answer of the API: the papers of one page, or the error it reports in place of them. */
export type Page = { total: number; papers: Paper[]; problem?: string }

/** Reads the API's Atom. Throws TG_UPSTREAM_INVALID for anything else. */
export async function readFeed(xml: string): Promise<Page> {
  const parsed = await parseXml(xml)
  if (!feedCheck.Check(parsed))
    throw fail('TG_UPSTREAM_INVALID', host, 'it is not a feed of papers')
  const { feed } = parsed as Static<typeof Feed>
  const entries = feed.entry ?? []
  // An error comes as an entry, formerly with status 200.
  const error = entries.find(({ id }) => textOf(id).includes('/api/errors#'))
  if (error) return { total: 0, papers: [], problem: oneLine(error.summary) || 'unknown' }
  const total = Number(textOf(feed.totalResults))
  return {
    total: Number.isFinite(total) ? Math.max(total, entries.length) : entries.length,
    papers: entries.map(paperOf),
  }
}

function paperOf(entry: Entry): Paper {
  const id = textOf(entry.id).replace(/^.*\/abs\//, '')
  const published = textOf(entry.published)
  const primary = entry.primary_category?.['@term']
  const categories = (entry.category ?? []).map(category => category['@term'])
  return {
    id,
    title: oneLine(entry.title),
    authors: (entry.author ?? []).map(({ name }) => oneLine(name)),
    summary: oneLine(entry.summary),
    published,
    updated: textOf(entry.updated) || published,
    categories: [...new Set([...(primary ? [primary] : []), ...categories])],
    abs_url: `https://arxiv.org/abs/${id}`,
    pdf_url: pdfOf(entry) ?? `https://arxiv.org/pdf/${id}`,
    ...optional('doi', entry.doi),
    ...optional('comment', entry.comment),
    ...optional('journal_ref', entry.journal_ref),
  }
}

function pdfOf({ link = [] }: Entry): string | undefined {
  const pdf = link.find(
    candidate => candidate['@title'] === 'pdf' || candidate['@type'] === 'application/pdf',
  )
  return pdf?.['@href']?.replace(/^http:/, 'https:')
}

const textOf = (value: string | { '#text': string } | undefined): string =>
  typeof value === 'string' ? value : (value?.['#text'] ?? '')
const oneLine = (value: Parameters<typeof textOf>[0]): string =>
  textOf(value).replace(/\s+/g, ' ').trim()
const optional = <Name extends string>(
  name: Name,
  value: Parameters<typeof textOf>[0],
): { [Key in Name]?: string } => {
  const text = oneLine(value)
  return (text ? { [name]: text } : {}) as { [Key in Name]?: string }
}
