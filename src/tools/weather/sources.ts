import { setTimeout as delay } from 'node:timers/promises'
import { fail, isToolError } from '../../registry/errors.ts'
import type { ToolContext } from '../../registry/tool.ts'
import type { Language } from './language.ts'
import type { Place } from './likeliest.ts'
import { daysOfOpenMeteo, nowOfOpenMeteo, openMeteo } from './open-meteo.ts'
import { daysOfV1, nowOfV1, v1DaysMax } from './qweather-v1.ts'
import { daysOfV7, nowOfV7 } from './qweather-v7.ts'
import { hasQweather, isWorthAnotherVersion, qweather } from './qweather.ts'
import type { Day, Now, Sourced } from './shapes.ts'

/** QWeather may take so much of a call; Open-Meteo has the rest. */
const limits = { qweatherMs: 10_000 } as const

/** The weather at this moment, from QWeather where there is an account, else from Open-Meteo. */
export const nowAt = (
  context: ToolContext,
  place: Place,
  language: Language,
): Promise<Sourced<Now>> =>
  withFallback(
    context,
    async () => {
      const { now, sources } = await eitherVersion(
        () => nowOfV1(context, place, language),
        () => nowOfV7(context, place, language),
      )
      return { ...now, ...ofQweather(sources) }
    },
    () => nowOfOpenMeteo(context, place, language),
  )

/** The days to come, likewise. */
export const daysAt = (
  context: ToolContext,
  place: Place,
  ask: { days: number; language: Language },
): Promise<Sourced<{ days: Day[] }>> =>
  withFallback(
    context,
    async () => {
      const v7 = () => daysOfV7(context, place, ask)
      const { days, sources } =
        ask.days > v1DaysMax
          ? await v7()
          : await eitherVersion(() => daysOfV1(context, place, ask), v7)
      return { days, ...ofQweather(sources) }
    },
    async () => {
      const range = { forecast_days: ask.days }
      const days = await daysOfOpenMeteo(context, place, { language: ask.language, range })
      return { days, ...openMeteo }
    },
  )

async function eitherVersion<Answer>(
  first: () => Promise<Answer>,
  second: () => Promise<Answer>,
): Promise<Answer> {
  try {
    return await first()
  } catch (error) {
    if (!isWorthAnotherVersion(error)) throw error
    return second()
  }
}

/** QWeather failing is said, and no reason to leave the caller without weather. */
async function withFallback<Answer extends object>(
  context: ToolContext,
  preferred: () => Promise<Answer>,
  fallback: () => Promise<Answer>,
): Promise<Answer & { note?: string }> {
  if (!hasQweather(context)) return fallback()
  try {
    return await within(limits.qweatherMs, preferred)
  } catch (error) {
    if (context.signal.aborted || !isToolError(error)) throw error
    context.log.warn({ code: error.code, problem: error.message }, 'QWeather did not answer')
    const answer = await fallback()
    return { ...answer, note: `${openMeteo.source} stands in for ${qweather}: ${error.message}` }
  }
}

/** The call's own signal ends `run` as ever; this only leaves it behind when it is slow. */
async function within<Answer>(ms: number, run: () => Promise<Answer>): Promise<Answer> {
  const done = new AbortController()
  const late = delay(ms, undefined, { signal: done.signal }).then(() => {
    throw fail('TG_DEADLINE', qweather, ms)
  })
  try {
    return await Promise.race([run(), late])
  } finally {
    late.catch(() => undefined)
    done.abort()
  }
}

/** Their licence asks for this line, a link, and the sources that the answer names. */
const ofQweather = (sources: string[]): { source: string; attribution: string } => {
  const others = sources.filter(name => name !== qweather)
  const named = others.length > 0 ? `; sources: ${others.join(', ')}` : ''
  return {
    source: qweather,
    attribution: `Weather service by QWeather (https://www.qweather.com)${named}`,
  }
}
