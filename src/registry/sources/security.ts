import type { JsonObject } from '../tool.ts'
import type { Credential } from './plan.ts'
import { asText } from './text.ts'

/** What one scheme wants, and from which of the source's headers it can be had. */
type Wanted = { scheme: string; credential?: Credential; wants: string }

/**
 * Which of the source's headers meet an operation's security, and where they go. A value may stand
 * under the header's or parameter's own name, or under the scheme's. `missing` says what is wanted
 * when no alternative is met.
 */
export function credentialsFor(
  security: readonly JsonObject[],
  schemes: ReadonlyMap<string, JsonObject>,
  headerNames: ReadonlySet<string>,
): { credentials: Credential[]; missing?: string } {
  if (security.length === 0) return { credentials: [] }
  const alternatives = security.map(needs =>
    Object.keys(needs).map(name => wantedOf(name, schemes.get(name), headerNames)),
  )
  const met = alternatives
    .filter(wanted => wanted.every(({ credential }) => credential))
    .toSorted((a, b) => b.length - a.length)
    .at(0)
  if (met) return { credentials: met.flatMap(({ credential }) => credential ?? []) }
  const wants = alternatives.map(wanted => wanted.map(({ wants }) => wants).join(' and '))
  return { credentials: [], missing: [...new Set(wants)].join(', or ') }
}

function wantedOf(
  name: string,
  scheme: JsonObject | undefined,
  headerNames: ReadonlySet<string>,
): Wanted {
  const own = name.toLowerCase()
  const from = (names: string[]): string | undefined => names.find(name => headerNames.has(name))
  if (scheme?.['type'] === 'apiKey') {
    const parameter = asText(scheme['name'])
    const place = scheme['in'] === 'query' || scheme['in'] === 'cookie' ? scheme['in'] : 'header'
    const found = from([parameter.toLowerCase(), own])
    return {
      scheme: name,
      wants: `${name} (${place} ${parameter})`,
      ...(found ? { credential: { from: found, in: place, name: parameter } } : {}),
    }
  }
  const isBasic = scheme?.['type'] === 'http' && asText(scheme['scheme']).toLowerCase() === 'basic'
  const found = from(['authorization', own])
  const prefix = isBasic ? ('Basic' as const) : ('Bearer' as const)
  return {
    scheme: name,
    wants: `${name} (header Authorization: ${prefix} …)`,
    ...(found
      ? {
          credential: {
            from: found,
            in: 'header',
            name: 'authorization',
            ...(found === own ? { scheme: prefix } : {}),
          },
        }
      : {}),
  }
}
