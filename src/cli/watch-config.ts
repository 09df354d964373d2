import { stat } from 'node:fs/promises'
import type { Config } from '../config.ts'
import type { Reload } from '../gateway/reload.ts'
import type { ToolLog } from '../registry/tool.ts'
import { configPath, loadConfig } from './load-config.ts'

/** How often the file of the configuration is looked at, milliseconds. */
export const watchMs = 2_000

type Env = Readonly<Record<string, string | undefined>>

/**
 * Takes the configuration over again on SIGHUP, and when its file has changed. One that is wrong
 * changes nothing: the one before stays in force, and one line says what is wrong.
 */
export function watchConfig(options: {
  env: Env
  reload: Reload
  log: ToolLog
  load?: (env: Env) => Promise<Config>
}): { reload(): Promise<void>; close(): void } {
  const { env, log, load = loadConfig } = options
  let turn: Promise<void> = Promise.resolve()
  let seen: string | undefined

  async function take(): Promise<void> {
    try {
      const needsRestart = await options.reload(await load(env))
      log.info(needsRestart.length > 0 ? { needsRestart } : {}, 'configuration reloaded')
    } catch (error) {
      const problem = (error as Error).message
      log.error({ problem }, 'configuration not reloaded: the one before stays in force')
    }
  }
  let isClosed = false
  const reload = (): Promise<void> => (turn = turn.then(() => (isClosed ? undefined : take())))

  async function look(): Promise<void> {
    const path = configPath(env)
    const mark = path === undefined ? 'none' : await markOf(path)
    if (seen !== undefined && seen !== mark) await reload()
    seen = mark
  }
  const timer = setInterval(() => void look(), watchMs).unref()
  void look()
  // It stays when the watch ends: a signal that nobody takes would end a process that drains.
  process.on('SIGHUP', () => void reload())
  return {
    reload,
    close() {
      isClosed = true
      clearInterval(timer)
    },
  }
}

async function markOf(path: string): Promise<string> {
  try {
    const { ino, mtimeMs, size } = await stat(path)
    return `${ino} ${mtimeMs} ${size}`
  } catch {
    // It is gone, or not there yet: that, too, is a state.
    return 'none'
  }
}
