import type { Settings } from '../../registry/tool.ts'

const secretName = /(KEY|TOKEN|SECRET|PASSWORD)S?$/
const secretParameter =
  /([?&;](?:key|token|ak|sk|sig|apikey|api_key|access_token|secret|password)=)[^&;#\s"'<>]+/gi
/** Shorter values are words that any text may hold. */
const secretCharactersMin = 6

/** Takes secrets out of a text that a person, a model or a log will see. */
export type Redact = (text: string) => string

/**
 * Knows the values of the settings whose names say that they are secret, as written and as they
 * look in a URL or a JSON string, and the query parameters that carry keys by habit.
 */
export function createRedact(settings: Settings): Redact {
  const secrets = Object.entries(settings)
    .filter(([name, value]) => secretName.test(name) && value.length >= secretCharactersMin)
    .flatMap(([, value]) => [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)])
    .toSorted((a, b) => b.length - a.length)
  return text => {
    const known = secrets.reduce((rest, secret) => rest.replaceAll(secret, '***'), text)
    return known.replace(secretParameter, '$1***')
  }
}
