import { hash } from 'node:crypto'
import { configure } from 'safe-stable-stringify'
import type { CallContext } from '../../registry/call.ts'
import { fileInputsOf, type FileRef, type JsonObject, type Tool } from '../../registry/tool.ts'

const canonical = configure({ bigint: false, circularValue: Error })

/** Longer keys are hashed; a short text names an answer as well as its hash does, for less. */
const plainCharactersMax = 300

/**
 * Names an answer: tool, version and build, canonical input (files by their SHA-256) and, where the tool says
 * so, the caller. Equal calls have equal keys whatever the order of their arguments.
 */
export function cacheKey(tool: Tool, input: JsonObject, context: CallContext): string {
  // One call asks for its key at every policy.
  const { named } = context
  if (named?.tool === tool && named.input === input) return named.key
  const caller = tool.cache?.scope === 'caller' ? JSON.stringify(context.caller ?? null) : ''
  const key = makeKey(tool, input, caller)
  context.named = { tool, input, key }
  return key
}

function makeKey(tool: Tool, input: JsonObject, caller: string): string {
  const files = fileInputsOf(tool)
  const plain = files.length === 0 ? input : { ...input }
  for (const { name } of files) {
    const file = plain[name] as FileRef | undefined
    if (file) plain[name] = file.sha256
  }
  const version = tool.build ? `${tool.version}+${tool.build}` : tool.version
  const text = `${tool.source} ${tool.name}@${version} ${caller} ${canonical(plain)}`
  return text.length <= plainCharactersMax ? text : hash('sha256', text, 'base64url')
}
