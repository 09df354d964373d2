import cors from '@fastify/cors'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import type { Dispatcher } from 'undici'
import type { Config } from '../config.ts'
import { createInvoke, type Invoke } from '../registry/call.ts'
import type { Registry } from '../registry/registry.ts'
import { configuredSources } from '../registry/sources/configured.ts'
import { guardAccess, isSecured } from './auth/access.ts'
import { createDoor } from './auth/door.ts'
import type { KeyStore } from './auth/key-file.ts'
import { keyRoutes } from './auth/key-routes.ts'
import type { KeyRing } from './auth/keys.ts'
import { buildAgentLegoApp } from './agentlego/app.ts'
import { agentLegoPort } from './agentlego/listen.ts'
import { createFiles, type Files } from './files/files.ts'
import { corsOf } from './http/cors.ts'
import { discoveryRoutes } from './http/discovery.ts'
import { docsRoutes } from './http/docs.ts'
import { documentRoutes } from './http/documents.ts'
import { eventRoutes } from './http/events.ts'
import { healthRoutes } from './http/health.ts'
import { createOriginOf } from './http/origin.ts'
import { registryRoutes } from './http/registry-routes.ts'
import { createServer, describeRoutes, readForms } from './http/server.ts'
import { toolRoutes } from './http/tools.ts'
import { limitsOf } from './llm/limits.ts'
import { limitModels } from './llm/limit-models.ts'
import { createPool } from './llm/pool.ts'
import { llmRoutes } from './llm/routes.ts'
import { lagentRoutes } from './lagent/routes.ts'
import { createLoopTools } from './loop-tools.ts'
import { mcpRoutes } from './mcp/routes.ts'
import { createRefusals } from './telemetry/count-refusals.ts'
import { createLife, type Life } from './life.ts'
import { createReload, liveOf, type Reload } from './reload.ts'
import { createMetrics } from './metrics.ts'
import { createNetwork } from './network.ts'
import { createPipeline } from './pipeline.ts'
import { createBreaker, openCircuits } from './policies/breaker.ts'
import { createExcerpt } from './policies/bounds.ts'
import { noRedis } from './policies/redis-port.ts'
import type { RedisGate } from './policies/redis.ts'
import { createStore } from './policies/store.ts'
import { sourceRoutes } from './sources/routes.ts'
import { createSources } from './sources/sources.ts'
import { createRun } from './run.ts'
import { createSeen } from './telemetry/seen.ts'
import { openTraces } from './telemetry/traces.ts'
import { createWorkers } from './workers.ts'

/** What a gateway is built of. The doubles of tests come in here: clock, network, Redis. */
export type AppOptions = {
  config: Config
  registry: Registry
  version: string
  log: FastifyBaseLogger
  redis?: RedisGate
  /** In place of the network. */
  dispatcher?: Dispatcher
  /** The keys, those that were made while running too; absent = those of the configuration alone. */
  ring?: KeyRing
  /** Keeps keys that admins make; absent = in this process alone. */
  keepKeys?: KeyStore['save']
  now?: () => number
}

/** The gateway, not listening yet: its server, the one way in, and the face that has its own port. */
export type Gateway = FastifyInstance & {
  invoke: Invoke
  openArtifact: Files['open']
  agentLego: () => Promise<FastifyInstance>
  /** Takes a changed configuration over while calls run. */
  reload: Reload
  /** Says that the end is near, and waits until a balancer may know. */
  drain: Life['drain']
}

