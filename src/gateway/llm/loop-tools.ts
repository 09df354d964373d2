import type { CallContext } from '../../registry/call.ts'
import type { Json } from './json.ts'

/** A tool of the registry, as the loop offers it. */
export type LoopTool = { name: string; description: string; input: Json }
/** Who asks, and which tools that caller may use. */
export type LoopCaller = Pick<CallContext, 'caller' | 'scope' | 'address'>
/** What a call came to: text for the model, files beside it, or why it failed. */
export type LoopResult = {
  text: string
  files?: { mediaType: string; url: string; id: string }[]
  error?: { code: string; message: string; hint?: string }
}
/** How the loop reaches the registry; the composition root provides it. */
export type LoopTools = {
  /** The available tools that one of the patterns names: `weather_*`, `tag:maps`. */
  list(patterns: string[], caller?: LoopCaller): LoopTool[]
  call(
    name: string,
    args: unknown,
    context: { signal: AbortSignal; requestId: string; deadlineMs: number } & LoopCaller,
  ): Promise<LoopResult>
  /** The bytes of a stored file. */
  readFile?(id: string): Promise<{ bytes: Uint8Array; mediaType: string }>
}
