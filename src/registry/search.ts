import { setImmediate as nextTurn } from 'node:timers/promises'
import MiniSearch from 'minisearch'
import type { RegistryView } from './registry.ts'
import type { Tool } from './tool.ts'

/** A tool that was found, best first; the score orders results of one query, nothing more. */
export type Hit = { tool: Tool; score: number }
/** Finds tools of a view by words of their names, titles, descriptions and keywords, Chinese and English. */
export type Search = (query: string, view?: RegistryView) => Promise<Hit[]>

const fields = ['name', 'title', 'keywords', 'tags', 'description'] as const
/** A longer query is cut: each of its words is compared with all words that are known. */
export const searchLimits = {
  queryCharactersMax: 200,
  wordsMax: 24,
  /** So many tools are read before others get their turn of the loop. */
  toolsAtOnce: 25,
} as const
type Entry = { id: string } & Record<(typeof fields)[number], string>

const searches = new WeakMap<RegistryView, Search>()
/** The search of a registry, one for all faces: its index weighs more than the tools do. */
export function searchOf(registry: RegistryView): Search {
  let search = searches.get(registry)
  if (!search) searches.set(registry, (search = createSearch(registry)))
  return search
}

/** Makes a search; nothing is indexed before the first query, and what has changed before the next. */
function createSearch(registry: RegistryView): Search {
  // A word that is known was not misspelt.
  const known = new Set<string>()
  const index = new MiniSearch<Entry>({
    fields: [...fields],
    tokenize: words,
    processTerm: term => {
      const lower = term.toLowerCase()
      known.add(lower)
      return lower
    },
  })
  let changed: Set<string> | undefined
  let busy: Promise<void> | undefined

  return async (query, view = registry) => {
    changed ??= watch()
    while (changed.size > 0)
      await (busy ??= catchUp(changed).finally(() => {
        busy = undefined
      }))
    const found = index.search(query, {
      tokenize: askedWords,
      boost: { keywords: 4, name: 4, title: 3, tags: 2, description: 1 },
      prefix: term => term.length > 1,
      processTerm: term => term.toLowerCase(),
      fuzzy: term => (!known.has(term) && /^[a-z0-9]{4,}$/.test(term) ? 0.2 : false),
      combineWith: 'OR',
    })
    return found.flatMap(({ id, score }) => {
      const tool = view.get(id as string)
      return tool ? [{ tool, score }] : []
    })
  }

  function watch(): Set<string> {
    const names = new Set(registry.list().map(({ name }) => name))
    registry.subscribe(({ name }) => names.add(name))
    return names
  }

  /** Ten thousand tools take a second to read, so others get their turn meanwhile. */
  async function catchUp(names: Set<string>): Promise<void> {
    let read = 0
    for (const name of names) {
      if (++read % searchLimits.toolsAtOnce === 0) await nextTurn()
      names.delete(name)
      if (index.has(name)) index.discard(name)
      const tool = registry.get(name)
      if (tool) index.add(entryOf(tool))
    }
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

/** Words that say nothing of a task, and stand in nearly every description. */
const empty = new Set(
  'a an and are as at be by can do for from how i in is it me my of on one or please that the this to use want what with you'.split(
    ' ',
  ),
)

function askedWords(query: string): string[] {
  const asked = [...new Set(words(query.slice(0, searchLimits.queryCharactersMax)))]
  const telling = asked.filter(word => !empty.has(word.toLowerCase()))
  return (telling.length > 0 ? telling : asked).slice(0, searchLimits.wordsMax)
}

const segmenter = new Intl.Segmenter('zh', { granularity: 'word' })
const ascii = /^[\x20-\x7e\n]*$/
const asciiWord = /[A-Za-z0-9]+(?:[.'][A-Za-z0-9]+)*/g
const han = /\p{Script=Han}/u

/**
 * Words of a text. Chinese has no spaces, so it is cut by the segmenter; pairs of characters are
 * added, since the segmenter cuts a short query and a long description differently.
 */
export function words(text: string): string[] {
  // The segmenter takes ten times as long.
  if (ascii.test(text)) return text.match(asciiWord) ?? []
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
