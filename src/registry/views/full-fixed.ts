import type { Document } from './openapi.ts'
import { securityOf, type Operation } from './openapi.ts'
import { cut, viewLimits, type ViewOptions } from './view.ts'

/** Routes that stand in the document once for each tool, or that are no part of the API. */
const left = [/^(\/(dify|gpt))?\/tools\/\{[^}]+\}$/, /\*/, /^\/docs\//]
const methods = ['get', 'put', 'post', 'delete', 'patch'] as const

/** The fixed routes, each operation with what the checklist wants of it. */
export function fixedPaths(fixed: Document, options: ViewOptions): NonNullable<Document['paths']> {
  const entries = Object.entries(fixed.paths ?? {})
    .filter(([path]) => !left.some(pattern => pattern.test(path)))
    .map(([path, item]) => [path, completed(path, item as Item, options)])
  return Object.fromEntries(entries) as NonNullable<Document['paths']>
}

type Item = { [method in (typeof methods)[number]]?: Partial<Operation> }

function completed(path: string, item: Item, options: ViewOptions): object {
  return Object.fromEntries(
    methods.flatMap(method => {
      const operation = item[method]
      if (!operation) return []
      const said = operation.summary ?? operation.description ?? `${method.toUpperCase()} ${path}`
      const brief = (text: string): string => cut(text, viewLimits.operationCharactersMax)
      const whole = {
        ...operation,
        operationId: operation.operationId ?? nameOf(method, path),
        summary: brief(said),
        description: brief(operation.description ?? said),
        ...(operation.security ? {} : securityOf(options)),
        responses: {
          ...(operation.responses ?? { 200: { description: 'Done' } }),
          default: refused,
        },
      }
      return [[method, whole] as const]
    }),
  )
}

/** What an error looks like depends on the face; its status and its body say what is wrong. */
const refused = { description: 'Refused or failed: the body says why.' }

/** A route without a name of its own is named by its method and path. */
const nameOf = (method: string, path: string): string =>
  `${method}_${
    path
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '_')
      .replace(/^_|_$/g, '') || 'root'
  }`.slice(0, 60)
