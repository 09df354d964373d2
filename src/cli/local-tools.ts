import { watch } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { mapToolImports } from '../gateway/map-tool-imports.ts'
import type { Registry } from '../registry/registry.ts'
import type { Tool } from '../registry/tool.ts'

/** How local tools are watched. */
export const watchLimits = { settleMs: 100, filesMax: 1_000 } as const

/** The tools of an operator's folder: the default export of each file, one tool or a list. */
export async function loadLocalTools(folder: string): Promise<Tool[]> {
  mapToolImportsOnce(folder)
  const names = (await readdir(folder)).filter(isToolFile).sort().slice(0, watchLimits.filesMax)
  const loaded = await Promise.all(names.map(name => loadFile(resolve(folder, name))))
  return loaded.flat()
}

const isToolFile = (name: string): boolean =>
  /\.(ts|mts|js|mjs)$/.test(name) && !/^[._]|\.(test|d)\.m?[tj]s$/.test(name)

const mapped = new Set<string>()
function mapToolImportsOnce(folder: string): void {
  if (mapped.has(folder)) return
  mapped.add(folder)
  mapToolImports(folder)
}

async function loadFile(path: string): Promise<Tool[]> {
  // The time of the last change makes a changed file another module, so that it is read anew.
  const url = `${pathToFileURL(path).href}?changed=${(await stat(path)).mtimeMs}`
  const { default: exported } = (await import(url)) as { default?: Tool | Tool[] }
  const tools = [exported ?? []].flat()
  if (tools.length === 0)
    throw new Error(`${path}: export the tool as default: export default defineTool({ … })`)
  return tools.map(tool => ({ ...tool, source: 'local' }))
}

/**
 * Loads the folder anew on each change. A file that does not load leaves the tools as they were.
 * Returns a function that stops watching.
 */
export function watchLocalTools(options: {
  folder: string
  registry: Registry
  onReload: (names: string[]) => void
  onError: (error: unknown) => void
}): () => void {
  const { folder, registry, onReload, onError } = options
  let timer: NodeJS.Timeout | undefined
  const reload = async (): Promise<void> => {
    const tools = await loadLocalTools(folder)
    registry.put('local', tools)
    onReload(tools.map(({ name }) => name))
  }
  const watcher = watch(folder, (_event, name) => {
    if (name && !isToolFile(name)) return
    // Editors write a file in several steps.
    clearTimeout(timer)
    timer = setTimeout(() => reload().catch(onError), watchLimits.settleMs)
  })
  return () => {
    clearTimeout(timer)
    watcher.close()
  }
}

/** Where a new tool file goes, and under which name. */
export const toolPath = (folder: string, name: string): string =>
  join(folder, `${name.replaceAll('_', '-')}.ts`)
