/** A place on the map, and the others that its name may have meant. */
export type Place = {
  name: string
  region?: string
  country?: string
  latitude: number
  longitude: number
  /** IANA name, where it is known. */
  timezone?: string
  alternatives?: string[]
}

/** A place that a search found. */
export type Candidate = {
  name: string
  /** Name, region and country in one line; it finds this very place again. */
  label: string
  region?: string
  country?: string
  /** Everything the place lies in: country, its code, regions, districts. */
  within: string[]
  latitude: number
  longitude: number
  timezone?: string
  population: number
  /** GeoNames' kind of place: PPLC a capital, PPLX a part of a city, AIRP an airport. */
  kind: string
}

const limits = { alternativesMax: 4, populationRatioMax: 100 } as const

/** The place that a name most likely means, and the others it may mean. */
export function likeliest(candidates: Candidate[], name: string): Place {
  const ranked = candidates.toSorted((a, b) => weight(b, name) - weight(a, name))
  const [best] = ranked
  if (!best) throw new Error('there is no candidate to choose from')
  const { label, region, country, latitude, longitude, timezone } = best
  const alternatives = ranked
    .filter(other => other.label !== label && isRival(other, best, name))
    .map(other => other.label)
  const named = [...new Set(alternatives)].slice(0, limits.alternativesMax)
  return {
    name: best.name,
    ...(region && region !== best.name ? { region } : {}),
    ...(country ? { country } : {}),
    latitude,
    longitude,
    ...(timezone ? { timezone } : {}),
    ...(named.length > 0 ? { alternatives: named } : {}),
  }
}

/** People mean the exact name, inhabited and large; one order of magnitude is one point. */
function weight({ name, population, kind }: Candidate, wanted: string): number {
  const exact = plain(name) === plain(wanted) ? 3 : 0
  const inhabited = kind.startsWith('PPL') ? 2 : 0
  const seat = kind === 'PPLC' ? 1 : kind.startsWith('PPLA') ? 0.5 : 0
  return exact + inhabited + seat + Math.log10(population + 1)
}

/** A hamlet of the same name is no alternative to a metropolis. */
const isRival = (other: Candidate, best: Candidate, wanted: string): boolean =>
  other.kind.startsWith('PPL') &&
  (plain(other.name) === plain(wanted) || plain(best.name) !== plain(wanted)) &&
  other.population * limits.populationRatioMax >= best.population

/** True when the place lies in everything that was said after its name. */
export const qualifies = ({ within }: Candidate, qualifiers: string[]): boolean =>
  qualifiers.every(qualifier => {
    const wanted = aliases.get(plain(qualifier)) ?? plain(qualifier)
    return within.some(name => plain(name) === wanted || plain(name).startsWith(`${wanted} `))
  })

/** What people write, and what the search calls it. */
const aliases = new Map([
  ['usa', 'us'],
  ['u s', 'us'],
  ['u s a', 'us'],
  ['america', 'us'],
  ['uk', 'gb'],
  ['u k', 'gb'],
  ['britain', 'gb'],
  ['great britain', 'gb'],
  ['prc', 'cn'],
  ['uae', 'ae'],
  ['korea', 'kr'],
  ['美国', 'us'],
  ['英国', 'gb'],
  ['中国', 'cn'],
  ['韩国', 'kr'],
])

/** A name as it is compared: without case, accents, punctuation and Chinese suffixes. */
const plain = (name: string): string =>
  name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
    .replace(
      /(?<=\p{Script=Han}{2})(特别行政区|维吾尔自治区|[壮回]族自治区|自治[州县区]|[省市区县])$/u,
      '',
    )

/** A place as the weather tools give it. */
export const placed = ({ name, region, country, latitude, longitude, alternatives }: Place) => ({
  place: name,
  ...(region ? { region } : {}),
  ...(country ? { country } : {}),
  latitude,
  longitude,
  ...(alternatives ? { alternatives } : {}),
})
