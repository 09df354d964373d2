import Type from 'typebox'
import { defineTool } from '../registry/tool.ts'
import { nowExamples } from './weather/examples.ts'
import { languageOf } from './weather/language.ts'
import { placed } from './weather/likeliest.ts'
import { findPlace } from './weather/place.ts'
import { sayNow } from './weather/say.ts'
import { NowOutput, placeInput } from './weather/shapes.ts'
import { nowAt } from './weather/sources.ts'
import { weatherQuery } from './weather/weather-query.ts'

/** The weather in a place at this moment. */
export default defineTool({
  name: 'weather_now',
  title: 'Weather now',
  description:
    'The weather in a place right now: temperature, wind, humidity, rain, pressure, sight. For coming days use weather_forecast, for past days weather_history.',
  category: 'weather',
  tags: ['weather'],
  keywords: [
    '天气',
    '气温',
    '现在天气',
    '实时天气',
    '湿度',
    '风力',
    'temperature',
    'current weather',
  ],
  input: Type.Object(placeInput),
  output: NowOutput,
  text: sayNow,
  examples: nowExamples,
  cache: { ttlMs: 600_000, staleMs: 3_600_000 },
  aliases: { lagent: weatherQuery },
  async run(input, context) {
    const language = languageOf(input)
    const place = await findPlace(context, { tool: 'weather_now', ...input, language })
    return { ...placed(place), ...(await nowAt(context, place, language)) }
  },
})
