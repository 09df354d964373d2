import type { FastifyBaseLogger } from 'fastify'
import type { Config } from '../config.ts'
import { configuredSources } from '../registry/sources/configured.ts'
import type { Door } from './auth/door.ts'
import { nodeName } from './llm/node.ts'
import type { Pool } from './llm/pool.ts'
import type { Sources } from './sources/sources.ts'

/** Takes a changed configuration over; what it gives are the keys that want a new process. */
export type Reload = (next: Config) => Promise<string[]>

/** What may change while calls run, member by member; every other one is named and waits for the next start. */
const changeable: ReadonlySet<string> = new Set([
  'keys',
  'allowances',
  'corsOrigins',
  'logLevel',
  'sources',
  'mcpServers',
  'llm.nodes',
  'llm.registrars',
  'llm.logPrompts',
])

/** What routes read at each request. */
export type Live = {
  corsOrigins: readonly string[]
  registrars: readonly string[]
  logPrompts: boolean
}

/** What a configuration says of it. */
export const liveOf = ({ corsOrigins, llm }: Config): Live => ({
  corsOrigins,
  registrars: llm.registrars,
  logPrompts: llm.logPrompts,
})

/** Makes it, for a gateway that was built with `config`. */
export function createReload(parts: {
  config: Config
  live: Live
  door: Door
  sources: Sources
  pool: Pool
  log: FastifyBaseLogger
}): Reload {
  const { live, door, sources, pool, log } = parts
  let current = parts.config

  return async next => {
    // Whatever can throw comes first, so that nothing is taken over by half.
    const definitions = configuredSources(next)
    const before = current
    current = next
    door.configure(next)
    Object.assign(live, liveOf(next))
    log.level = next.logLevel
    await Promise.all([sources.configure(definitions), followNodes(pool, before, next)])
    const [was, is] = [membersOf(before), membersOf(next)]
    return [...new Set([...was.keys(), ...is.keys()])].filter(
      name => !changeable.has(name) && differ(was.get(name), is.get(name)),
    )
  }
}

/** Parts whose members are told one by one. */
const parts: ReadonlySet<string> = new Set(['llm', 'limits', 'audit', 'traces'])

function membersOf(config: Config): Map<string, unknown> {
  const members = Object.entries<unknown>(config).flatMap(([name, value]) =>
    parts.has(name) && typeof value === 'object' && value !== null
      ? Object.entries(value).map(([member, its]) => [`${name}.${member}`, its] as const)
      : [[name, value] as const],
  )
  return new Map(members)
}

const differ = (a: unknown, b: unknown): boolean => JSON.stringify(a) !== JSON.stringify(b)

/** Nodes that an admin added are none of the configuration's business. */
async function followNodes(pool: Pool, before: Config, next: Config): Promise<void> {
  const urls = new Set(next.llm.nodes.map(({ url }) => nodeName(url)))
  for (const { url } of before.llm.nodes) if (!urls.has(nodeName(url))) pool.drain(url)
  const changed = next.llm.nodes.filter(node => !before.llm.nodes.some(old => !differ(old, node)))
  await Promise.all(changed.map(node => pool.add(node)))
}
