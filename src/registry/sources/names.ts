import { createHash } from 'node:crypto'

const toolNameCharactersMax = 60
const hashCharacters = 6

/** The first characters of a hash, which tell apart what a cut made equal. */
export const shortHash = (text: string, characters: number = hashCharacters): string =>
  createHash('sha256').update(text).digest('hex').slice(0, characters)

/**
 * A name in a-z, 0-9 and _: `getPetById` is `get_pet_by_id`. What leaves nothing (a Chinese name) is
 * known by its hash.
 */
export function slug(
  text: string,
  options: { first?: 'letter' | 'any'; charactersMax?: number } = {},
): string {
  const { first = 'any', charactersMax = 200 } = options
  const words = text
    .slice(0, 1_000)
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .toLowerCase()
  const lost = /[^\p{ASCII}]/u.test(text.normalize('NFKD').replace(/\p{M}+/gu, ''))
  const name = lost ? `${words || 'tool'}_${shortHash(text)}` : words || `tool_${shortHash(text)}`
  const started = first === 'letter' && !/^[a-z]/.test(name) ? `s_${name}` : name
  if (started.length <= charactersMax) return started
  return withHash(started, text, charactersMax)
}

/** A name cut so that its hash fits behind it. */
const withHash = (name: string, identity: string, charactersMax: number): string =>
  `${name.slice(0, charactersMax - hashCharacters - 1).replace(/_+$/, '')}_${shortHash(identity)}`

/**
 * The names of a source's tools, `{source}_{tool}`: at most 60 characters, and none twice or of
 * another source. The first of equals keeps its name, the others get a hash of what they are.
 */
export function nameTools(
  source: string,
  tools: readonly { local: string; origin: string }[],
  isTaken: (name: string) => boolean,
): string[] {
  const used = new Set<string>()
  return tools.map(({ local, origin }) => {
    const full = `${source}_${local}`
    let name =
      full.length <= toolNameCharactersMax ? full : withHash(full, origin, toolNameCharactersMax)
    for (let round = 0; used.has(name) || isTaken(name); round++)
      name = withHash(full, round === 0 ? origin : `${origin} ${round}`, toolNameCharactersMax)
    used.add(name)
    return name
  })
}

/** Gives each argument a name of its own that every client can send: `X-Page` is `X_Page`. */
export function createArgumentNames(keywords: ReadonlySet<string>) {
  const used = new Set<string>()
  return (name: string, place: string): string => {
    const plain = name
      .slice(0, 200)
      .replace(/[^A-Za-z0-9_]+/g, '_')
      .replace(/^_+(?=.)|_+$/g, '')
    const portable = /^[A-Za-z]/.test(plain) ? plain : `${place}_${plain || shortHash(name)}`
    const base = keywords.has(portable) ? `${portable}_` : portable
    const short = base.length <= 64 ? base : withHash(base, name, 64)
    let unique = short
    for (let round = 1; used.has(unique); round++)
      unique = `${short.slice(0, 50)}_${round === 1 ? place : `${place}${round}`}`
    used.add(unique)
    return unique
  }
}

/** True when one of some globs (`*` for any run of characters) fits one of the names. */
export function globsFit(globs: readonly string[], names: readonly string[]): boolean {
  return globs.some(glob => names.some(name => globFits(glob, name)))
}

/** Walks glob and name together; a star is tried again from the last place it fitted, so it is never exponential. */
function globFits(glob: string, name: string): boolean {
  let [at, star, mark] = [0, -1, 0]
  for (let index = 0; index < name.length;) {
    if (glob[at] === '*') {
      star = at++
      mark = index
    } else if (at < glob.length && glob[at] === name[index]) {
      at += 1
      index += 1
    } else if (star >= 0) {
      at = star + 1
      index = ++mark
    } else return false
  }
  while (glob[at] === '*') at += 1
  return at === glob.length
}

/** Whether include and exclude let a tool in, by any of its names. */
export const isWanted = (
  { include, exclude }: { include?: string[]; exclude?: string[] },
  names: readonly string[],
): boolean =>
  (include === undefined || globsFit(include, names)) &&
  (exclude === undefined || !globsFit(exclude, names))
