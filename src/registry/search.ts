import MiniSearch from 'minisearch'
import type { RegistryView } from './registry.ts'
import type { Tool } from './tool.ts'

/** A tool that was found, best first; the score orders results of one query, nothing more. */
export type Hit = { tool: Tool; score: number }
/** Finds tools of a view by words of their names, titles, descriptions and keywords, Chinese and English. */
export type Search = (query: string, view?: RegistryView) => Hit[]

const fields = ['name', 'title', 'keywords', 'tags', 'description'] as const
/** A longer query is cut: each of its words is compared with all words that are known. */
export const searchLimits = { queryCharactersMax: 200, wordsMax: 24 } as const
type Entry = { id: string } & Record<(typeof fields)[number], string>

/** Makes the search; its index is built on first use and follows the registry from then on. */
export function createSearch(registry: RegistryView): Search {
  let index: MiniSearch<Entry> | undefined

  return (query, view = registry) => {
    index ??= open()
    const found = index.search(query, {
      tokenize: askedWords,
      boost: { keywords: 4, name: 4, title: 3, tags: 2, description: 1 },
      prefix: term => term.length > 1,
      fuzzy: term => (/^[a-z0-9]{4,}$/.test(term) ? 0.2 : false),
      combineWith: 'OR',
    })
    return found.flatMap(({ id, score }) => {
      const tool = view.get(id as string)
      return tool ? [{ tool, score }] : []
    })
  }

  function open(): MiniSearch<Entry> {
    const built = new MiniSearch<Entry>({
      fields: [...fields],
      tokenize: words,
      processTerm: term => term.toLowerCase(),
    })
    built.addAll(registry.list().map(entryOf))
    registry.subscribe(({ event, name }) => {
      if (built.has(name)) built.discard(name)
      const tool = registry.get(name)
      if (event !== 'tool.removed' && tool) built.add(entryOf(tool))
    })
    return built
  }
}

const entryOf = (tool: Tool): Entry => ({
  id: tool.name,
  name: tool.name,
  title: tool.title,
  description: tool.description,
  keywords: tool.keywords.join(' '),
  tags: [tool.category, ...tool.tags].join(' '),
})

const askedWords = (query: string): string[] =>
  [...new Set(words(query.slice(0, searchLimits.queryCharactersMax)))].slice(
    0,
    searchLimits.wordsMax,
  )

const segmenter = new Intl.Segmenter('zh', { granularity: 'word' })
const han = /\p{Script=Han}/u

/**
 * Words of a text. Chinese has no spaces, so it is cut by the segmenter; pairs of characters are
 * added, since the segmenter cuts a short query and a long description differently.
 */
export function words(text: string): string[] {
  const found: string[] = []
  for (const { segment, isWordLike } of segmenter.segment(text.replaceAll('_', ' '))) {
    if (!isWordLike) continue
    found.push(segment)
    if (han.test(segment)) found.push(...pairs(segment))
  }
  return found
}

const pairs = (segment: string): string[] => {
  const characters = Array.from(segment)
  return characters.slice(1).map((character, index) => `${characters[index]}${character}`)
}
