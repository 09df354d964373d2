import '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import type { Registry as Metrics } from 'prom-client'
import type { Registry } from '../../registry/registry.ts'
import type { RedisHealth } from '../policies/redis.ts'
import type { Workers } from '../workers.ts'

/** What the health routes tell of. */
export type HealthOptions = {
  registry: Registry
  metrics: Metrics
  redisHealth: () => RedisHealth | undefined
  /** The states of all sources, of all LLM nodes, and of the circuits that are not closed. */
  states: () => { sources: string[]; nodes: string[]; circuits: string[] }
  workers: Pick<Workers, 'load'>
  /** Whether the names of tools are for everybody. */
  named: boolean
  isStopping: () => boolean
  /** Whether it is not known yet if callers need a key. */
  isStarting: () => boolean
}

const tags = ['operation']
const about = {
  live: { tags, summary: 'Whether the process answers' },
  ready: { tags, summary: 'Whether it takes calls, and how tools and Redis fare' },
  metrics: { tags, summary: 'Metrics in the Prometheus text format' },
}

/** `/health/live`, `/health/ready` and `/metrics`. */
export async function healthRoutes(app: FastifyInstance, options: HealthOptions): Promise<void> {
  const { registry, metrics, redisHealth, states, workers } = options
  const startedAt = performance.now()

  app.get('/health/live', { config: { access: 'open' }, schema: about.live }, () => ({
    status: 'live',
    uptimeSeconds: Math.round((performance.now() - startedAt) / 1000),
  }))

  app.get(
    '/health/ready',
    { config: { access: 'open' }, schema: about.ready },
    (_request, reply) => {
      const { isStopping, isStarting } = options
      const status = isStopping() ? 'stopping' : isStarting() ? 'starting' : 'ready'
      return reply.status(status === 'ready' ? 200 : 503).send({
        status,
        tools: toolsOf(registry, options.named),
        redis: describeRedis(redisHealth()),
        sources: countBy(states().sources),
        llm: countBy(states().nodes),
        upstreamsLeftAlone: states().circuits.length,
        workers: workers.load(),
      })
    },
  )

  app.get(
    '/metrics',
    { config: { access: 'operator' }, schema: about.metrics },
    async (_request, reply) => reply.type(metrics.contentType).send(await metrics.metrics()),
  )
}

/** Of ten thousand that cannot work a few are enough to know why. */
const unavailableMax = 20

function toolsOf(registry: Registry, named: boolean): object {
  const unavailable = registry.list().flatMap(({ name }) => {
    const missing = registry.unavailable(name)
    return missing ? [{ name, reason: missing.reason }] : []
  })
  return {
    listed: registry.list().length,
    available: registry.available().length,
    ...(named && unavailable.length > 0
      ? { unavailable: unavailable.slice(0, unavailableMax) }
      : {}),
  }
}

/** How many are in which state; addresses are not for everybody. */
const countBy = (states: string[]): Record<string, number> =>
  Object.fromEntries(
    [...Map.groupBy(states, state => state)].map(([state, { length }]) => [state, length]),
  )

/** Redis is optional: without it the gateway is ready all the same, and says what is then local. */
function describeRedis(health: RedisHealth | undefined): object {
  if (!health) return { state: 'none', note: 'cache, locks and pace are this replica’s own' }
  if (health.state === 'up') return { state: 'up' }
  return {
    state: 'down',
    note: 'serving from this replica’s own cache; locks and pace are its own',
    ...(health.error ? { error: health.error } : {}),
  }
}
