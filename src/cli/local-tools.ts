import { createHash } from 'node:crypto'
import { watch } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { mapToolImports } from '../gateway/map-tool-imports.ts'
import type { Registry } from '../registry/registry.ts'
import type { Tool } from '../registry/tool.ts'

/** How local tools are watched. */
export const watchLimits = { settleMs: 100, filesMax: 1_000 } as const

/**
 * The tools of an operator's folder: the default export of each file, one tool or a list. Files whose
 * names begin with `_` are what they import.
 */
export async function loadLocalTools(folder: string): Promise<Tool[]> {
  mapToolImportsOnce(folder)
  const found = await readdir(folder).catch((cause: Error) => {
    throw new Error(`TOOLGATE_TOOLS: ${cause.message}`, { cause })
  })
  const names = found.filter(isCode).sort().slice(0, watchLimits.filesMax)
  const files = await Promise.all(names.map(name => readFile(resolve(folder, name))))
  const shared = hashOf(files.filter((_file, index) => !isToolFile(names[index] ?? '')))
  const loaded = await Promise.all(
    names.flatMap((name, index) =>
      isToolFile(name)
        ? [loadFile(resolve(folder, name), { shared, own: hashOf([files[index] ?? '']) })]
        : [],
    ),
  )
  return loaded.flat()
}

const isCode = (name: string): boolean => /\.(ts|mts|js|mjs)$/.test(name)
const isToolFile = (name: string): boolean =>
  isCode(name) && !/^[._]|\.(test|d)\.m?[tj]s$/.test(name)

function hashOf(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part).update('\0')
  return hash.digest('base64url').slice(0, 12)
}

const mapped = new Set<string>()
function mapToolImportsOnce(folder: string): void {
  if (mapped.has(folder)) return
  mapped.add(folder)
  mapToolImports(folder)
}

/** What a module exports is one object while its code stays, and so is its record: no change, no event. */
const records = new WeakMap<Tool, Tool>()

async function loadFile(path: string, code: { shared: string; own: string }): Promise<Tool[]> {
  const build = `${code.shared}.${code.own}`
  // Another address makes changed code another module, so that it is read anew.
  const url = `${pathToFileURL(path).href}?shared=${code.shared}&own=${code.own}`
  const { default: exported } = await importFile(path, url)
  const tools = [exported ?? []].flat()
  if (tools.length === 0 || !tools.every(isTool))
    throw new Error(`${path}: export the tool as default: export default defineTool({ … })`)
  return tools.map(tool => {
    const record = records.get(tool) ?? { ...tool, source: 'local', build }
    records.set(tool, record)
    return record
  })
}

const importFile = (path: string, url: string): Promise<{ default?: unknown }> =>
  import(url).catch((cause: Error) => {
    throw new Error(`${path}: ${cause.message}`, { cause })
  }) as Promise<{ default?: unknown }>

/** True for what defineTool made; a record written by hand lacks what it fills in. */
const isTool = (value: unknown): value is Tool =>
  typeof value === 'object' &&
  value !== null &&
  ['run', 'requires', 'text'].every(name => typeof Reflect.get(value, name) === 'function')

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
    if (name && !isCode(name)) return
    // Editors write a file in several steps.
    clearTimeout(timer)
    timer = setTimeout(() => void reload().catch(onError), watchLimits.settleMs)
  })
  return () => {
    clearTimeout(timer)
    watcher.close()
  }
}

/** Where a new tool file goes, and under which name. */
export const toolPath = (folder: string, name: string): string =>
  join(folder, `${name.replaceAll('_', '-')}.ts`)
