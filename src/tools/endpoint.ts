import { fail } from '../registry/errors.ts'
import type { ToolContext } from '../registry/tool.ts'

/**
 * The address of an API under the operator's base in `setting`: an origin with an optional path
 * prefix, to which the API's own path is appended. A query of the base, such as a key, stays.
 */
export function endpoint(
  context: Pick<ToolContext, 'setting'>,
  setting: string,
  path: string,
): URL {
  const value = context.setting(setting)
  const base = value ? URL.parse(value.includes('://') ? value : `https://${value}`) : null
  if (!base)
    throw fail(
      'TG_UNAVAILABLE',
      'this tool',
      `${setting} is ${value ? 'not an address' : 'not set'}`,
      `set ${setting} to the base address of the service`,
    )
  base.pathname = base.pathname.replace(/\/+$/, '') + path
  return base
}
