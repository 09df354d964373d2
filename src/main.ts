import { readFile } from 'node:fs/promises'
import closeWithGrace from 'close-with-grace'
import type { Logger } from 'pino'
import { banner } from './cli/banner.ts'
import { type Commands, runCommand } from './cli/commands.ts'
import { loadConfig } from './cli/load-config.ts'
import { openKeyDesk, openKeys } from './cli/open-keys.ts'
import { watchConfig } from './cli/watch-config.ts'
import { loadLocalTools, watchLocalTools } from './cli/local-tools.ts'
import { checkReach, type Config } from './config.ts'
import { listenAgentLego } from './gateway/agentlego/listen.ts'
import { buildApp, type Gateway } from './gateway/app.ts'
import type { RedisGate } from './gateway/policies/redis.ts'
import { createLog } from './gateway/telemetry/log.ts'
import { createRegistry, type Registry } from './registry/registry.ts'
import { tools } from './tools/index.ts'

type Env = Readonly<Record<string, string | undefined>>
type Parts = { config: Config; registry: Registry; version: string; log: Logger }

/** The composition root: environment → configuration → tools → app → listen → close. */
export async function main(args: readonly string[], env: Env): Promise<void> {
  const commands: Commands = {
    serve: flags => serve(env, flags),
    keys: () => openKeyDesk(env),
    registry: async () => (await assemble(env)).registry,
    patient: () => assemble(env),
    mcp: () => serveMcp(env),
    devLlm: serveDevLlm,
    app: async () => {
      const parts = await assemble({ TOOLGATE_LOG_LEVEL: 'warn', ...env })
      // No port is opened, so no key is asked for.
      const config = { ...parts.config, keys: [] }
      return { ...parts, app: await buildApp({ ...parts, config }) }
    },
  }
  try {
    process.exitCode = await runCommand(args, commands)
  } catch (error) {
    process.stderr.write(`toolgate: ${(error as Error).message}\n`)
    process.exitCode = 1
  }
}

async function assemble(env: Env): Promise<Parts> {
  const config = await loadConfig(env)
  const registry = createRegistry(tools, { settings: config.settings })
  if (config.tools) registry.put('local', await loadLocalTools(config.tools))
  const { version } = JSON.parse(
    await readFile(new URL('../package.json', import.meta.url), 'utf8'),
  ) as { version: string }
  return { config, registry, version, log: createLog(config) }
}

/** MCP over stdin and stdout, for a client that starts us. */
async function serveMcp(env: Env): Promise<void> {
  const parts = await assemble({ TOOLGATE_LOG_LEVEL: 'warn', ...env })
  const app = await buildApp(parts)
  await app.ready()
  const { serveStdio } = await import('./gateway/mcp/stdio.ts')
  serveStdio({
    registry: parts.registry,
    invoke: app.invoke,
    openArtifact: app.openArtifact,
    redisMs: parts.config.limits.redisMs,
    version: parts.version,
    search: parts.config.mcpSearch,
    onError: (err, requestId) => parts.log.warn({ err, requestId }, 'MCP'),
  })
}

/** The scripted model; the gateway beside it is told of it by LMDEPLOY_URL. */
async function serveDevLlm(port: number): Promise<void> {
  const { startDevLlm } = await import('./gateway/llm/dev-llm.ts')
  const llm = await startDevLlm({ port })
  process.stdout.write(`${llm.model} at ${llm.url}\nLMDEPLOY_URL=${llm.url} toolgate\n`)
  closeWithGrace({ delay: 1_000 }, () => llm.close())
}

async function serve(env: Env, flags: { dev: boolean }): Promise<void> {
  const parts = await assemble(env)
  const { config, registry, log } = parts
  const redis = config.redisUrl ? await connectRedis(config.redisUrl, parts) : undefined
  const { close: closeKeys, ...keys } = await openKeys({ config, log, redis })
  checkReach(config, keys.ring.any)
  const app = await buildApp({ ...parts, ...(redis ? { redis } : {}), ...keys })
  if (flags.dev && config.tools)
    watchLocalTools({
      folder: config.tools,
      registry,
      onReload: names => log.info({ names }, 'tools reloaded'),
      onError: err => log.error({ err }, 'tools not reloaded'),
    })
  const watched = watchConfig({ env, reload: app.reload, log })
  const { stopMs, drainMs } = config.limits
  // SIGHUP is the watch's: it reloads, and ends nothing.
  const grace = { delay: drainMs + stopMs, logger: log, skip: ['SIGHUP' as const] }
  closeWithGrace(grace, async ({ err, signal }) => {
    if (err) log.fatal({ err }, 'stopping on an error')
    watched.close()
    // Whoever presses Ctrl-C has no balancer.
    if (signal === 'SIGTERM') await app.drain()
    await app.close()
    await closeKeys()
  })
  const openAgentLego = await prepareAgentLego(app, parts)
  const address = await app.listen({ host: config.host, port: config.port })
  const agentLego = await openAgentLego()
  process.stdout.write(
    banner({ ...parts, address, agentLego, keyed: keys.ring.any && !config.anonymous }),
  )
}

/** AgentLego's face on its own port; what it returns opens it, and gives no address where it is off or taken. */
async function prepareAgentLego(
  app: Gateway,
  { config, log }: Parts,
): Promise<() => Promise<string | undefined>> {
  const { agentlegoPort: port, host } = config
  if (port === false) return () => Promise.resolve(undefined)
  const face = await app.agentLego()
  app.addHook('preClose', () => face.close())
  return () => listenAgentLego(face, { host, port, log })
}

/** The client loads only where there is a Redis. */
async function connectRedis(url: string, { config, log }: Parts): Promise<RedisGate> {
  const { openRedis } = await import('./gateway/policies/redis.ts')
  return openRedis({
    url,
    onChange: health => log[health.state === 'up' ? 'info' : 'warn'](health, 'redis'),
    limits: { operationMs: config.limits.redisMs },
  })
}

if (import.meta.main) await main(process.argv.slice(2), process.env)
