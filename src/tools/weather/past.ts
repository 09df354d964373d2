import { fail } from '../../registry/errors.ts'
import type { ToolContext } from '../../registry/tool.ts'
import { addDays, checkDay, checkOrder, dayMs, dayOf, daysBetween } from '../dates.ts'
import type { Language } from './language.ts'
import { archiveOfOpenMeteo, daysOfOpenMeteo, openMeteo, type Point } from './open-meteo.ts'
import type { Day, Sourced } from './shapes.ts'

/** What may be asked of the past. */
export const pastLimits = {
  /** The archive begins here. */
  dayMin: '1940-01-01',
  daysMax: 366,
  /** The archive lags behind; younger days are still in the forecast's memory. */
  archiveLagDays: 6,
  /** The day begins up to so early somewhere. */
  zoneHoursMax: 14,
} as const

type Range = { start_date: string; end_date: string }

/** Refuses days that are not on the calendar, in the wrong order, too many, too old or to come. */
export function checkPast(
  tool: string,
  { start_date: start, end_date: end }: Range,
  nowMs: number,
) {
  checkDay(tool, 'start_date', start)
  checkDay(tool, 'end_date', end)
  checkOrder(tool, start, end)
  const refuse = (argument: string, problem: string) =>
    fail('TG_ARGUMENT_INVALID', tool, argument, problem)
  if (start < pastLimits.dayMin)
    throw refuse('start_date', `must not be before ${pastLimits.dayMin}, where the archive begins`)
  const latest = dayOf(nowMs + pastLimits.zoneHoursMax * 3_600_000)
  if (end > latest)
    throw refuse('end_date', `must not be in the future, after ${latest}: use weather_forecast`)
  if (daysBetween(start, end) > pastLimits.daysMax)
    throw refuse('end_date', `must be at most ${pastLimits.daysMax} days from start_date`)
}

/** The weather of past days: the archive's, and for the last days what the forecast remembers. */
export async function pastAt(
  context: ToolContext,
  point: Point,
  ask: { range: Range; language: Language },
): Promise<Sourced<{ days: Day[] }>> {
  const { range, language } = ask
  const lastArchived = dayOf(context.now() - pastLimits.archiveLagDays * dayMs)
  const firstYoung = addDays(lastArchived, 1)
  const { start_date: start, end_date: end } = range
  const old =
    start <= lastArchived
      ? archiveOfOpenMeteo(context, point, {
          language,
          range: { start_date: start, end_date: earlier(end, lastArchived) },
        })
      : []
  const young =
    end >= firstYoung
      ? daysOfOpenMeteo(context, point, {
          language,
          range: { start_date: later(start, firstYoung), end_date: end },
        })
      : []
  const days = (await Promise.all([old, young])).flat()
  if (!days.some(isKnown))
    throw fail('TG_NOT_FOUND', 'weather data', `${start} to ${end}`, 'try other days')
  return {
    days,
    ...openMeteo,
    attribution: `${openMeteo.attribution}; past days: ERA5, Copernicus`,
  }
}

const earlier = (a: string, b: string): string => (a < b ? a : b)
const later = (a: string, b: string): string => (a > b ? a : b)
const isKnown = (day: Day): boolean =>
  day.max_celsius !== undefined ||
  day.min_celsius !== undefined ||
  day.precipitation_mm !== undefined
