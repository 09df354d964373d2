import Type, { type Static } from 'typebox'
import { fail } from '../../registry/errors.ts'
import type { ToolContext, UpstreamOptions } from '../../registry/tool.ts'
import { dayMs } from '../dates.ts'
import { endpoint } from '../endpoint.ts'
import { wmoCondition } from './conditions.ts'
import type { Language } from './language.ts'
import type { Candidate } from './likeliest.ts'
import { type Day, type Now, present, type Sourced } from './shapes.ts'

const maybe = Type.Optional(Type.Union([Type.Number(), Type.Null()]))
const words = Type.Optional(Type.Union([Type.String(), Type.Null()]))

const Search = Type.Object({
  results: Type.Optional(
    Type.Array(
      Type.Object({
        name: Type.String(),
        latitude: Type.Number(),
        longitude: Type.Number(),
        timezone: words,
        population: maybe,
        feature_code: words,
        country: words,
        country_code: words,
        admin1: words,
        admin2: words,
        admin3: words,
        admin4: words,
      }),
    ),
  ),
})

const offset = Type.Integer({ minimum: -86_400, maximum: 86_400 })
const Current = Type.Object({
  utc_offset_seconds: offset,
  current: Type.Object({
    time: Type.String({ pattern: String.raw`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}` }),
    temperature_2m: Type.Number(),
    apparent_temperature: maybe,
    relative_humidity_2m: maybe,
    precipitation: maybe,
    weather_code: maybe,
    pressure_msl: maybe,
    wind_speed_10m: maybe,
    wind_direction_10m: maybe,
    visibility: maybe,
  }),
})

const series = Type.Optional(Type.Array(Type.Union([Type.Number(), Type.Null()])))
const times = Type.Optional(Type.Array(Type.Union([Type.String(), Type.Null()])))
const Daily = Type.Object({
  utc_offset_seconds: offset,
  daily: Type.Object({
    time: Type.Array(Type.String({ pattern: String.raw`^\d{4}-\d{2}-\d{2}$` })),
    weather_code: series,
    temperature_2m_max: series,
    temperature_2m_min: series,
    precipitation_sum: series,
    precipitation_probability_max: series,
    wind_speed_10m_max: series,
    sunrise: times,
    sunset: times,
  }),
})

const source = 'Open-Meteo'
const attribution =
  'Weather data by Open-Meteo.com (https://open-meteo.com, CC BY 4.0); place names by GeoNames'
/** What to show beside data of Open-Meteo. */
export const openMeteo = { source, attribution } as const

const searchCountMax = 50

/** Looks a name up. No hit is an empty list. */
export async function searchOpenMeteo(
  context: ToolContext,
  name: string,
  language: Language,
): Promise<Candidate[]> {
  const { results = [] } = await context.getJson(
    endpoint(context, 'OPEN_METEO_GEOCODING_URL', '/v1/search'),
    { schema: Search, query: { name, count: searchCountMax, language, format: 'json' }, onError },
  )
  return results.map(candidateOf)
}

type Found = NonNullable<Static<typeof Search>['results']>[number]

function candidateOf(found: Found): Candidate {
  const { name, latitude, longitude, timezone, country, admin1 } = found
  const { country_code: code, admin2, admin3, admin4 } = found
  const region = admin1 && admin1 !== name ? admin1 : undefined
  return {
    name,
    label: [name, region, country].filter(Boolean).join(', '),
    ...(admin1 ? { region: admin1 } : {}),
    ...(country ? { country } : {}),
    within: [country, code, admin1, admin2, admin3, admin4].flatMap(part => part ?? []),
    latitude,
    longitude,
    ...(timezone ? { timezone } : {}),
    population: found.population ?? 0,
    kind: found.feature_code ?? 'PPL',
  }
}

/** Where weather is asked for. */
export type Point = { latitude: number; longitude: number }

const currentNames = Object.keys(Current.properties.current.properties).filter(isVariable)
const dailyNames = Object.keys(Daily.properties.daily.properties).filter(isVariable)
function isVariable(name: string): boolean {
  return name !== 'time'
}

