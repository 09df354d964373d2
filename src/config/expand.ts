type Env = Readonly<Record<string, string | undefined>>

/** Secrets stay out of the file: `"${NAME}"`, or Cursor's `"${env:NAME}"`, is looked up. One that is not set is an error. */
export function expand(value: unknown, env: Env): unknown {
  if (typeof value === 'string')
    return value.replaceAll(/\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)\}/g, (_whole, name: string) => {
      const found = env[name]
      if (found === undefined) throw new Error(`the config names \${${name}}, which is not set`)
      return found
    })
  if (Array.isArray(value)) return value.map(item => expand(item, env))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, expand(item, env)]))
}
