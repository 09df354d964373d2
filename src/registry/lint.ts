import type { Tool } from './tool.ts'

/** Says what is wrong with a tool, one sentence a problem, each with how to mend it. */
export const lintTool = (tool: Tool): readonly string[] =>
  /^[a-z][a-z0-9_]{0,59}$/.test(tool.name)
    ? []
    : [`tool "${tool.name}": use a name of a-z, 0-9 and _, at most 60 characters`]
