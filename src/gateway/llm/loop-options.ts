import Type, { type Static } from 'typebox'
import { Check, Errors } from 'typebox/schema'
import { isToolError } from '../../registry/errors.ts'
import { nearestName } from '../../registry/parse.ts'
import { isRecord } from './json.ts'
import type { LoopCaller, LoopTool, LoopTools } from './loop-tools.ts'
import { refuse } from './problem.ts'

const closed = { additionalProperties: false }
const LoopField = Type.Object(
  {
    tools: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 200 }), { maxItems: 100 }),
    ),
    maxSteps: Type.Optional(Type.Integer({ minimum: 1, maximum: 64 })),
    maxCalls: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
    maxTokens: Type.Optional(Type.Integer({ minimum: 1 })),
    deadlineMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 600_000 })),
    callDeadlineMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 600_000 })),
    streamSteps: Type.Optional(Type.Boolean()),
  },
  closed,
)

/** The `toolgate` field of a request, every default filled in. */
export type LoopOptions = Required<Omit<Static<typeof LoopField>, 'maxTokens'>> & {
  maxTokens?: number
}

const defaults = {
  tools: ['*'],
  maxSteps: 8,
  maxCalls: 32,
  deadlineMs: 120_000,
  callDeadlineMs: 30_000,
  streamSteps: true,
}

/** Reads the field; undefined where the request has none. */
export function loopOptionsOf(field: unknown): LoopOptions | undefined {
  if (field === undefined || field === null) return undefined
  if (Check(LoopField, field)) return { ...defaults, ...(field as Static<typeof LoopField>) }
  const names = Object.keys(LoopField.properties)
  const unknown = isRecord(field) && Object.keys(field).find(name => !names.includes(name))
  if (unknown) {
    const near = nearestName(unknown, names)
    const hint = near ? `did you mean ${near}?` : `there are ${names.join(', ')}`
    throw refuse(`toolgate.${unknown.slice(0, 60)}`, `is not known: ${hint}`)
  }
  const [, errors] = Errors(LoopField, field)
  const [first] = errors.filter(({ keyword }) => keyword !== 'boolean')
  const where = `toolgate${(first?.instancePath ?? '').replaceAll('/', '.')}`
  throw refuse(where, first?.message ?? 'is malformed')
}

/** The tools a loop offers; a pattern that names none is a mistake in the request's own member. */
export function offeredTools(
  tools: LoopTools,
  { tools: patterns }: LoopOptions,
  caller: LoopCaller,
): LoopTool[] {
  try {
    return tools.list(patterns, caller)
  } catch (error) {
    if (!isToolError(error) || error.code !== 'TG_QUERY') throw error
    throw refuse('toolgate.tools', String(error.args[1]))
  }
}
