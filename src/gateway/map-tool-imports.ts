import { registerHooks } from 'node:module'
import { resolve, sep } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * Lets files under a folder import `toolgate` and `typebox`, which no package manager put there:
 * a tool is one file, wherever it lies. What such a file imports of its own folder gets the
 * `?shared=` of its address, so that it is read anew when it changed. Holds for this thread.
 */
export function mapToolImports(folder: string): void {
  const root = pathToFileURL(resolve(folder) + sep).href
  const toolgate = new URL('../registry/tool.ts', import.meta.url).href
  registerHooks({
    resolve(specifier, context, next) {
      if (!context.parentURL?.startsWith(root)) return next(specifier, context)
      if (specifier === 'toolgate') return next(toolgate, context)
      if (specifier === 'typebox' || specifier.startsWith('typebox/'))
        return next(specifier, { ...context, parentURL: import.meta.url })
      const resolved = next(specifier, context)
      const isOwn = resolved.url.startsWith(root) && !/\?|\/node_modules\//.test(resolved.url)
      const [shared] = new URL(context.parentURL).search.split('&')
      return isOwn ? { ...resolved, url: `${resolved.url}${shared}` } : resolved
    },
  })
}
