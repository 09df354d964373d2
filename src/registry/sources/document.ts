import { parse as parseYaml } from 'yaml'
import { fail, failFrom, type ToolError } from '../errors.ts'
import type { JsonObject } from '../tool.ts'
import { asObject } from '../views/walk.ts'
import { sourceLimits } from './limits.ts'
import { asText } from './text.ts'

/** An OpenAPI document, read but not yet understood. */
export type ApiDocument = { root: JsonObject; isSwagger: boolean }

/**
 * Reads an OpenAPI document of 3.0, 3.1, 3.2 or Swagger 2, JSON or YAML. Throws TG_UPSTREAM_INVALID
 * with what it is instead.
 */
export function parseDocument(text: string, host: string): ApiDocument {
  const invalid = (problem: string): ToolError => fail('TG_UPSTREAM_INVALID', host, problem)
  const start = text.replace(/^\ufeff/, '').trimStart()
  if (start === '') throw invalid('nothing instead of an OpenAPI document')
  if (start.startsWith('<')) throw invalid('markup instead of an OpenAPI document')
  const root = asObject(/^[[{]/.test(start) ? parseJson(start, host) : parseAsYaml(text, host))
  const [openapi, swagger] = [asText(root['openapi']), asText(root['swagger'])]
  if (!openapi.startsWith('3.') && !/^2(\.|$)/.test(swagger))
    throw invalid('it has neither openapi: 3.x nor swagger: 2.0')
  return { root, isSwagger: !openapi }
}

function parseJson(text: string, host: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    // A YAML flow mapping begins with a brace too.
    if (/^\{\s*["}]/.test(text))
      throw failFrom(cause, 'TG_UPSTREAM_INVALID', host, 'it is broken JSON')
    return parseAsYaml(text, host)
  }
}

function parseAsYaml(text: string, host: string): unknown {
  try {
    return parseYaml(text, {
      maxAliasCount: sourceLimits.yamlAliasesMax,
      logLevel: 'error',
      prettyErrors: false,
      schema: 'core',
      uniqueKeys: false,
    })
  } catch (cause) {
    const said = (cause as Error).message.split('\n')[0]?.slice(0, 120)
    throw failFrom(cause, 'TG_UPSTREAM_INVALID', host, `it is neither JSON nor YAML: ${said}`)
  }
}

/** What a reference came to: the value, or why there is none. */
export type Resolved = { value: unknown } | { problem: string }

/** Finds what a reference within the document names; other documents and files are never fetched. */
export function resolvePointer(root: unknown, ref: string): Resolved {
  const shown = ref.length > 80 ? `${ref.slice(0, 80)}…` : ref
  if (ref === '#') return { value: root }
  if (!ref.startsWith('#/'))
    return { problem: `the reference ${shown} leads out of the document and is not followed` }
  let at = root
  for (const part of ref.slice(2).split('/')) {
    const key = decode(part).replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key))
      return { problem: `the reference ${shown} leads nowhere` }
    at = (at as JsonObject)[key]
  }
  return { value: at }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    // `%zz` is a key as good as any other.
    return part
  }
}

/** Follows a parameter, body, response or path item that is a reference; what leads nowhere is empty. */
export function dereference(
  root: unknown,
  value: unknown,
  note: (loss: string) => void,
): JsonObject {
  let object = asObject(value)
  for (let hops = 0; typeof object['$ref'] === 'string'; hops++) {
    if (hops >= sourceLimits.refDepthMax) {
      note('a reference leads in a circle')
      return {}
    }
    const found = resolvePointer(root, object['$ref'])
    if ('problem' in found) {
      note(found.problem)
      return {}
    }
    const { $ref: _ref, ...beside } = object
    object = { ...asObject(found.value), ...beside }
  }
  return object
}
