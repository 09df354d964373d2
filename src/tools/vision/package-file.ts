import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

/**
 * The path of a file that an npm package ships, whatever the package exports; undefined when the
 * package is not installed.
 */
export function packageFile(name: string, file: string): string | undefined {
  const folders = createRequire(import.meta.url).resolve.paths(name) ?? []
  return folders.map(folder => path.join(folder, name, file)).find(existsSync)
}
