import { fail } from '../registry/errors.ts'

/** Milliseconds of a day. */
export const dayMs = 86_400_000

/** The calendar day of an instant in UTC, as YYYY-MM-DD. */
export const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

/** A day so many days later. */
export const addDays = (day: string, days: number): string => dayOf(Date.parse(day) + days * dayMs)

/** From one day to another, counting both. */
export const daysBetween = (start: string, end: string): number =>
  (Date.parse(end) - Date.parse(start)) / dayMs + 1

/** Refuses what is not a day of the calendar, such as 2023-02-30. */
export function checkDay(tool: string, argument: string, day: string): void {
  const ms = /^\d{4}-\d{2}-\d{2}$/.test(day) ? Date.parse(`${day}T00:00:00Z`) : Number.NaN
  if (Number.isNaN(ms) || dayOf(ms) !== day)
    throw fail(
      'TG_ARGUMENT_INVALID',
      tool,
      argument,
      `must be a day of the calendar such as 2024-05-01, not "${day}"`,
    )
}

/** Refuses an end before its start. */
export function checkOrder(tool: string, start: string, end: string): void {
  if (start > end)
    throw fail('TG_ARGUMENT_INVALID', tool, 'end_date', `must not be before start_date, ${start}`)
}
