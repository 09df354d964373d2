/** Shorter values are words that any text may hold. */
const secretCharactersMin = 6

const secretName = /(key|token|secret|password|authorization)s?$/i
/** Whatever stands in these is taken for a secret. */
const secretPart = /^(headers|env)$/

/**
 * Takes the configuration's secrets out of a line of the log: an error that a tool or a library wrote
 * may hold what it was given. Callers' keys are left out: they are never given to anybody.
 */
export function createScrub(config: { readonly keys?: unknown }): (line: string) => string {
  const { keys: _, ...rest } = config
  const secrets = [...new Set(secretsIn(rest, false))]
    .filter(secret => secret.length >= secretCharactersMin)
    .flatMap(secret => [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)])
    .toSorted((a, b) => b.length - a.length)
  return line => secrets.reduce((text, secret) => text.replaceAll(secret, '***'), line)
}

function secretsIn(value: unknown, secret: boolean): string[] {
  if (typeof value === 'string') return secret ? [value] : passwordIn(value)
  if (Array.isArray(value)) return value.flatMap(item => secretsIn(item, secret))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, member]) =>
    secretsIn(member, secret || secretName.test(name) || secretPart.test(name)),
  )
}

/** The password of an address, as written and as meant. */
function passwordIn(text: string): string[] {
  // An address of several hosts, as Sentinels have, is no URL to the parser.
  const [, several] = /^[a-z+]+:\/\/[^:@/]*:([^@/]*)@/i.exec(text) ?? []
  const [, inQuery] = /[?&]\w*password=([^&#]+)/i.exec(text) ?? []
  const password = URL.parse(text)?.password || several
  return [password, inQuery].flatMap(found => (found ? [found, decoded(found)] : []))
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // What is not encoded stands for itself.
    return text
  }
}
