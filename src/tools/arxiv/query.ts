/** What a search is made of. */
export type Wanted = {
  query: string
  author?: string
  category?: string
  /** Dates of submission, both included, YYYY-MM-DD. */
  start_date?: string
  end_date?: string
}

const fields = ['ti', 'au', 'abs', 'co', 'jr', 'cat', 'rn', 'id', 'all'] as const
const operators = new Map([
  ['AND', 'AND'],
  ['OR', 'OR'],
  ['ANDNOT', 'ANDNOT'],
  ['NOT', 'ANDNOT'],
])
/** The index does not hold these, so that asking for them finds nothing. */
const stopWords = new Set(
  'a an and are as at be by for from in into is it of on or that the their this to via we with'.split(
    ' ',
  ),
)

/**
 * Writes arXiv's query language. Unquoted words next to each other would be joined by OR, and only
 * the first would keep its field, so each word gets its own and AND stands between; parentheses keep
 * the filters apart from them. A few words may be a title, which is then asked for as a phrase too.
 */
export function writeQuery(wanted: Wanted): string {
  const parts = [
    queryPart(wanted.query),
    wanted.author ? term('au', wanted.author) : '',
    wanted.category ? categoryPart(wanted.category) : '',
    datePart(wanted),
  ]
  return parts.filter(Boolean).join(' AND ')
}

function queryPart(query: string): string {
  const tokens = tokensOf(query)
  if (tokens.some(({ field, operator }) => field ?? operator)) return joinStructured(tokens)
  const words = tokens.filter(({ text, quoted }) => quoted || !stopWords.has(text.toLowerCase()))
  const used = words.length > 0 ? words : tokens
  const all = used.map(({ text }) => term('all', text)).join(' AND ')
  if (used.length < 2 || tokens.some(({ quoted }) => quoted))
    return used.length > 1 ? `(${all})` : all
  return `(ti:"${tokens.map(({ text }) => text).join(' ')}" OR (${all}))`
}

type Token = { text: string; quoted: boolean; field?: string; operator?: string }
const tokenPattern = new RegExp(
  String.raw`(?:[([{]*\b(${fields.join('|')}):\s*)?(?:["“]([^"”]*)["”]|([^\s"“”]+))`,
  'gu',
)

function tokensOf(query: string): Token[] {
  const tokens = [...query.matchAll(tokenPattern)].flatMap(([, field, phrase, word]) => {
    const operator = field ? undefined : operators.get(word ?? '')
    const text = cleaned(phrase ?? word ?? '')
    // A quoted operator is a slip of quotes, and no word to look for.
    if (!text || (phrase !== undefined && operators.has(text))) return []
    const token: Token = { text, quoted: phrase !== undefined }
    if (field) token.field = field
    if (operator) token.operator = operator
    return [token]
  })
  const english = tokens.filter(({ text }) => !/^\p{Script=Han}+$/u.test(text))
  // "请帮我搜索 InternLM2": arXiv is written in English, and the rest is meant for us.
  return english.length > 0 ? english : tokens
}

/** The caller wrote the language: what stands between fields is kept, read from left to right. */
function joinStructured(tokens: Token[]): string {
  let written = ''
  let operator = 'AND'
  for (const token of tokens) {
    if (token.operator) {
      operator = token.operator
      continue
    }
    const next = term(token.field ?? 'all', token.text)
    written = written ? `(${written} ${operator} ${next})` : next
    operator = 'AND'
  }
  return written
}

/** Characters of the query language are taken out of what people write. */
const cleaned = (text: string): string =>
  text
    .replace(/["“”()[\]{}:\\^~*?!|&<>=;,，。、？]/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()

/** A field and what is looked for in it; what is more than a word is a phrase. */
function term(field: string, text: string): string {
  const plain = cleaned(text)
  if (!plain) return ''
  if (field === 'cat') return categoryPart(plain)
  return /^[\p{L}\p{N}]+$/u.test(plain) ? `${field}:${plain}` : `${field}:"${plain}"`
}

/** Archives that are divided; older papers of some are in the archive itself. */
const archives = new Set(
  'astro-ph cond-mat cs econ eess math nlin physics q-bio q-fin stat'.split(' '),
)
const categoryPart = (category: string): string =>
  archives.has(category) ? `(cat:${category} OR cat:${category}.*)` : `cat:${category}`

function datePart({ start_date: start, end_date: end }: Wanted): string {
  if (!start && !end) return ''
  const from = (start ?? '1991-01-01').replaceAll('-', '')
  const to = (end ?? '2999-12-31').replaceAll('-', '')
  return `submittedDate:[${from}0000 TO ${to}2359]`
}

const newId = /^\d{4}\.\d{4,5}(v\d+)?$/
const oldId = /^[a-z-]+(\.[A-Z]{2})?\/\d{7}(v\d+)?$/

/** The id in what a person or a model gives for one: a URL, `arXiv:…`, `….pdf`; undefined if there is none. */
export function paperId(given: string): string | undefined {
  const id = given
    .trim()
    .replace(/[?#].*$/, '')
    .replace(/^(https?:\/\/)?((www|export)\.)?arxiv\.org\/(abs|pdf|html|format)\//i, '')
    .replace(/^(https?:\/\/(dx\.)?doi\.org\/)?10\.48550\//i, '')
    .replace(/^arxiv\s*[:.]\s*/i, '')
    .replace(/\.pdf$/i, '')
  return newId.test(id) || oldId.test(id) ? id : undefined
}

/** A title as it is compared: case, punctuation and LaTeX's braces do not count. */
export const comparable = (title: string): string =>
  title
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
