import Type, { type Static } from 'typebox'
import { Check, Errors } from 'typebox/schema'
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
}

/** Reads the field; undefined where the request has none. */
export function loopOptionsOf(field: unknown): LoopOptions | undefined {
  if (field === undefined || field === null) return undefined
  if (Check(LoopField, field)) return { ...defaults, ...(field as Static<typeof LoopField>) }
  const [, errors] = Errors(LoopField, field)
  const [first] = errors.filter(({ keyword }) => keyword !== 'boolean')
  const where = `toolgate${(first?.instancePath ?? '').replaceAll('/', '.')}`
  throw refuse(where, first?.message ?? 'is malformed')
}
