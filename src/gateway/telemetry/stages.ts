import type { CallContext, Interceptor } from '../../registry/call.ts'
import type { Tool } from '../../registry/tool.ts'

/** The parts of a call whose time is told, in the order in which a call meets them. */
export const stages = ['parse', 'cache', 'queue', 'pace', 'upstream', 'run'] as const
/** One of them. */
export type Stage = (typeof stages)[number]
/** Told what a stage of a call of a tool took. */
export type TellStage = (stage: Stage, tool: string, ms: number) => void

/** Stands first of all policies: what came before it was reading the arguments. */
export const timeArrival =
  (tell: TellStage): Interceptor =>
  next =>
  (tool, input, context) => {
    const { startedAt } = context
    if (startedAt !== undefined) tell('parse', tool.name, performance.now() - startedAt)
    return next(tool, input, context)
  }

/** Times what a policy takes until it lets a call through, or answers or refuses it itself. */
export const timeUntilNext =
  (stage: Stage, tell: TellStage, policy: Interceptor): Interceptor =>
  next => {
    const stop = (tool: Tool, context: CallContext): void => {
      const { stageAt } = context
      if (stageAt === undefined) return
      context.stageAt = undefined
      tell(stage, tool.name, performance.now() - stageAt)
    }
    const call = policy((tool, input, context) => {
      stop(tool, context)
      return next(tool, input, context)
    })
    return async (tool, input, context) => {
      // A call is in one stage at a time, and each ends before the next begins.
      context.stageAt = performance.now()
      try {
        return await call(tool, input, context)
      } finally {
        stop(tool, context)
      }
    }
  }

/** Times all that lies behind it. */
export const timeAll =
  (stage: Stage, tell: TellStage): Interceptor =>
  next =>
  async (tool, input, context) => {
    const startedAt = performance.now()
    try {
      return await next(tool, input, context)
    } finally {
      tell(stage, tool.name, performance.now() - startedAt)
    }
  }
