import { setTimeout as delay } from 'node:timers/promises'
import type { TSchema } from 'typebox'
import type { Dispatcher } from 'undici'
import { failFrom, isToolError, type ToolError } from '../../registry/errors.ts'
import type { GetJson, Settings, Tool, ToolContext, UpstreamOptions } from '../../registry/tool.ts'
import { type Breaker, createBreaker, type Permit } from '../policies/breaker.ts'
import type { Pace, PaceWait } from '../policies/pace.ts'
import type { TellStage } from '../telemetry/stages.ts'
import { createRedact } from './redact.ts'
import { createRetryBudget } from './retry-budget.ts'
import {
  createFit,
  parseJson,
  retryAfterOf,
  statusError,
  type UpstreamAnswer,
} from './upstream-answer.ts'
import { createBases, type UpstreamBase } from './upstream-base.ts'
import { isDropped, transportError } from './upstream-error.ts'
import { type Ask, askOf, send } from './upstream-send.ts'

/** What one upstream request is bounded by. */
export const upstreamLimits = {
  bodyBytesMax: 10 * 1_048_576,
  redirectsMax: 3,
  /** Second tries of a GET whose connection broke or that a proxy answered for. */
  retriesMax: 1,
  /** A second try waits for between one and two times this. */
  retryWaitMs: 100,
  /** No second try with less time left than this. */
  retryTimeMsMin: 1_000,
  /** The upstream is given up this long before the call's deadline, so that the error names it. */
  marginMs: 200,
  /** A request that had less time than this says nothing about the health of its upstream. */
  slowMsMin: 5_000,
} as const

/** The call on whose behalf requests are made. */
export type UpstreamCall = PaceWait

/** What has to be known of a tool that asks. */
export type UpstreamTool = Pick<Tool, 'pace'> & { name?: string }

/** The way of tools to the services behind them. */
export type Upstream = {
  for(tool: UpstreamTool, call: UpstreamCall): Pick<ToolContext, 'getJson' | 'getText'>
}

type Options = {
  /** A guard's, whose allowed origins are those of the settings. */
  dispatcher: Dispatcher
  settings: Settings
  pace: Pace
  breaker?: Breaker
  now?: () => number
  random?: () => number
  version?: string
  /** Told what waiting for a turn and for the upstream took. */
  onStage?: TellStage
  limits?: Partial<Record<keyof typeof upstreamLimits, number>>
}

/**
 * Makes the client of upstream services. Each request is paced, guarded by a circuit breaker, ended
 * by the call's signal and deadline, bounded and checked; whatever goes wrong names the upstream and
 * holds no secret.
 */
export function createUpstream(options: Options): Upstream {
  const { settings, now = Date.now } = options
  const userAgent = `toolgate/${options.version ?? '0'}`
  const redact = createRedact(settings)
  const fit = createFit()
  const exchange = createExchange(options)

  return {
    for: (tool, call) => {
      const getText = async (url: string | URL, accept: string, wanted: UpstreamOptions) => {
        const ask = askOf(url, wanted, { accept, userAgent })
        const { host } = ask.url
        const answer = await exchange(tool, call, ask)
        if (answer.status < 300) return { host, text: answer.text }
        const own = ask.onError?.({ status: answer.status, text: answer.text })
        throw own ?? statusError(host, answer, { redact, nowMs: now() })
      }
      const getJson = async (
        url: string | URL,
        wanted: UpstreamOptions & { schema?: TSchema } = {},
      ) => {
        const { host, text } = await getText(url, 'application/json', wanted)
        const json = parseJson(host, text, redact)
        return wanted.schema ? fit(host, wanted.schema, json) : json
      }
      return {
        getJson: getJson as GetJson,
        getText: async (url, wanted = {}) => (await getText(url, '*/*', wanted)).text,
      }
    },
  }
}

type Exchange = (tool: UpstreamTool, call: UpstreamCall, ask: Ask) => Promise<UpstreamAnswer>

