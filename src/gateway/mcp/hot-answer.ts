import { setImmediate as nextTurn } from 'node:timers/promises'
import { type CallContext, present } from '../../registry/call.ts'
import { toToolError } from '../../registry/errors.ts'
import type { Registry } from '../../registry/registry.ts'
import type { Tool } from '../../registry/tool.ts'
import { cacheMeta, cacheMetaKey, errorResult, type FileWays, toContent } from './content.ts'
import type { HotCall, HotRequest } from './hot.ts'
import { listHints, metaKeys } from './protocol.ts'
import type { McpCaller } from './server.ts'
import { type McpTools, type Offer, toListed } from './tools.ts'

/** Bounds of writing a list down. */
export const listLimits = { toolsAtOnce: 50 } as const

/** What the answers of the two hot methods are made of. */
export type HotAnswers = {
  /** The message that answers `tools/list`. */
  list(request: HotRequest, offer: Offer): Promise<Buffer>
  /** The message that answers `tools/call`; a failed call is a result, so it never rejects. */
  call(
    request: HotCall,
    offer: Offer,
    how: { context: CallContext; ways: FileWays; onError: McpCaller['onError'] },
  ): Promise<string>
}

/**
 * Makes them as text: a list is written down once a revision, and an answer out of the store goes
 * into its message as the JSON that it was stored as.
 */
export function createHotAnswers(options: {
  registry: Registry
  tools: McpTools
  version: string
  secured: () => boolean
}): HotAnswers {
  const { registry, tools, version, secured } = options
  const serverInfo = { [metaKeys.serverInfo]: { name: 'toolgate', title: 'Toolgate', version } }
  const written = new WeakMap<Tool, string>()
  const complete = '"resultType":"complete",'
  const tailOf = (isSecured: boolean): string => {
    const { ttlMs, cacheScope } = listHints(isSecured)
    return `,${complete}"ttlMs":${ttlMs},"cacheScope":"${cacheScope}","_meta":${JSON.stringify(serverInfo)}}`
  }
  const tails = { open: tailOf(false), keyed: tailOf(true) }

  return {
    async list({ id, modern }, offer) {
      const key = `mcp json ${offer.scope.key} ${offer.search}`
      const list = await registry.memo(key, () => writeList(tools.offered(offer)))
      const head = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{"tools":`
      return Buffer.concat([
        Buffer.from(head),
        list,
        Buffer.from(modern ? `${secured() ? tails.keyed : tails.open}}` : '}}'),
      ])
    },
    async call({ id, modern, name, args }, offer, { context, ways, onError }) {
      const meta = modern ? serverInfo : {}
      try {
        const { answer, structured } = await tools.call(offer, { name, args }, context)
        const shown = present(answer, ways.fileUrl)
        const content = JSON.stringify(await toContent(answer, shown, ways))
        const facts = JSON.stringify({ ...meta, [cacheMetaKey]: cacheMeta(context.report) })
        return message(
          id,
          `{"content":${content},${structured ? `"structuredContent":${shown.json},` : ''}${modern ? complete : ''}"_meta":${facts}}`,
        )
      } catch (cause) {
        const error = toToolError(cause)
        onError(error, context.requestId)
        const { _meta, ...result } = errorResult(error)
        const said = modern ? { resultType: 'complete' } : {}
        return message(id, JSON.stringify({ ...result, ...said, _meta: { ...meta, ..._meta } }))
      }
    },
  }

  /** Ten thousand tools take a second to write down, so others get their turn meanwhile. */
  async function writeList(offered: readonly Tool[]): Promise<Buffer> {
    const parts: string[] = []
    let fresh = 0
    for (const tool of offered) {
      let json = written.get(tool)
      if (json === undefined) {
        written.set(tool, (json = JSON.stringify(toListed(tool))))
        if (++fresh % listLimits.toolsAtOnce === 0) await nextTurn()
      }
      parts.push(json)
    }
    return Buffer.from(`[${parts.join(',')}]`)
  }
}

const message = (id: string | number, result: string): string =>
  `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${result}}`
