import Type, { type Static } from 'typebox'
import { fail } from '../../registry/errors.ts'
import type { ToolContext } from '../../registry/tool.ts'
import { qweatherCondition } from './conditions.ts'
import type { Language } from './language.ts'
import type { Point } from './open-meteo.ts'
import { strongest } from './qweather-v7.ts'
import { askQweather, qweather } from './qweather.ts'
import { type Day, type Now, present } from './shapes.ts'
import { inZone } from './zone.ts'

const maybeNumber = Type.Optional(Type.Union([Type.Number(), Type.Null()]))
const words = Type.Optional(Type.Union([Type.String(), Type.Null()]))
const measured = Type.Optional(Type.Union([Type.Object({ value: maybeNumber }), Type.Null()]))
const condition = Type.Optional(
  Type.Union([Type.Object({ text: words, code: words }), Type.Null()]),
)
const wind = Type.Optional(
  Type.Union([
    Type.Object({
      direction: Type.Optional(Type.Union([Type.Object({ degree: maybeNumber }), Type.Null()])),
      speed: measured,
    }),
    Type.Null(),
  ]),
)
const precipitation = Type.Optional(
  Type.Union([Type.Object({ amount: measured, probability: maybeNumber }), Type.Null()]),
)
const metadata = Type.Object({
  attributions: Type.Optional(Type.Array(Type.String())),
  zeroResult: Type.Optional(Type.Boolean()),
})
const Current = Type.Object({
  metadata,
  condition,
  temperature: measured,
  feelsLike: measured,
  humidity: maybeNumber,
  wind,
  precipitation,
  pressure: measured,
  visibility: measured,
})
const half = Type.Optional(
  Type.Union([Type.Object({ condition, wind, precipitation }), Type.Null()]),
)
const Daily = Type.Object({
  metadata,
  days: Type.Optional(
    Type.Array(
      Type.Object({
        forecastStartTime: Type.String(),
        astro: Type.Optional(
          Type.Union([Type.Object({ sunrise: words, sunset: words }), Type.Null()]),
        ),
        temperatureMax: measured,
        temperatureMin: measured,
        daytime: half,
        nighttime: half,
      }),
    ),
  ),
})

/** Version 1 forecasts so many days. */
export const v1DaysMax = 10
type Zoned = Point & { timezone?: string }

/** Latitude first here, in the path. */
const path = (kind: string, { latitude, longitude }: Point): string =>
  `/weather/v1/${kind}/${latitude.toFixed(2)}/${longitude.toFixed(2)}`

/** The weather at this moment. The answer has no time of its own: it is that of the request. */
export async function nowOfV1(
  context: ToolContext,
  point: Zoned,
  language: Language,
): Promise<{ now: Now; sources: string[] }> {
  const answer = await askQweather(context, path('current', point), {
    schema: Current,
    query: { lang: language, localTime: true },
  })
  const celsius = answer.temperature?.value
  if (answer.metadata.zeroResult || celsius == null)
    throw fail('TG_UPSTREAM_INVALID', qweather, 'it has no weather for this place')
  const { humidity, visibility, pressure, feelsLike } = answer
  return {
    now: {
      time: inZone(context.now(), point.timezone),
      celsius,
      ...present({
        feels_like_celsius: feelsLike?.value,
        humidity_percent: humidity == null ? undefined : Math.round(humidity * 100),
        wind_kmh: kmh(answer.wind),
        wind_degrees: answer.wind?.direction?.degree,
        precipitation_mm: answer.precipitation?.amount?.value,
        pressure_hpa: pressure?.value,
        visibility_km: visibility?.value == null ? undefined : visibility.value / 1000,
      }),
      condition: qweatherCondition(answer.condition ?? {}, language),
    },
    sources: answer.metadata.attributions ?? [],
  }
}

/** The days to come, at most `v1DaysMax`. */
export async function daysOfV1(
  context: ToolContext,
  point: Zoned,
  ask: { days: number; language: Language },
): Promise<{ days: Day[]; sources: string[] }> {
  const answer = await askQweather(context, path('daily', point), {
    schema: Daily,
    query: { days: ask.days, lang: ask.language, localTime: true },
  })
  const { days = [], metadata } = answer
  if (metadata.zeroResult || days.length === 0)
    throw fail('TG_UPSTREAM_INVALID', qweather, 'it has no days for this place')
  return {
    days: days.slice(0, ask.days).map(day => dayOf(day, point.timezone, ask.language)),
    sources: metadata.attributions ?? [],
  }
}

type Daily = NonNullable<Static<typeof Daily>['days']>[number]

function dayOf(day: Daily, timezone: string | undefined, language: Language): Day {
  const { daytime, nighttime, astro } = day
  return {
    date: localDay(day.forecastStartTime, timezone),
    ...present({
      min_celsius: day.temperatureMin?.value,
      max_celsius: day.temperatureMax?.value,
      precipitation_mm: sum(
        daytime?.precipitation?.amount?.value,
        nighttime?.precipitation?.amount?.value,
      ),
      precipitation_percent: percent(
        strongest(
          daytime?.precipitation?.probability ?? undefined,
          nighttime?.precipitation?.probability ?? undefined,
        ),
      ),
      wind_kmh: strongest(kmh(daytime?.wind), kmh(nighttime?.wind)),
      sunrise: local(astro?.sunrise, timezone),
      sunset: local(astro?.sunset, timezone),
    }),
    condition: qweatherCondition(daytime?.condition ?? nighttime?.condition ?? {}, language),
  }
}

/** A day begins at midnight there, or at its night before: its noon is on it in either case. */
function localDay(start: string, timezone: string | undefined): string {
  const noon = Date.parse(start) + 12 * 3_600_000
  if (Number.isNaN(noon)) throw fail('TG_UPSTREAM_INVALID', qweather, 'it has a day without a date')
  return start.endsWith('Z') ? inZone(noon, timezone).slice(0, 10) : start.slice(0, 10)
}

const local = (time: string | null | undefined, timezone: string | undefined) => {
  if (!time) return undefined
  const ms = Date.parse(time)
  return Number.isNaN(ms) || !time.endsWith('Z') ? time : inZone(ms, timezone)
}

/** Their wind is in m/s. */
const kmh = (from: Static<typeof wind> | undefined): number | undefined =>
  from?.speed?.value == null ? undefined : Math.round(from.speed.value * 36) / 10
const percent = (part: number | undefined) =>
  part === undefined ? undefined : Math.round(part * 100)
const sum = (...values: (number | null | undefined)[]): number | undefined => {
  const there = values.filter(value => value != null)
  return there.length > 0
    ? Math.round(there.reduce((all, value) => all + value, 0) * 100) / 100
    : undefined
}