/** Asks, and asks once more where that is harmless and likely to help. */
function createExchange(options: Options): Exchange {
  const { now = Date.now, random = Math.random } = options
  const limits = { ...upstreamLimits, ...options.limits }
  const budget = createRetryBudget()
  const basesOf = createBases(options.settings)
  const attempt = createAttempt(options)

  return async (tool, call, ask) => {
    const base = basesOf(tool, ask.url)
    budget.earn(base.key)
    for (let tries = 0; ; tries++) {
      const outcome = await attempt(base, call, { ask, tool: tool.name ?? 'unknown' }).catch(
        (error: ToolError) => error,
      )
      const isWorthIt =
        outcome instanceof Error ? isDropped(outcome) : [502, 504].includes(outcome.status)
      const mayRetry =
        isWorthIt &&
        tries < limits.retriesMax &&
        ask.method === 'GET' &&
        call.deadlineAt - now() >= limits.retryTimeMsMin &&
        budget.spend(base.key)
      if (!mayRetry) {
        if (outcome instanceof Error) throw outcome
        return outcome
      }
      await rest(limits.retryWaitMs * (1 + random()), base.host, call.signal)
    }
  }
}

async function rest(ms: number, host: string, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal })
  } catch (cause) {
    throw transportError(cause, { host, signal, elapsedMs: ms })
  }
}

type Asked = { ask: Ask; tool: string }

/** One request: breaker, pace, deadline; throws only errors of ours. */
function createAttempt(options: Options) {
  const { dispatcher, pace, now = Date.now, onStage } = options
  const limits = { ...upstreamLimits, ...options.limits }
  const breaker = options.breaker ?? createBreaker({ now })

  return async (base: UpstreamBase, call: UpstreamCall, asked: Asked): Promise<UpstreamAnswer> => {
    const { ask, tool } = asked
    const permit = breaker.enter(base.key)
    let { signal } = call
    let started = now()
    let release: (() => void) | undefined
    try {
      if (base.intervalMs) {
        release = await pace.take(base.host, base.intervalMs, call)
        onStage?.('pace', tool, now() - started)
      }
      started = now()
      signal = withinDeadline(call, limits.marginMs, started)
      const answer = await send(ask, { dispatcher, signal, limits })
      judge(permit, answer, now())
      return answer
    } catch (cause) {
      const elapsedMs = now() - started
      const error = transportError(cause, { host: base.host, signal, elapsedMs })
      if (isUpstreamsFault(error, elapsedMs, limits.slowMsMin)) permit.fail()
      else permit.leave()
      // The operator named this address: that the guard refuses it is no fault of the caller.
      if (error.code === 'TG_URL_REFUSED' && base.isOperators)
        throw failFrom(error, 'TG_UPSTREAM_UNREACHABLE', base.host, error.message)
      throw error
    } finally {
      onStage?.('upstream', tool, now() - started)
      release?.()
    }
  }
}

/** The call's signal, and a little before its deadline one of our own. */
function withinDeadline(call: UpstreamCall, marginMs: number, nowMs: number): AbortSignal {
  const leftMs = call.deadlineAt - nowMs
  if (!Number.isFinite(leftMs)) return call.signal
  const ms = Math.max(leftMs - marginMs, leftMs / 2, 0)
  return AbortSignal.any([call.signal, AbortSignal.timeout(Math.ceil(ms))])
}

function judge(permit: Permit, { status, headers }: UpstreamAnswer, nowMs: number): void {
  if (status >= 500) permit.fail()
  else permit.succeed()
  if (status !== 429 && status !== 503) return
  const pauseMs = retryAfterOf(headers, nowMs)
  if (pauseMs) permit.hold(pauseMs)
}

const isUpstreamsFault = (error: Error, elapsedMs: number, slowMsMin: number): boolean =>
  isToolError(error) &&
  (error.code === 'TG_UPSTREAM_UNREACHABLE' ||
    (error.code === 'TG_DEADLINE' && elapsedMs >= slowMsMin))
