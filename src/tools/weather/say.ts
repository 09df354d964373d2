import { windFrom } from './conditions.ts'
import { type Language, languageOf } from './language.ts'
import type { Day, DaysOutput, NowOutput, PlaceInput } from './shapes.ts'

const round = (value: number, digits = 0): string => String(Number(value.toFixed(digits)))
const degrees = (celsius: number): string =>
  `${round(celsius, 1)} °C (${round(celsius * 1.8 + 32)} °F)`
const speed = (kmh: number): string => `${round(kmh)} km/h (${round(kmh / 1.609344)} mph)`
const depth = (mm: number): string => `${round(mm, 1)} mm (${round(mm / 25.4, 2)} in)`
const distance = (km: number): string => `${round(km, 1)} km (${round(km / 1.609344, 1)} mi)`
const pressure = (hpa: number): string => `${round(hpa)} hPa (${round(hpa / 33.8639, 2)} inHg)`

/** What the texts are made of, in both languages. */
const words = {
  en: {
    feels: 'feels like',
    humidity: 'humidity',
    wind: 'wind',
    from: (degrees: number) => ` from the ${windFrom(degrees, 'en')}`,
    rain: 'precipitation',
    chance: 'chance of rain',
    pressure: 'pressure',
    visibility: 'visibility',
    to: ' to ',
    sun: 'sun',
    comma: ', ',
    stop: '. ',
    alternatives: 'Other places of that name: ',
  },
  zh: {
    feels: '体感',
    humidity: '湿度',
    wind: '风速',
    from: (degrees: number) => `，${windFrom(degrees, 'zh')}`,
    rain: '降水',
    chance: '降水概率',
    pressure: '气压',
    visibility: '能见度',
    to: ' 至 ',
    sun: '日出日落',
    comma: '，',
    stop: '。',
    alternatives: '同名的其他地方：',
  },
} satisfies Record<Language, object>

type Value = number | undefined
const labelled = (label: string, value: Value, say: (value: number) => string): string[] =>
  value === undefined ? [] : [`${label} ${say(value)}`]
const percent = (value: number): string => `${round(value)}%`

/** The weather of one moment, for a model to read: both systems of units, the source at the end. */
export function sayNow(output: NowOutput, input: PlaceInput): string {
  const language = languageOf(input)
  const say = words[language]
  const { wind_degrees: direction } = output
  const from = direction === undefined ? '' : say.from(direction)
  const facts = [
    output.condition,
    degrees(output.celsius),
    ...labelled(say.feels, output.feels_like_celsius, degrees),
    ...labelled(say.humidity, output.humidity_percent, percent),
    ...labelled(say.wind, output.wind_kmh, kmh => `${speed(kmh)}${from}`),
    ...labelled(say.rain, output.precipitation_mm, depth),
    ...labelled(say.pressure, output.pressure_hpa, pressure),
    ...labelled(say.visibility, output.visibility_km, distance),
  ]
  return `${where(output, language)}, ${output.time}: ${facts.join(say.comma)}${say.stop.trim()}\n${foot(output, language)}`
}

/** The weather of days, a line each. */
export function sayDays(output: DaysOutput, input: PlaceInput): string {
  const language = languageOf(input)
  const lines = output.days.map(day => sayDay(day, language))
  return [`${where(output, language)}:`, ...lines, foot(output, language)].join('\n')
}

function sayDay(day: Day, language: Language): string {
  const say = words[language]
  const { min_celsius: low, max_celsius: high, sunrise, sunset } = day
  const range = [low, high].flatMap(value => (value === undefined ? [] : degrees(value)))
  const facts = [
    day.condition,
    ...(range.length > 0 ? [range.join(say.to)] : []),
    ...labelled(say.rain, day.precipitation_mm, depth),
    ...labelled(say.chance, day.precipitation_percent, percent),
    ...labelled(say.wind, day.wind_kmh, speed),
    ...(sunrise && sunset ? [`${say.sun} ${clock(sunrise)}–${clock(sunset)}`] : []),
  ]
  return `${day.date}: ${facts.join(say.comma)}`
}

const clock = (time: string): string => time.slice(11, 16)

type Placed = Pick<NowOutput, 'place' | 'region' | 'country'>
const where = ({ place, region, country }: Placed, language: Language): string =>
  [place, region, country].filter(Boolean).join(words[language].comma)

type Sourced = Pick<NowOutput, 'attribution' | 'note' | 'alternatives'>
function foot({ attribution, note, alternatives }: Sourced, language: Language): string {
  const others = alternatives
    ? `${words[language].alternatives}${alternatives.join('; ')}`
    : undefined
  return [others, note, attribution].filter(Boolean).join('\n')
}
