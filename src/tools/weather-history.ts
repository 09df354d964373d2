import Type from 'typebox'
import { defineTool } from '../registry/tool.ts'
import { historyExamples } from './weather/examples.ts'
import { languageOf } from './weather/language.ts'
import { placed } from './weather/likeliest.ts'
import { checkPast, pastAt } from './weather/past.ts'
import { findPlace } from './weather/place.ts'
import { sayDays } from './weather/say.ts'
import { HistoryOutput, placeInput } from './weather/shapes.ts'

const name = 'weather_history'
const day = (description: string) =>
  Type.String({ description, pattern: String.raw`^\d{4}-\d{2}-\d{2}$` })

/** The weather of past days, back to 1940. */
export default defineTool({
  name,
  title: 'Weather of the past',
  description:
    'The weather in a place on past days since 1940, at most 366 at once: highs, lows, rain, wind. For this moment use weather_now, for days to come weather_forecast.',
  category: 'weather',
  tags: ['weather'],
  keywords: ['历史天气', '过去天气', '昨天天气', '气候', 'past weather', 'yesterday', 'climate'],
  input: Type.Object({
    ...placeInput,
    start_date: day('First day, YYYY-MM-DD, from 1940-01-01'),
    end_date: day('Last day, YYYY-MM-DD, at most 366 days from the first and not in the future'),
  }),
  output: HistoryOutput,
  text: sayDays,
  examples: historyExamples,
  cache: { ttlMs: 86_400_000, staleMs: 30 * 86_400_000 },
  async run({ start_date, end_date, ...input }, context) {
    const range = { start_date, end_date }
    checkPast(name, range, context.now())
    const language = languageOf(input)
    const place = await findPlace(context, { tool: name, ...input, language })
    return { ...placed(place), ...(await pastAt(context, place, { range, language })) }
  },
})