/** The weather at this moment. */
export async function nowOfOpenMeteo(
  context: ToolContext,
  { latitude, longitude }: Point,
  language: Language,
): Promise<Sourced<Now>> {
  const answer = await context.getJson(
    endpoint(context, 'OPEN_METEO_FORECAST_URL', '/v1/forecast'),
    {
      schema: Current,
      query: { latitude, longitude, current: currentNames.join(','), timezone: 'auto' },
      onError,
    },
  )
  const { current } = answer
  return {
    time: localTime(current.time, answer.utc_offset_seconds),
    celsius: current.temperature_2m,
    ...present({
      feels_like_celsius: current.apparent_temperature,
      humidity_percent: current.relative_humidity_2m,
      wind_kmh: current.wind_speed_10m,
      wind_degrees: current.wind_direction_10m,
      precipitation_mm: current.precipitation,
      pressure_hpa: current.pressure_msl,
      visibility_km: current.visibility == null ? null : current.visibility / 1000,
    }),
    condition: wmoCondition(current.weather_code, language),
    ...openMeteo,
  }
}

/** Days to come, or days that the forecast still remembers. */
export const daysOfOpenMeteo = (
  context: ToolContext,
  point: Point,
  ask: { language: Language; range: { forecast_days: number } | Range },
): Promise<Day[]> =>
  dailyOf(context, endpoint(context, 'OPEN_METEO_FORECAST_URL', '/v1/forecast'), {
    ...point,
    ...ask,
  })

type Range = { start_date: string; end_date: string }

/** Days of the past, from the archive: it begins in 1940 and lags five days behind. */
export const archiveOfOpenMeteo = (
  context: ToolContext,
  point: Point,
  ask: { language: Language; range: Range },
): Promise<Day[]> =>
  dailyOf(context, endpoint(context, 'OPEN_METEO_ARCHIVE_URL', '/v1/archive'), { ...point, ...ask })

async function dailyOf(
  context: ToolContext,
  url: URL,
  ask: Point & { language: Language; range: { forecast_days: number } | Range },
): Promise<Day[]> {
  const { latitude, longitude, range, language } = ask
  const names = dailyNames.filter(
    name => 'forecast_days' in range || name !== 'precipitation_probability_max',
  )
  const { daily, utc_offset_seconds: seconds } = await context.getJson(url, {
    schema: Daily,
    query: { latitude, longitude, daily: names.join(','), timezone: 'auto', ...range },
    onError,
  })
  return daily.time.map((date, index) => ({
    date,
    ...present({
      min_celsius: daily.temperature_2m_min?.[index],
      max_celsius: daily.temperature_2m_max?.[index],
      precipitation_mm: daily.precipitation_sum?.[index],
      precipitation_percent: daily.precipitation_probability_max?.[index],
      wind_kmh: daily.wind_speed_10m_max?.[index],
      sunrise: sunTime(daily.sunrise?.[index], date, seconds),
      sunset: sunTime(daily.sunset?.[index], date, seconds),
    }),
    condition: wmoCondition(daily.weather_code?.[index], language),
  }))
}

/** In the polar night and day the times are empty, or stand at the epoch. */
const sunTime = (time: string | null | undefined, date: string, seconds: number) =>
  time && Math.abs(Date.parse(time.slice(0, 10)) - Date.parse(date)) <= dayMs
    ? localTime(time, seconds)
    : undefined

/** Their local times have no offset: `2026-11-24T10:45` becomes `2026-11-24T10:45+08:00`. */
function localTime(time: string, offsetSeconds: number): string {
  const minutes = Math.abs(Math.round(offsetSeconds / 60))
  const two = (value: number) => String(value).padStart(2, '0')
  const sign = offsetSeconds < 0 ? '-' : '+'
  return `${time.slice(0, 16)}${sign}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}

/** How long each of their limits keeps us out, milliseconds; the answer has no Retry-After. */
const pauses: [words: RegExp, ms: number][] = [
  [/minutely/i, 60_000],
  [/hourly/i, 3_600_000],
  [/daily/i, 6 * 3_600_000],
  [/concurrent/i, 2_000],
]

const onError: NonNullable<UpstreamOptions['onError']> = ({ status, text }) => {
  const pause = pauses.find(([limit]) => limit.test(text))
  if (status === 429 && pause)
    return fail('TG_UPSTREAM_BUSY', source, 'its limit is used up', pause[1])
  if (status === 400 && /no data is available/i.test(text))
    return fail('TG_NOT_FOUND', 'weather data', 'this place', 'name a place nearby')
  return undefined
}
