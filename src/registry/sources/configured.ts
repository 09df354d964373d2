import type { JsonObject } from '../tool.ts'
import { asObject } from '../views/walk.ts'
import { parseSource, type SourceDefinition, sourceId } from './source.ts'
import { asText } from './text.ts'

/** The sources that a configuration states; throws an Error whose lines each name one mistake. */
export function configuredSources(config: {
  sources: readonly unknown[]
  mcpServers: Readonly<Record<string, unknown>>
}): SourceDefinition[] {
  const problems: string[] = []
  const attempt = (label: string, read: () => SourceDefinition[]): SourceDefinition[] => {
    try {
      return read()
    } catch (error) {
      problems.push(`${label}: ${(error as Error).message}`)
      return []
    }
  }
  const definitions = [
    ...config.sources.flatMap((source, index) =>
      attempt(`sources.${index}`, () => [parseSource(source, { stdio: true })]),
    ),
    ...Object.entries(config.mcpServers).flatMap(([name, server]) =>
      attempt(`mcpServers.${name}`, () => parseMcpServers({ [name]: server })),
    ),
  ]
  const ids = definitions.map(sourceId)
  for (const id of new Set(ids.filter((id, index) => ids.indexOf(id) !== index)))
    problems.push(`the source "${id}" is stated twice: give one of them another name`)
  if (problems.length > 0) throw new Error(problems.join('\n'))
  return definitions
}

/**
 * The sources in an `mcpServers` block, as Claude Desktop, Cursor and others write it. What only a
 * desktop needs (`autoApprove`, `icon`, …) is passed over; `disabled` servers are left out.
 */
export function parseMcpServers(block: Readonly<Record<string, unknown>>): SourceDefinition[] {
  return Object.entries(block).flatMap(([name, value]) => {
    const server = asObject(value)
    if (server['disabled'] === true || server['enabled'] === false) return []
    const address = server['url'] ?? server['serverUrl'] ?? server['httpUrl']
    const way = asText(server['type'] ?? server['transport']).toLowerCase()
    const stated =
      address === undefined
        ? pick(server, ['command', 'args', 'env', 'cwd', 'timeoutMs'])
        : {
            ...pick(server, ['headers', 'timeoutMs']),
            url: address,
            ...(way === 'sse' ? { transport: 'sse' } : {}),
          }
    const exclude = server['disabledTools'] ?? server['exclude']
    return parseSource(
      {
        ...stated,
        name,
        kind: 'mcp',
        ...pick(server, ['include']),
        ...(exclude === undefined ? {} : { exclude }),
      },
      { stdio: true },
    )
  })
}

const pick = (object: JsonObject, names: string[]): JsonObject =>
  Object.fromEntries(names.flatMap(name => (name in object ? [[name, object[name]]] : [])))
