import '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import type { Registry as Metrics } from 'prom-client'
import type { Registry } from '../../registry/registry.ts'
import type { RedisHealth } from '../policies/redis.ts'

/** What the health routes tell of. */
export type HealthOptions = {
  registry: Registry
  metrics: Metrics
  redisHealth: () => RedisHealth | undefined
  isStopping: () => boolean
}

const tags = ['operation']
const about = {
  live: { tags, summary: 'Whether the process answers' },
  ready: { tags, summary: 'Whether it takes calls, and how tools and Redis fare' },
  metrics: { tags, summary: 'Metrics in the Prometheus text format' },
}

/** `/health/live`, `/health/ready` and `/metrics`. */
export async function healthRoutes(app: FastifyInstance, options: HealthOptions): Promise<void> {
  const { registry, metrics, redisHealth, isStopping } = options

  app.get('/health/live', { config: { access: 'open' }, schema: about.live }, () => ({
    status: 'live',
  }))

  app.get(
    '/health/ready',
    { config: { access: 'open' }, schema: about.ready },
    (_request, reply) => {
      const stopping = isStopping()
      return reply.status(stopping ? 503 : 200).send({
        status: stopping ? 'stopping' : 'ready',
        tools: { listed: registry.list().length, available: registry.available().length },
        redis: describeRedis(redisHealth()),
      })
    },
  )

  app.get(
    '/metrics',
    { config: { access: 'operator' }, schema: about.metrics },
    async (_request, reply) => reply.type(metrics.contentType).send(await metrics.metrics()),
  )
}

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
