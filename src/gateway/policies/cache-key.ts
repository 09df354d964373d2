import { hash } from 'node:crypto'
import { configure } from 'safe-stable-stringify'
import type { CallContext } from '../../registry/call.ts'
import { fileInputsOf, type FileRef, type JsonObject, type Tool } from '../../registry/tool.ts'

const canonical = configure({ bigint: false, circularValue: Error })

/**
 * Names an answer: tool, version, canonical input (files by their SHA-256) and, where the tool says
 * so, the caller. Equal calls have equal keys whatever the order of their arguments.
 */
export function cacheKey(tool: Tool, input: JsonObject, context: CallContext): string {
  const files = fileInputsOf(tool)
  const plain = files.length === 0 ? input : { ...input }
  for (const { name } of files) {
    const file = plain[name] as FileRef | undefined
    if (file) plain[name] = file.sha256
  }
  const caller = tool.cache?.scope === 'caller' ? (context.caller ?? '') : ''
  const text = `${tool.source}\n${tool.name}@${tool.version}\n${caller}\n${canonical(plain)}`
  return hash('sha256', text, 'base64url')
}
