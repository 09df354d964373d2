import Type from 'typebox'
import { isToolError } from '../../registry/errors.ts'
import type { ToolContext } from '../../registry/tool.ts'
import type { Language } from './language.ts'
import type { Place } from './likeliest.ts'
import { askQweather, hasQweather } from './qweather.ts'

const degrees = Type.String({ pattern: String.raw`^-?\d+(\.\d+)?$` })
const Lookup = Type.Object({
  code: Type.Optional(Type.String()),
  location: Type.Optional(
    Type.Array(Type.Object({ lat: degrees, lon: degrees, tz: Type.Optional(Type.String()) })),
  ),
})

/**
 * A place that only QWeather knows; undefined where there is no account or no such place. Its
 * licence forbids to keep what the search gives, and answers of tools are cached: so the answer has
 * the name as the caller wrote it, and the point, to 1 km, that the weather is asked for.
 */
export async function searchQweather(
  context: ToolContext,
  name: string,
  language: Language,
): Promise<Place | undefined> {
  if (!hasQweather(context)) return undefined
  const { location = [] } = await askQweather(context, '/geo/v2/city/lookup', {
    schema: Lookup,
    query: { location: name, lang: language, number: 1 },
  }).catch((error: unknown) => {
    if (isUnknown(error)) return { location: [] }
    throw error
  })
  const [found] = location
  if (!found) return undefined
  const [latitude, longitude] = [toKm(found.lat), toKm(found.lon)]
  return { name, latitude, longitude, ...(found.tz ? { timezone: found.tz } : {}) }
}

const toKm = (text: string): number => Math.round(Number(text) * 100) / 100

const isUnknown = (error: unknown): boolean =>
  isToolError(error) &&
  /\[(no-such-location|not-found|old-404|old-204)\]$/.test(String(error.args[1]))
