import ipaddr from 'ipaddr.js'

/** How far a request may reach: `public` addresses only, or `private` ones too. */
export type Reach = 'public' | 'private'

type Block = [ipaddr.IPv4 | ipaddr.IPv6, number]
const block = (cidr: string): Block => ipaddr.parseCIDR(cidr)

/**
 * Where clouds hand their machines credentials. Some are link-local, the others look private or
 * public; no request, not even an operator's, has business there.
 */
const metadata = [
  '169.254.0.0/16', // AWS, Google, Azure, OpenStack, Tencent, ECS tasks, and all of link-local
  '100.100.100.200/32', // Alibaba Cloud
  '168.63.129.16/32', // Azure's wire server
  '192.0.0.192/32', // Oracle Cloud
  'fd00:ec2::/32', // AWS
  'fd20:ce::/32', // Google Cloud
].map(block)

/** Global unicast: all that the public IPv6 internet uses. */
const globalUnicast = block('2000::/3')

const refusedNames = new Set([
  'metadata',
  'metadata.goog',
  'metadata.google.internal',
  'metadata.azure.internal',
  'metadata.tencentyun.com',
  'metadata.platformequinix.com',
  'instance-data',
  'instance-data.ec2.internal',
])
const privateSuffixes = [
  'localhost',
  'local',
  'internal',
  'home.arpa',
  'intranet',
  'lan',
  'home',
  'corp',
  'private',
  'onion',
]

const privateRanges: readonly string[] = ['private', 'loopback', 'carrierGradeNat', 'uniqueLocal']
const unspecified: readonly string[] = ['0.0.0.0', '::']

const isIn = (address: ipaddr.IPv4 | ipaddr.IPv6, blocks: Block[]): boolean =>
  blocks.some(([base, bits]) => base.kind() === address.kind() && address.match(base, bits))

/**
 * Why an address may not be connected to, or undefined when it may. IPv6 forms that carry an IPv4
 * address (mapped, compatible, NAT64, 6to4, Teredo) are refused whole: nobody needs them to reach
 * a public server, and each is a way around the IPv4 rules.
 */
export function addressProblem(text: string, reach: Reach): string | undefined {
  if (!ipaddr.isValid(text)) return 'its address cannot be read'
  const address = ipaddr.parse(text)
  if (text.includes('%')) return 'its address has a zone'
  const range: string = address.range()
  if (isIn(address, metadata)) return 'it leads to a link-local or metadata address'
  if (reach === 'private' && (privateRanges.includes(range) || unspecified.includes(text))) return
  if (range !== 'unicast') return `it leads to an address that is not public (${words(range)})`
  if (address.kind() === 'ipv6' && !isIn(address, [globalUnicast]))
    return 'it leads to an address that is not public (reserved)'
  return undefined
}

const words = (range: string): string =>
  range.replace(/[A-Z]/g, letter => ` ${letter.toLowerCase()}`)

/** Why a host name or literal address of a URL may not be reached; names are resolved later. */
export function hostProblem(hostname: string, reach: Reach): string | undefined {
  const host = bareHost(hostname)
  if (ipaddr.isValid(host)) return addressProblem(host, reach)
  if (refusedNames.has(host)) return 'it is a cloud metadata service'
  if (reach === 'private') return undefined
  const isPrivate = privateSuffixes.some(suffix => host === suffix || host.endsWith(`.${suffix}`))
  return isPrivate || !host.includes('.') ? 'its name is not a public one' : undefined
}

/** A URL's hostname without brackets and without the dot of an absolute name. */
export const bareHost = (hostname: string): string => hostname.replace(/^\[|\.+$|\]$/g, '')

/**
 * A URL as an error may show it: no user, no password, no query. A parser of URLs takes slashes of
 * either kind before a user name, any number of them, and white space among them.
 */
export const shownUrl = (text: string): string =>
  text.replace(/[?#].*$/s, '').replace(/^([^:]*:[\s/\\]*)(?:[^\s/\\][^/\\]*)?@/, '$1')
