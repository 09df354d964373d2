import Type, { type Static } from 'typebox'
import { fail } from '../../registry/errors.ts'
import type { ToolContext } from '../../registry/tool.ts'
import { qweatherCondition } from './conditions.ts'
import type { Language } from './language.ts'
import type { Point } from './open-meteo.ts'
import { askQweather, qweather } from './qweather.ts'
import { type Day, type Now, present } from './shapes.ts'

/** Every value is a string; optional ones may be missing, or empty. */
const value = Type.Optional(Type.Union([Type.String(), Type.Null()]))
const refer = Type.Optional(Type.Object({ sources: Type.Optional(Type.Array(Type.String())) }))
const NowAnswer = Type.Object({
  code: Type.String(),
  now: Type.Optional(
    Type.Object({
      obsTime: Type.String(),
      temp: Type.String(),
      feelsLike: value,
      icon: value,
      text: value,
      wind360: value,
      windSpeed: value,
      humidity: value,
      precip: value,
      pressure: value,
      vis: value,
    }),
  ),
  refer,
})
const DailyAnswer = Type.Object({
  code: Type.String(),
  daily: Type.Optional(
    Type.Array(
      Type.Object({
        fxDate: Type.String(),
        sunrise: value,
        sunset: value,
        tempMax: value,
        tempMin: value,
        iconDay: value,
        textDay: value,
        windSpeedDay: value,
        windSpeedNight: value,
        precip: value,
      }),
    ),
  ),
  updateTime: value,
  refer,
})

/** Longitude first here, and two decimals at most. */
const location = ({ latitude, longitude }: Point): string =>
  `${longitude.toFixed(2)},${latitude.toFixed(2)}`

/** The weather at this moment, from version 7, which ends in June 2027. */
export async function nowOfV7(
  context: ToolContext,
  point: Point,
  language: Language,
): Promise<{ now: Now; sources: string[] }> {
  const answer = await askQweather(context, '/v7/weather/now', {
    schema: NowAnswer,
    query: { location: location(point), lang: language, unit: 'm' },
  })
  const celsius = numberOf(answer.now?.temp)
  if (!answer.now || celsius === undefined)
    throw fail('TG_UPSTREAM_INVALID', qweather, 'it has no temperature')
  const { now } = answer
  return {
    now: {
      time: now.obsTime,
      celsius,
      ...present({
        feels_like_celsius: numberOf(now.feelsLike),
        humidity_percent: numberOf(now.humidity),
        wind_kmh: numberOf(now.windSpeed),
        wind_degrees: numberOf(now.wind360),
        precipitation_mm: numberOf(now.precip),
        pressure_hpa: numberOf(now.pressure),
        visibility_km: numberOf(now.vis),
      }),
      condition: qweatherCondition({ text: now.text, code: now.icon }, language),
    },
    sources: answer.refer?.sources ?? [],
  }
}

const spans = [3, 7, 10, 15, 30] as const

/** The days to come, at most 30. */
export async function daysOfV7(
  context: ToolContext,
  point: Point,
  ask: { days: number; language: Language },
): Promise<{ days: Day[]; sources: string[] }> {
  const span = spans.find(length => length >= ask.days) ?? 30
  const answer = await askQweather(context, `/v7/weather/${span}d`, {
    schema: DailyAnswer,
    query: { location: location(point), lang: ask.language, unit: 'm' },
  })
  const { daily = [], updateTime } = answer
  if (daily.length === 0) throw fail('TG_UPSTREAM_INVALID', qweather, 'it has no days')
  const offset = /([+-]\d{2}:\d{2}|Z)$/.exec(updateTime ?? '')?.[1] ?? ''
  return {
    days: daily.slice(0, ask.days).map(day => dayOf(day, offset, ask.language)),
    sources: answer.refer?.sources ?? [],
  }
}

type Daily = NonNullable<Static<typeof DailyAnswer>['daily']>[number]

const dayOf = (day: Daily, offset: string, language: Language): Day => ({
  date: day.fxDate,
  ...present({
    min_celsius: numberOf(day.tempMin),
    max_celsius: numberOf(day.tempMax),
    precipitation_mm: numberOf(day.precip),
    wind_kmh: strongest(numberOf(day.windSpeedDay), numberOf(day.windSpeedNight)),
    sunrise: clock(day.fxDate, day.sunrise, offset),
    sunset: clock(day.fxDate, day.sunset, offset),
  }),
  condition: qweatherCondition({ text: day.textDay, code: day.iconDay }, language),
})

/** `06:58` on a day, as a whole time; an empty one is none. */
const clock = (date: string, time: string | null | undefined, offset: string) =>
  /^\d{2}:\d{2}$/.test(time ?? '') ? `${date}T${time}${offset}` : undefined

/** An empty string is no value, least of all 0. */
const numberOf = (text: string | null | undefined): number | undefined => {
  const number = text?.trim() ? Number(text) : Number.NaN
  return Number.isFinite(number) ? number : undefined
}

/** The larger of those that are there. */
export const strongest = (...values: (number | undefined)[]): number | undefined => {
  const there = values.filter(value => value !== undefined)
  return there.length > 0 ? Math.max(...there) : undefined
}
