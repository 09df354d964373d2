import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Config, parseConfig } from '../config.ts'

/** Names looked for in the working directory, the first one found is read. */
const fileNames = ['toolgate.config.ts', 'toolgate.config.json']

/** Reads the configuration of the environment and of the file that TOOLGATE_CONFIG names, or of the one in the working directory. */
export async function loadConfig(
  env: Readonly<Record<string, string | undefined>>,
): Promise<Config> {
  const path = env['TOOLGATE_CONFIG'] ?? fileNames.find(name => existsSync(name))
  return parseConfig(env, path ? await readConfigFile(resolve(path)) : {})
}

async function readConfigFile(path: string): Promise<unknown> {
  if (!path.endsWith('.json'))
    return ((await import(pathToFileURL(path).href)) as { default: unknown }).default
  const text = await readFile(path, 'utf8')
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    throw new Error(`${path}: is not JSON: ${(cause as Error).message}`, { cause })
  }
}
