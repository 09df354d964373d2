import type { Language } from './language.ts'

/** WMO code 4677 as Open-Meteo uses it: what the sky does, in words. */
const wmo: Record<number, Record<Language, string>> = {
  0: { en: 'clear sky', zh: '晴' },
  1: { en: 'mainly clear', zh: '晴间少云' },
  2: { en: 'partly cloudy', zh: '多云' },
  3: { en: 'overcast', zh: '阴' },
  45: { en: 'fog', zh: '雾' },
  48: { en: 'freezing fog', zh: '冻雾' },
  51: { en: 'light drizzle', zh: '小毛毛雨' },
  53: { en: 'drizzle', zh: '毛毛雨' },
  55: { en: 'heavy drizzle', zh: '大毛毛雨' },
  56: { en: 'light freezing drizzle', zh: '小冻毛毛雨' },
  57: { en: 'freezing drizzle', zh: '冻毛毛雨' },
  61: { en: 'light rain', zh: '小雨' },
  63: { en: 'rain', zh: '中雨' },
  65: { en: 'heavy rain', zh: '大雨' },
  66: { en: 'light freezing rain', zh: '小冻雨' },
  67: { en: 'freezing rain', zh: '冻雨' },
  71: { en: 'light snow', zh: '小雪' },
  73: { en: 'snow', zh: '中雪' },
  75: { en: 'heavy snow', zh: '大雪' },
  77: { en: 'snow grains', zh: '米雪' },
  80: { en: 'light showers', zh: '小阵雨' },
  81: { en: 'showers', zh: '阵雨' },
  82: { en: 'violent showers', zh: '强阵雨' },
  85: { en: 'light snow showers', zh: '小阵雪' },
  86: { en: 'snow showers', zh: '阵雪' },
  95: { en: 'thunderstorm', zh: '雷暴' },
  96: { en: 'thunderstorm with light hail', zh: '雷暴伴小冰雹' },
  99: { en: 'thunderstorm with hail', zh: '雷暴伴冰雹' },
}

const unknown: Record<Language, string> = { en: 'unknown', zh: '未知' }

/** A WMO code in words; a code that is missing or new is "unknown", never guessed. */
export const wmoCondition = (code: number | null | undefined, language: Language): string =>
  (wmo[code ?? -1] ?? unknown)[language]

/**
 * A condition of QWeather: its own words, which come in the language asked for, else those of its
 * code's family.
 */
export function qweatherCondition(
  condition: { text?: string | null | undefined; code?: string | null | undefined },
  language: Language,
): string {
  const text = condition.text?.trim()
  if (text) return language === 'en' ? text.toLowerCase() : text
  const code = Number(condition.code?.trim() || Number.NaN)
  const family = qweatherFamilies.find(([from, to]) => code >= from && code <= to)
  return (family?.[2] ?? unknown)[language]
}

/** Ranges of QWeather's codes; those of the night are 50 above those of the day. */
const qweatherFamilies: [from: number, to: number, words: Record<Language, string>][] = [
  [100, 100, { en: 'clear sky', zh: '晴' }],
  [101, 103, { en: 'partly cloudy', zh: '多云' }],
  [104, 104, { en: 'overcast', zh: '阴' }],
  [150, 150, { en: 'clear sky', zh: '晴' }],
  [151, 153, { en: 'partly cloudy', zh: '多云' }],
  [154, 154, { en: 'overcast', zh: '阴' }],
  [300, 301, { en: 'showers', zh: '阵雨' }],
  [302, 304, { en: 'thunderstorm', zh: '雷阵雨' }],
  [305, 399, { en: 'rain', zh: '雨' }],
  [400, 499, { en: 'snow', zh: '雪' }],
  [500, 515, { en: 'fog, haze or dust', zh: '雾、霾或沙尘' }],
]

const compass: Record<Language, readonly string[]> = {
  en: ['north', 'northeast', 'east', 'southeast', 'south', 'southwest', 'west', 'northwest'],
  zh: ['北风', '东北风', '东风', '东南风', '南风', '西南风', '西风', '西北风'],
}

/** Where wind from so many degrees comes from: "southeast", "东南风". */
export const windFrom = (degrees: number, language: Language): string =>
  compass[language][Math.round((((degrees % 360) + 360) % 360) / 45) % 8] ?? ''

/** Where the Beaufort forces 1 to 12 begin, km/h. */
const beaufortKmh = [1, 6, 12, 20, 29, 39, 50, 62, 75, 89, 103, 118]

/** The Beaufort force of a wind, 0 to 12. */
export function beaufort(kmh: number): number {
  const force = beaufortKmh.findIndex(end => kmh < end)
  return force < 0 ? 12 : force
}
