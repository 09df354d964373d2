import { registerHooks } from 'node:module'
import { resolve, sep } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * Lets files under a folder import `toolgate` and `typebox`, which no package manager put there:
 * a tool is one file, wherever it lies. Holds for this thread.
 */
export function mapToolImports(folder: string): void {
  const root = pathToFileURL(resolve(folder) + sep).href
  const toolgate = new URL('../registry/tool.ts', import.meta.url).href
  registerHooks({
    resolve(specifier, context, next) {
      if (!context.parentURL?.startsWith(root)) return next(specifier, context)
      if (specifier === 'toolgate') return next(toolgate, context)
      const ours = specifier === 'typebox' || specifier.startsWith('typebox/')
      return next(specifier, ours ? { ...context, parentURL: import.meta.url } : context)
    },
  })
}
