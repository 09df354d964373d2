import Type from 'typebox'
import { defineTool } from '../../src/registry/tool.ts'

/** An answer of the size and shape of weather's. */
export const answer = {
  place: 'Shanghai',
  country: 'China',
  latitude: 31.22,
  longitude: 121.46,
  time: '2026-11-24T18:00+08:00',
  celsius: 14.2,
  feels_like_celsius: 13.1,
  humidity_percent: 71,
  wind_kmh: 11.4,
  condition: 'Overcast',
  attribution: 'Weather data by Open-Meteo.com',
}
/** The arguments of the tool. */
export const Input = Type.Object(
  { place: Type.String({ minLength: 1, maxLength: 80, description: 'City' }) },
  { additionalProperties: false },
)
const text = (description: string) => Type.String({ description })
const number = (description: string) => Type.Number({ description })
/** What it gives. */
export const Output = Type.Object(
  {
    place: text('Name'),
    country: text('Country'),
    latitude: number('Degrees'),
    longitude: number('Degrees'),
    time: text('Local time'),
    celsius: number('°C'),
    feels_like_celsius: number('°C'),
    humidity_percent: number('Percent'),
    wind_kmh: number('km/h'),
    condition: text('In words'),
    attribution: text('Source'),
  },
  { additionalProperties: false },
)

/** A tool that does nothing but answer; with BENCH_UPSTREAM_URL it asks there first. */
export const benchTool = defineTool({
  name: 'bench',
  title: 'Bench',
  description: 'Answers at once.',
  input: Input,
  output: Output,
  cache: { ttlMs: 3_600_000 },
  async run({ place }, { getJson, setting }) {
    const upstream = setting('BENCH_UPSTREAM_URL')
    if (upstream) await getJson(upstream)
    return { ...answer, place }
  },
})
