import { fail } from '../../registry/errors.ts'
import type { ToolContext } from '../../registry/tool.ts'
import type { Language } from './language.ts'
import { type Candidate, likeliest, type Place, qualifies } from './likeliest.ts'
import { searchOpenMeteo } from './open-meteo.ts'
import { searchQweather } from './qweather-places.ts'
import { hasQweather } from './qweather.ts'

const limits = { searchesMax: 4 } as const

/** Who asks, for errors that name the argument. */
export type Asking = { tool: string; place: string; language: Language }

/** Finds a place by its coordinates or its name. Throws TG_NOT_FOUND, with what may help. */
export async function findPlace(context: ToolContext, asking: Asking): Promise<Place> {
  return coordinates(asking) ?? (await findByName(context, asking))
}

/** Latitude first, as people write it; the other order is refused, not guessed. */
function coordinates({ tool, place }: Asking): Place | undefined {
  const match =
    /^\s*\(?\s*([+-]?\d+(?:\.\d+)?)°?\s*[,，;\s]\s*([+-]?\d+(?:\.\d+)?)°?\s*\)?\s*$/.exec(place)
  if (!match) return undefined
  const [latitude, longitude] = [Number(match[1]), Number(match[2])]
  const refuse = (problem: string) =>
    fail('TG_ARGUMENT_INVALID', tool, 'place', problem, 'write latitude,longitude: 31.2,121.5')
  if (Math.abs(latitude) > 90)
    throw refuse(`has a latitude of ${latitude}, which must be from -90 to 90`)
  if (Math.abs(longitude) > 180)
    throw refuse(`has a longitude of ${longitude}, which must be from -180 to 180`)
  return { name: `${latitude}, ${longitude}`, latitude, longitude }
}

async function findByName(context: ToolContext, asking: Asking): Promise<Place> {
  const seen: Candidate[] = []
  try {
    for (const reading of readingsOf(asking.place).slice(0, limits.searchesMax)) {
      const found = await searchOpenMeteo(context, reading.name, asking.language)
      const fitting = found.filter(candidate => qualifies(candidate, reading.qualifiers))
      if (fitting.length > 0) return likeliest(fitting, reading.name)
      seen.push(...found)
    }
  } catch (error) {
    // QWeather knows places too; whoever has no account there hears of the first failure.
    if (!hasQweather(context) || context.signal.aborted) throw error
    context.log.warn({ problem: String(error) }, 'the search for a place failed')
  }
  const place = await searchQweather(context, asking.place, asking.language)
  if (place) return place
  throw fail('TG_NOT_FOUND', 'place', asking.place, hintFor(seen))
}

function hintFor(seen: Candidate[]): string {
  const near = [...new Set(seen.map(({ label }) => label))].slice(0, 4)
  return near.length > 0
    ? `the name is known elsewhere: ${near.map(label => `"${label}"`).join(', ')}`
    : 'check the spelling, name a larger town nearby, or give latitude,longitude such as 31.2,121.5'
}

type Reading = { name: string; qualifiers: string[] }

/**
 * The ways to read a name, the likeliest first: "Paris, France", "江苏省南京市" and "Paris France"
 * all name a place and what it lies in.
 */
function readingsOf(place: string): Reading[] {
  const text = place.normalize('NFKC').trim().replace(/\s+/g, ' ')
  const [name = '', ...qualifiers] = text.split(/\s*[,、;]\s*/).filter(Boolean)
  if (qualifiers.length > 0) return withoutSuffix([{ name, qualifiers }])
  if (/^\p{Script=Han}+$/u.test(text)) return withoutSuffix(chineseReadings(text))
  const words = text.split(' ')
  const split = [1, 2].flatMap(count =>
    words.length > count
      ? [{ name: words.slice(0, -count).join(' '), qualifiers: [words.slice(-count).join(' ')] }]
      : [],
  )
  return [{ name: text, qualifiers: [] }, ...split]
}

/** Chinese goes from the large to the small: 中国江苏省南京市. */
function chineseReadings(text: string): Reading[] {
  const parts = text
    .replace(/^中国(?=.)/, '中国|')
    .split(/\||(?<=.[省市区县州盟旗])(?=..)/)
    .filter(Boolean)
  const whole = { name: text, qualifiers: [] }
  if (parts.length < 2) return [whole]
  return [{ name: parts.at(-1) ?? text, qualifiers: parts.slice(0, -1).toReversed() }, whole]
}

/** 南京市 is also looked up as 南京, as people call it. */
const withoutSuffix = (readings: Reading[]): Reading[] => {
  const shorter = readings.flatMap(({ name, qualifiers }) => {
    const short = name.replace(/(?<=\p{Script=Han}{2})(特别行政区|自治[州县区]|[省市区县])$/u, '')
    return short === name ? [] : [{ name: short, qualifiers }]
  })
  return [...readings, ...shorter]
}
