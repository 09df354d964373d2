import { type Config, isLoopback } from '../../config.ts'
import type { Registry } from '../../registry/registry.ts'
import { type Ask, jsonOf, type Told } from './ask.ts'
import { error, type Finding, ok, reasonOf, warning } from './finding.ts'

/** Tokens that are signed with a time, and TLS itself, bear so much. */
const skewMsMax = 30_000

/** What each tool requires, and whether the services that the settings name can be reached. */
export async function checkTools(
  registry: Registry,
  settings: Config['settings'],
  ask: Ask,
): Promise<Finding[]> {
  const tools = registry.list().map(({ name }) => {
    const missing = registry.unavailable(name)
    return missing
      ? warning(`tool ${name}`, missing.reason, missing.remedy)
      : ok(`tool ${name}`, 'has what it requires')
  })
  const upstreams = Object.entries(settings).flatMap(([name, value]) => {
    const url = /^https?:\/\//.test(value)
      ? value
      : name.endsWith('_HOST')
        ? `https://${value}`
        : ''
    const parsed = URL.parse(url)
    return parsed ? [{ name, url: parsed }] : []
  })
  const reached = await Promise.all(upstreams.map(one => checkUpstream(one, ask)))
  return [...tools, ...reached.flatMap(({ findings }) => findings), clock(reached)]
}

type Reached = { findings: Finding[]; told?: Told }

async function checkUpstream(
  { name, url }: { name: string; url: URL },
  ask: Ask,
): Promise<Reached> {
  const check = `upstream ${name}`
  try {
    const told = await ask(url.origin)
    return { findings: [ok(check, `${url.host} answers in ${told.ms} ms`)], told }
  } catch (cause) {
    const message = `${url.host} cannot be reached: ${reasonOf(cause)}`
    return {
      findings: [error(check, message, `let this machine reach it, or set ${name} to a mirror`)],
    }
  }
}

/** Our clock against that of whoever answered: the median, since any one of them may be wrong. */
function clock(reached: readonly Reached[]): Finding {
  const skews = reached
    .flatMap(({ told }) => {
      const date = Date.parse(told?.headers.get('date') ?? '')
      return told && Number.isFinite(date) ? [told.askedAt + told.ms / 2 - date] : []
    })
    .sort((a, b) => a - b)
  const skewMs = skews[Math.floor(skews.length / 2)]
  if (skewMs === undefined) return ok('clock', 'nobody answered to compare it with')
  const seconds = Math.round(Math.abs(skewMs) / 1000)
  if (Math.abs(skewMs) <= skewMsMax) return ok('clock', `within ${seconds} s of the upstreams’`)
  const message = `${seconds} s ${skewMs > 0 ? 'ahead of' : 'behind'} the upstreams’`
  return error('clock', message, 'run NTP: signed tokens and certificates depend on the time')
}

/** The public address as Dify and GPT see it: https, the document there, and its own address in it. */
export async function checkPublicUrl(config: Config, ask: Ask): Promise<Finding[]> {
  const check = 'public url'
  const { publicUrl, host } = config
  if (publicUrl === undefined)
    return [
      isLoopback(host)
        ? ok(check, 'none: this gateway is for this machine')
        : warning(check, 'PUBLIC_URL is not set', 'set it, so that documents and files name it'),
    ]
  const url = new URL(publicUrl)
  const findings: Finding[] = []
  if (url.protocol !== 'https:')
    findings.push(
      warning(
        check,
        'is not https',
        'put a proxy with a certificate before it: GPT takes https alone',
      ),
    )
  if (isLoopback(url.hostname) || /^(10|192\.168|172\.(1[6-9]|2\d|3[01]))\./.test(url.hostname))
    findings.push(
      warning(
        check,
        'is a private address',
        'hosted Dify and GPT want one that the internet reaches',
      ),
    )
  for (const profile of ['dify', 'gpt'])
    findings.push(await checkDocument(check, publicUrl, { profile, ask, key: config.keys[0] }))
  return findings
}

async function checkDocument(
  check: string,
  publicUrl: string,
  { profile, ask, key }: { profile: string; ask: Ask; key: object | undefined },
): Promise<Finding> {
  const path = `/openapi/${profile}.json`
  const secret = key && 'key' in key && typeof key.key === 'string' ? key.key : undefined
  try {
    const headers: Record<string, string> = secret ? { authorization: `Bearer ${secret}` } : {}
    const { status, text } = await ask(publicUrl + path, { headers })
    if (status !== 200)
      return error(
        check,
        `${path} answers ${status}`,
        'see that the proxy passes every path to the gateway as it is',
      )
    const document = jsonOf(text)
    const [, server] = /"servers"\s*:\s*\[\s*\{\s*"url"\s*:\s*"([^"]*)"/.exec(text) ?? []
    if (typeof document !== 'object' || document === null || server === undefined)
      return error(check, `${path} is no document of a gateway`, 'see what answers at PUBLIC_URL')
    if (URL.parse(server)?.origin !== new URL(publicUrl).origin)
      return error(
        check,
        `${path} names ${server}`,
        `start the gateway with PUBLIC_URL=${publicUrl}`,
      )
    return ok(check, `${path} is there and names ${publicUrl}`)
  } catch (cause) {
    return error(
      check,
      `${path} cannot be fetched: ${reasonOf(cause)}`,
      'start the gateway, and see that name, certificate and proxy lead to it',
    )
  }
}

/** Servers whose tools are brought in, as far as they have an address. */
export async function checkSources(config: Config, ask: Ask): Promise<Finding[]> {
  const stated = [
    ...config.sources.map(
      ({ name, url }) => [typeof name === 'string' ? name : 'source', url] as const,
    ),
    ...Object.entries(config.mcpServers).map(([name, server]) => [name, server['url']] as const),
  ]
  const found = stated.map(async ([name, address]): Promise<Finding[]> => {
    const url = typeof address === 'string' ? URL.parse(address) : null
    if (!url) return []
    const check = `source ${name}`
    try {
      const { ms } = await ask(url.href)
      return [ok(check, `${url.host} answers in ${ms} ms`)]
    } catch (cause) {
      const message = `${url.host} cannot be reached: ${reasonOf(cause)}`
      return [error(check, message, 'start it, or take it out of the configuration')]
    }
  })
  return (await Promise.all(found)).flat()
}
