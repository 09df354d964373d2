import type { JsonObject } from '../../registry/tool.ts'
import { errorText, type ToolError } from '../../registry/errors.ts'
import { toGbk } from '../../registry/views/gbk.ts'

/** What Lagent's `ActionReturn` holds, with its numbers for how a call went. */
export type ActionReturn = {
  args: JsonObject
  url: null
  type: string
  result: { type: 'text' | 'image' | 'audio' | 'video' | 'file'; content: string }[] | null
  errmsg: string | null
  state: (typeof states)[keyof typeof states]
  thought: null
  valid: (typeof valid)[keyof typeof valid]
}

/** `ActionStatusCode` of Lagent. */
export const states = { success: 0, upstream: -1000, arguments: -1001, other: -1002 } as const
/** `ActionValidCode` of Lagent. */
export const valid = { open: 0, invalid: -2 } as const

/** A call that worked. Lagent passes texts through GBK, so nothing outside it is written. */
export const succeeded = (
  type: string,
  args: JsonObject,
  result: NonNullable<ActionReturn['result']>,
): ActionReturn => ({
  args,
  url: null,
  type,
  result: result.map(item => ({ ...item, content: toGbk(item.content) })),
  errmsg: null,
  state: states.success,
  thought: null,
  valid: valid.open,
})

/** A call that failed; an action that does not exist goes by Lagent's own name for that. */
export function failed(type: string, args: JsonObject, error: ToolError): ActionReturn {
  const unknown = error.code === 'TG_TOOL_UNKNOWN'
  return {
    args,
    url: null,
    type: unknown ? 'InvalidAction' : type,
    result: null,
    errmsg: toGbk(errorText(error)),
    state: stateOf(error),
    thought: null,
    valid: unknown ? valid.invalid : valid.open,
  }
}

function stateOf({ code, status }: ToolError): ActionReturn['state'] {
  if (code.startsWith('TG_UPSTREAM_')) return states.upstream
  return status === 400 ? states.arguments : states.other
}
