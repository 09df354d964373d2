import Type from 'typebox'
import { defineTool } from '../registry/tool.ts'
import { forecastExamples } from './weather/examples.ts'
import { languageOf } from './weather/language.ts'
import { placed } from './weather/likeliest.ts'
import { findPlace } from './weather/place.ts'
import { sayDays } from './weather/say.ts'
import { ForecastOutput, placeInput } from './weather/shapes.ts'
import { daysAt } from './weather/sources.ts'

const limits = { days: 3, daysMax: 16 } as const

/** The weather of the days to come. */
export default defineTool({
  name: 'weather_forecast',
  title: 'Weather forecast',
  description:
    'The weather in a place for today and up to 15 days more: highs, lows, rain, wind, sunrise and sunset. For this moment use weather_now, for past days weather_history.',
  category: 'weather',
  tags: ['weather'],
  keywords: [
    '天气预报',
    '预报',
    '明天天气',
    '未来天气',
    '下雨吗',
    '日出',
    'forecast',
    'tomorrow',
    'rain',
  ],
  input: Type.Object({
    ...placeInput,
    days: Type.Optional(
      Type.Integer({
        description: 'How many days, today included, 1 to 16',
        minimum: 1,
        maximum: limits.daysMax,
        default: limits.days,
      }),
    ),
  }),
  output: ForecastOutput,
  text: sayDays,
  examples: forecastExamples,
  cache: { ttlMs: 3_600_000, staleMs: 6 * 3_600_000 },
  async run({ days = limits.days, ...input }, context) {
    const language = languageOf(input)
    const place = await findPlace(context, { tool: 'weather_forecast', ...input, language })
    return { ...placed(place), ...(await daysAt(context, place, { days, language })) }
  },
})
