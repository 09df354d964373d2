import type { Config } from '../config.ts'
import type { Registry } from '../registry/registry.ts'

/** What a person sees on start: the addresses that matter and one call to paste. */
export function banner(started: {
  address: string
  agentLego: string | undefined
  config: Config
  registry: Registry
  version: string
  /** True where a caller needs a key. */
  keyed: boolean
}): string {
  const { address, agentLego, config, registry, version, keyed } = started
  const base =
    config.publicUrl ?? address.replace('//[::]', '//localhost').replace('0.0.0.0', 'localhost')
  const listed = registry.list().length
  const available = registry.available().length
  const key = keyed ? " -H 'X-API-Key: YOUR_KEY'" : ''
  return `
  Toolgate ${version}: ${available} of ${listed} tools ready

  reference   ${base}/docs
  OpenAPI     ${base}/openapi.json
  registry    ${base}/registry
  MCP         ${base}/mcp
  models      ${base}/v1${agentLego ? `\n  AgentLego   ${agentLego}` : ''}

  curl ${base}/tools/calculator${key} --json '{"expression":"2^64"}'

`
}
