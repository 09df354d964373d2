import { buffer } from 'node:stream/consumers'
import { type Answer, type Invoke, present } from '../registry/call.ts'
import { errorText, toToolError } from '../registry/errors.ts'
import type { Registry } from '../registry/registry.ts'
import { selectTools } from '../registry/select.ts'
import { filesIn } from '../registry/tool.ts'
import { openai } from '../registry/views/openai.ts'
import type { Files } from './files/files.ts'
import type { Json } from './llm/json.ts'
import type { LoopResult, LoopTools } from './llm/loop-tools.ts'

/** The registry as the loop of a chat sees it; every call goes the way that all calls go. */
export function createLoopTools(options: {
  registry: Registry
  invoke: Invoke
  files: Pick<Files, 'open'>
  fileUrl: (id: string) => string
  redisMs: number
}): LoopTools {
  const { registry, invoke, files, fileUrl, redisMs } = options

  return {
    list(patterns, caller) {
      const view = registry.within(caller?.scope)
      const tags = patterns.flatMap(pattern => /^tag:(.+)$/.exec(pattern)?.[1] ?? [])
      const names = patterns.filter(pattern => !pattern.startsWith('tag:'))
      const picked = new Set([
        ...(names.length > 0 ? selectTools(view, { tools: names }) : []),
        ...(tags.length > 0 ? selectTools(view, { tags }) : []),
      ])
      // The model is offered what /registry/openai says.
      const facts = { origin: '', secured: false }
      return openai([...picked], facts).map(({ function: offered }) => ({
        name: offered.name,
        description: offered.description ?? '',
        input: offered.parameters as Json,
      }))
    },
    async call(name, args, asked) {
      const context = { ...asked, face: 'loop', report: {}, patience: { redisMs } }
      try {
        return await resultOf(await invoke(name, args, context))
      } catch (error) {
        const { code, message, hint } = toToolError(error)
        const said = { code, message, ...(hint ? { hint } : {}) }
        return { text: errorText(toToolError(error)), error: said }
      }
    },
    async readFile(id) {
      const { stream, mediaType } = await files.open(id)
      return { bytes: await buffer(stream), mediaType }
    },
  }

  async function resultOf(answer: Answer): Promise<LoopResult> {
    const { text } = present(answer, fileUrl)
    const ids = filesIn(answer.tool, answer.result.output)
    const named = await Promise.all(
      ids.map(async id => {
        const { stream, mediaType } = await files.open(id)
        if ('destroy' in stream && typeof stream.destroy === 'function') stream.destroy()
        return { id, mediaType, url: fileUrl(id) }
      }),
    )
    return { text, ...(named.length > 0 ? { files: named } : {}) }
  }
}
