import { existsSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Config, parseConfig } from '../config.ts'

/** Names looked for in the working directory, the first one found is read. */
const fileNames = ['toolgate.config.ts', 'toolgate.config.json']

/** Where the file is: the one that TOOLGATE_CONFIG names, or the one in the working directory. */
export const configPath = (env: Readonly<Record<string, string | undefined>>): string | undefined =>
  env['TOOLGATE_CONFIG'] || fileNames.find(name => existsSync(name))

/** Reads the configuration of the environment and of the file that TOOLGATE_CONFIG names, or of the one in the working directory. */
export async function loadConfig(
  env: Readonly<Record<string, string | undefined>>,
): Promise<Config> {
  const path = configPath(env)
  return parseConfig(env, path ? await readConfigFile(resolve(path)) : {})
}

async function readConfigFile(path: string): Promise<unknown> {
  if (!path.endsWith('.json')) {
    // A module is imported once, so each state of the file has a name of its own.
    const { mtimeMs } = await stat(path)
    const module = `${pathToFileURL(path).href}?at=${mtimeMs}`
    return ((await import(module)) as { default: unknown }).default
  }
  const text = await readFile(path, 'utf8')
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    throw new Error(`${path}: is not JSON: ${(cause as Error).message}`, { cause })
  }
}
