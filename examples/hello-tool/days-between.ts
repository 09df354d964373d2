import { defineTool } from 'toolgate'
import Type from 'typebox'

const Day = (description: string) => Type.String({ description, format: 'date' })

export default defineTool({
  name: 'days_between',
  title: 'Days between two dates',
  description: 'Counts the days from one date to another. It does not know what day it is today.',
  input: Type.Object({
    start_date: Day('First day, YYYY-MM-DD'),
    end_date: Day('Last day, YYYY-MM-DD'),
  }),
  output: Type.Object({ days: Type.Integer({ description: 'Negative if the end comes first' }) }),
  text: ({ days }, { start_date, end_date }) => `${start_date} to ${end_date}: ${days} days`,
  examples: [
    { input: { start_date: '2026-01-01', end_date: '2026-12-31' }, output: { days: 364 } },
  ],
  async run({ start_date, end_date }) {
    return { days: (Date.parse(end_date) - Date.parse(start_date)) / 86_400_000 }
  },
})
