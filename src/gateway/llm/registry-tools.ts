import type { Readable } from 'node:stream'
import { type Invoke, present } from '../../registry/call.ts'
import { errorText, toToolError } from '../../registry/errors.ts'
import type { Registry } from '../../registry/registry.ts'
import { globsFit } from '../../registry/sources/names.ts'
import { artifactsOf } from '../../registry/tool.ts'
import { toOpenaiTool } from '../../registry/views/openai.ts'
import { readAll } from '../http/body.ts'
import { fail } from '../../registry/errors.ts'
import type { LoopResult, LoopTools } from './loop-tools.ts'

export type RegistryToolsOptions = {
  registry: Registry
  invoke: Invoke
  /** Where a model's reader finds an artifact. */
  fileUrl: (id: string) => string
  openArtifact: (id: string) => Promise<{ stream: NodeJS.ReadableStream; mediaType: string }>
  /** What one call may wait for Redis in all, milliseconds. */
  redisMs: number
  /** The largest picture put into a conversation. */
  pictureBytesMax?: number
}

const tagMark = 'tag:'

/** The registry's tools as the loop wants them: its calls are the calls of every other face. */
export function createRegistryTools(options: RegistryToolsOptions): LoopTools {
  const { registry, invoke, fileUrl, openArtifact, redisMs } = options
  const { pictureBytesMax = 4 * 1024 * 1024 } = options
  return {
    list(patterns) {
      const tags = patterns
        .filter(one => one.startsWith(tagMark))
        .map(one => one.slice(tagMark.length))
      const names = patterns.filter(one => !one.startsWith(tagMark))
      return registry
        .available()
        .filter(tool => globsFit(names, [tool.name]) || globsFit(tags, tool.tags))
        .map(tool => {
          const { name, description, parameters } = toOpenaiTool(tool).function
          return { name, description, input: parameters }
        })
    },
    async call(name, args, { signal, requestId, deadlineMs }): Promise<LoopResult> {
      try {
        const answer = await invoke(name, args, {
          requestId,
          signal,
          face: 'llm',
          report: {},
          patience: { redisMs },
          deadlineMs,
        })
        const files = artifactsOf(answer.tool).flatMap(({ name: output, mediaType }) => {
          const id = answer.result.output[output]
          return typeof id === 'string' ? [{ mediaType, id, url: fileUrl(id) }] : []
        })
        return { text: present(answer, fileUrl).text, ...(files.length > 0 ? { files } : {}) }
      } catch (error) {
        if (signal.aborted) throw error
        const shown = toToolError(error)
        const { code, message, hint } = shown
        return { text: errorText(shown), error: { code, message, ...(hint ? { hint } : {}) } }
      }
    },
    async readFile(id) {
      const { stream, mediaType } = await openArtifact(id)
      const bytes = await readAll(stream as Readable, pictureBytesMax)
      if (!bytes) throw fail('TG_TOO_LARGE', 'the picture', `${pictureBytesMax} bytes`)
      return { bytes, mediaType }
    },
  }
}