/** Builds the gateway; it does not listen. Reads like the diagram in docs/architecture.md. */
export async function buildApp(options: AppOptions): Promise<Gateway> {
  const { config, registry, log, redis, now = Date.now } = options
  const { limits } = config
  // Tools know settings alone.
  const settings = { ...config.settings, IMAGE_PIXELS_MAX: String(limits.imagePixelsMax) }
  const originOf = createOriginOf(config)
  const publicOrigin = config.publicUrl ?? `http://${config.host}:${config.port}`

  // Behind the faces: the network, the files, the store, and the one call in its policies.
  const shared = redis ?? noRedis
  const store = createStore({ redis: shared, now, limits: { l1BytesMax: limits.l1BytesMax } })
  const measured = createMetrics({ registry, store, redis })
  const refusals = createRefusals(measured.metrics)
  const { ring, keepKeys } = options
  const { onLimited } = refusals
  const door = createDoor({ config, ring, keepKeys, redis: shared, onLimited, now })
  const { access } = door
  const live = liveOf(config)
  const shown = {
    registry,
    originOf,
    version: options.version,
    startedAt: new Date(now()),
    get secured() {
      return isSecured(access)
    },
  }
  const breakers = { tools: createBreaker({ now }), sources: createBreaker({ now }) }
  const traces = await openTraces({ config: config.traces, version: options.version, log })
  const network = createNetwork({
    ...options,
    redis: shared,
    now,
    onStage: measured.onStage,
    breaker: breakers.tools,
    interceptors: traces.interceptors,
  })
  const files = createFiles({ config: access, guard: network.callers, originOf, now, log })
  const workers = createWorkers({
    settings,
    toolsFolder: config.tools,
    onError: err => log.error({ err }, 'a thread failed'),
    limits: { threadsMax: limits.workersMax },
  })
  const run = createRun({
    upstream: network.upstream,
    workers,
    settings,
    readFile: files.read,
    saveFile: files.save,
    onMisfit: measured.misfit,
    log,
    now,
  })
  const excerpt = createExcerpt(files.save)
  const call = createPipeline({
    run,
    store,
    redis: shared,
    excerpt,
    keepFile: files.keep,
    resultBytesMax: limits.resultBytesMax,
    now,
    onStage: measured.onStage,
    onRevalidateError: (tool, error) => log.warn({ tool, err: error }, 'revalidation failed'),
  })
  const sources = createSources({
    registry,
    definitions: configuredSources(config),
    redis: shared,
    version: options.version,
    allowedHosts: config.allowedHosts,
    breaker: breakers.sources,
    interceptors: traces.interceptors,
    log,
    now,
  })
  const redisHealth = () => redis?.health()
  measured.watch({ workers, breakers: Object.values(breakers) })
  const seen = createSeen({ config, log, now, metrics: measured, traces })
  const invoke = seen.wrap(
    door.limits.wrap(createInvoke({ registry, call, resolveFile: files.resolve }), registry),
  )
  const watchServer = (server: FastifyInstance): void => {
    seen.watch(server)
    refusals.watch(server)
  }

  // The server and what holds for every route.
  const { trustedProxies } = config
  const facts = { log, limits, trustedProxies, onRefused: refusals.tell }
  const app = createServer(facts)
  const life = createLife(limits)
  life.endWith(app)
  watchServer(app)
  guardAccess(app, { ...access, isSigned: files.isSigned })
  await app.register(cors, { delegator: corsOf(live) })
  await readForms(app, limits)
  await describeRoutes(app, access, options.version)

  // The faces: each is a view of the registry and ends in `invoke`.
  await app.register(toolRoutes, {
    registry,
    invoke,
    storeUpload: files.storeUpload,
    fileUrl: files.urlFor,
    openArtifact: files.open,
    excerpt: async (answer, charactersMax) => ({
      ...answer,
      result: await excerpt(answer.tool, answer.result, charactersMax),
    }),
    redisMs: limits.redisMs,
  })
  await app.register(documentRoutes, shown)
  await app.register(registryRoutes, shown)
  await app.register(eventRoutes, { registry })
  await app.register(sourceRoutes, { sources })
  await app.register(keyRoutes, door)
  await app.register(files.routes)
  const pool = createPool({
    nodes: config.llm.nodes,
    log,
    now,
    limits: limitsOf(limits),
    interceptors: traces.interceptors,
  })
  await app.register(healthRoutes, {
    registry,
    metrics: measured.metrics,
    redisHealth,
    states: () => ({
      sources: sources.list().map(({ state }) => state),
      nodes: pool.nodes().map(({ state }) => state),
      circuits: openCircuits(Object.values(breakers)),
    }),
    workers,
    named: config.documents === 'public',
    isStopping: () => life.isStopping,
    isStarting: () => access.ring.isAwaited && !access.anonymous,
  })
  await app.register(mcpRoutes, {
    registry,
    invoke,
    originOf,
    secured: () => isSecured(access),
    fileUrl: files.urlFor,
    openArtifact: files.open,
    redisMs: limits.redisMs,
    version: options.version,
    browsers: {
      host: config.host,
      publicUrl: config.publicUrl,
      corsOrigins: () => live.corsOrigins,
    },
    search: config.mcpSearch,
  })
  await app.register(lagentRoutes, {
    registry,
    invoke,
    storeUpload: files.storeUpload,
    fileUrl: files.urlFor,
    redisMs: limits.redisMs,
  })
  await app.register(discoveryRoutes, shown)
  await app.register(llmRoutes, {
    pool: limitModels(pool, door.limits.model, limits.redisMs),
    limits: limitsOf(limits),
    logPrompts: () => live.logPrompts,
    tools: createLoopTools({
      registry,
      invoke,
      files,
      fileUrl: id => files.urlAt(publicOrigin, id),
      redisMs: limits.redisMs,
    }),
    log,
    publicOrigin,
    metrics: measured.metrics,
    now,
    registration: { allow: () => live.registrars },
    allowedHosts: config.allowedHosts,
    ...(redis ? { redis } : {}),
    onRequest: seen.onModelRequest,
  })
  await app.register(docsRoutes)

  app.addHook('onReady', () => sources.start())
  app.addHook('onClose', async () => {
    await Promise.all([workers.close(), network.close(), files.close(), sources.close()])
    await seen.close()
    redis?.close()
  })
  // AgentLego's clients want a document of their own at the root, so it has a port of its own.
  const agentLego = (): Promise<FastifyInstance> =>
    buildAgentLegoApp({
      registry,
      invoke,
      access,
      originOf: createOriginOf({ host: config.host, port: config.agentlegoPort || agentLegoPort }),
      storeUpload: files.storeUpload,
      fileUrl: (_request, id) => files.urlAt(publicOrigin, id),
      openArtifact: files.open,
      ...facts,
      watch(server) {
        watchServer(server)
        life.endWith(server)
      },
    })
  const reload = createReload({ config, live, door, sources, pool, log })
  const { drain } = life
  return Object.assign(app as FastifyInstance, {
    invoke,
    agentLego,
    reload,
    drain,
    openArtifact: files.open,
  })
}
