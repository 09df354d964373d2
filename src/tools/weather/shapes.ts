import Type, { type Static } from 'typebox'
import { Language } from './language.ts'

const text = (description: string) => Type.String({ description })
const number = (description: string) => Type.Number({ description })
const optional = (description: string) => Type.Optional(number(description))

/** The two inputs of every weather tool. */
export const placeInput = {
  place: Type.String({
    description:
      'City or town in any language, with a region or country if it is common: Shanghai, 上海, "Paris, France"; or latitude,longitude: 31.2,121.5',
    minLength: 1,
    maxLength: 80,
  }),
  language: Type.Optional(Language),
}
/** The arguments that say where. */
export type PlaceInput = { place: string; language?: Language }

/** What every weather tool says about where the answer is for and where it is from. */
export const placeOutput = {
  place: text('The place that was found; the coordinates when they were asked for'),
  region: Type.Optional(text('State, province or region of the place')),
  country: Type.Optional(text('Country of the place; absent for coordinates')),
  latitude: number('Degrees north of the equator, -90 to 90'),
  longitude: number('Degrees east of Greenwich, -180 to 180'),
}
/** What every answer says of where it comes from. */
export const sourceOutput = {
  source: text('The service that answered'),
  attribution: text('What to show beside the data, as the licences demand'),
  note: Type.Optional(text('Said when another service had to stand in, and why')),
  alternatives: Type.Optional(
    Type.Array(Type.String(), {
      description: 'Other places of that name, each ready to be used as `place`',
    }),
  ),
}

/** The weather of one moment. A value that nobody measured is absent. */
export const Now = Type.Object({
  time: text('When it was observed: local time with its offset from UTC'),
  celsius: number('Air temperature 2 m above ground, °C'),
  feels_like_celsius: optional('Apparent temperature, °C'),
  humidity_percent: optional('Relative humidity, 0 to 100 %'),
  wind_kmh: optional('Wind speed 10 m above ground, km/h'),
  wind_degrees: optional('Where the wind comes from: 0 north, 90 east, 0 to 360°'),
  precipitation_mm: optional('Rain or snow of the last interval, mm of water'),
  pressure_hpa: optional('Air pressure at sea level, hPa'),
  visibility_km: optional('How far one can see, km'),
  condition: text('The weather in words, in the language of the answer'),
})
/** The weather at one moment. */
export type Now = Static<typeof Now>

/** The weather of one day at the place. A value that nobody forecast or measured is absent. */
export const Day = Type.Object({
  date: text('Day at the place, YYYY-MM-DD'),
  min_celsius: optional('Lowest air temperature, °C'),
  max_celsius: optional('Highest air temperature, °C'),
  precipitation_mm: optional('Rain and snow of the day, mm of water'),
  precipitation_percent: optional('Chance of rain or snow, 0 to 100 %; forecasts only'),
  wind_kmh: optional('Strongest wind 10 m above ground, km/h'),
  condition: text('The weather in words, in the language of the answer'),
  sunrise: Type.Optional(text('Local time with its offset; absent without a sunrise')),
  sunset: Type.Optional(text('Local time with its offset; absent without a sunset')),
})
/** The weather of one day. */
export type Day = Static<typeof Day>

/** A part of an answer, and the service it is from. */
export type Sourced<Part> = Part & { source: string; attribution: string; note?: string }

const days = (description: string) => Type.Array(Day, { description })
/** What weather_now gives. */
export const NowOutput = Type.Object({ ...placeOutput, ...Now.properties, ...sourceOutput })
/** The answer of weather_now. */
export type NowOutput = Static<typeof NowOutput>
/** What weather_forecast gives. */
export const ForecastOutput = Type.Object({
  ...placeOutput,
  days: days('The days to come, today first'),
  ...sourceOutput,
})
/** What weather_history gives. */
export const HistoryOutput = Type.Object({
  ...placeOutput,
  days: days('The days asked for, the earliest first'),
  ...sourceOutput,
})
/** The answer of weather_forecast and weather_history. */
export type DaysOutput = Static<typeof ForecastOutput>

/** The fields that have a value: null, undefined, NaN and nothing else are left out, never 0. */
export const present = <Fields extends Record<string, unknown>>(
  fields: Fields,
): { [Name in keyof Fields]?: NonNullable<Fields[Name]> } =>
  Object.fromEntries(
    Object.entries(fields).filter(
      ([, value]) => value !== null && value !== undefined && !Number.isNaN(value),
    ),
  ) as { [Name in keyof Fields]?: NonNullable<Fields[Name]> }
