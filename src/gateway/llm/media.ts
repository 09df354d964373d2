import { lookup as dnsLookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { type Dispatcher, request } from 'undici'
import { fail, failFrom } from '../../registry/errors.ts'
import { addressProblem, hostProblem, shownUrl } from '../http/guard-address.ts'
import { isRecord, type Json, recordsIn, textOf } from './json.ts'
import type { LlmLimits } from './limits.ts'
import type { LoopTools } from './loop-tools.ts'

/** Looks at the pictures and recordings in a request before any node does. */
export type MediaGate = {
  /**
   * The messages with private media that we may read put in as `data:` URLs; the same list when
   * nothing changes. A node opens `file:` and plain paths from its own disk: those are refused.
   */
  check(messages: unknown, signal: AbortSignal): Promise<readonly Json[] | undefined>
  /** The same refusals for a request that goes on as it came, in whichever API it was written. */
  guard(body: Json): Promise<void>
}

/** Whose media may be read, and how. */
export type MediaOptions = {
  limits: LlmLimits
  /** Our own origin: its `/files/{id}` are read from the store. */
  publicOrigin: string
  readFile?: LoopTools['readFile'] | undefined
  /** `host:port` of private servers whose media may be fetched. */
  allowedHosts?: readonly string[]
  dispatcher?: Dispatcher | undefined
  lookup?: (host: string) => Promise<string[]>
}

const kinds = [
  'image_url',
  'image',
  'image_data',
  'video_url',
  'video',
  'audio_url',
  'audio',
  'time_series_url',
  'time_series',
]

/** Makes the gate. */
export function createMediaGate(options: MediaOptions): MediaGate {
  const { imagesMax } = options.limits
  const countUp = (count: number): void => {
    if (count > imagesMax) throw fail('TG_TOO_LARGE', 'the request', `${imagesMax} media parts`)
  }
  return {
    async check(messages, signal) {
      const list = recordsIn(messages)
      if (!list.some(({ content }) => hasMedia(content))) return undefined
      let count = 0
      let changed = false
      const admitPart = async (part: unknown): Promise<unknown> => {
        if (!isRecord(part)) return part
        let out = part
        for (const { kind, member, url } of mediaUrls(part)) {
          countUp((count += 1))
          const inlined = await admit(url, signal, options)
          if (inlined === url) continue
          changed = true
          const value = out[kind]
          out = { ...out, [kind]: isRecord(value) ? { ...value, [member]: inlined } : inlined }
        }
        return out
      }
      const mended: Json[] = []
      for (const message of list) {
        const parts: unknown[] = Array.isArray(message['content']) ? message['content'] : []
        const out: unknown[] = []
        for (const part of parts) out.push(await admitPart(part))
        mended.push(parts.length > 0 ? { ...message, content: out } : message)
      }
      return changed ? mended : undefined
    },
    async guard({ messages, input, image_data }) {
      let count = 0
      for (const url of urlsWithin({ messages, input, image_data })) {
        countUp((count += 1))
        await wayTo(url, options)
      }
    },
  }
}

const hasMedia = (content: unknown): boolean =>
  Array.isArray(content) && content.some(part => isRecord(part) && mediaUrls(part).length > 0)

type Named = { kind: string; member: 'url' | 'data'; url: string }

/** All that a part names: a node may open another of them than the first. */
const mediaUrls = (part: Json): Named[] =>
  kinds.flatMap(kind => urlsOf(part[kind]).map(named => ({ kind, ...named })))

/** A node takes `data` where there is no `url`, and opens it as one. */
function urlsOf(value: unknown): Omit<Named, 'kind'>[] {
  if (typeof value === 'string') return [{ member: 'url', url: value }]
  if (!isRecord(value)) return []
  return (['url', 'data'] as const).flatMap(member => {
    const url = textOf(value[member])
    return url ? [{ member, url }] : []
  })
}

/**
 * Wherever it stands: Anthropic's blocks have a `source`, `/generate` has lists. What a model gave
 * to a tool is no medium.
 */
function* urlsWithin(value: unknown): Generator<string> {
  if (Array.isArray(value)) for (const one of value as unknown[]) yield* urlsWithin(one)
  if (!isRecord(value) || value['type'] === 'tool_use') return
  for (const [name, member] of Object.entries(value)) {
    if (kinds.includes(name)) for (const { url } of [member].flat().flatMap(urlsOf)) yield url
    const source = name === 'source' && isRecord(member) ? textOf(member['url']) : undefined
    if (source !== undefined) yield source
    yield* urlsWithin(member)
  }
}

/** The URL a node may have: the same, or its content. */
async function admit(text: string, signal: AbortSignal, options: MediaOptions): Promise<string> {
  const way = await wayTo(text, options)
  if (way instanceof URL) return fetchMedia(way, signal, options)
  if (way === undefined || !options.readFile) return text
  const { bytes, mediaType } = await options.readFile(way.file)
  return dataUrl(bytes, mediaType)
}

/** Where a medium is ours to bring: a file of our own, an allowed server; else the node may get it. */
async function wayTo(
  text: string,
  { publicOrigin, readFile, allowedHosts, lookup = lookupAll }: MediaOptions,
): Promise<URL | { file: string } | undefined> {
  if (text.startsWith('data:')) {
    if (/^data:[\w.+-]+\/[\w.+-]+(?:;[\w.+=-]+)*;base64,/.test(text.slice(0, 200))) return undefined
    throw fail('TG_URL_REFUSED', text.slice(0, 40), 'a data: URL must say its type and be base64')
  }
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw fail('TG_URL_REFUSED', shownUrl(text), 'media must be an http(s) or data: URL')
  }
  // Python takes the host after `\@`, we the one before it.
  if (/[\s\\]/.test(text))
    throw fail('TG_URL_REFUSED', shownUrl(text), 'it holds white space or a backslash')
  const own = url.origin === publicOrigin && /^\/files\/([\w.-]+)$/.exec(url.pathname)?.[1]
  if (own && readFile) return { file: own }
  const host = `${url.hostname}:${url.port || (url.protocol === 'https:' ? 443 : 80)}`
  if (allowedHosts?.includes(host)) return url
  const problem = hostProblem(url.hostname, 'public') ?? (await nameProblem(url.hostname, lookup))
  if (problem) throw fail('TG_URL_REFUSED', shownUrl(text), problem)
  return undefined
}

const lookupAll = async (host: string): Promise<string[]> =>
  (await dnsLookup(host, { all: true })).map(({ address }) => address)

/** A public name that leads to a private address; one that leads nowhere is the node's to report. */
async function nameProblem(
  hostname: string,
  lookup: (host: string) => Promise<string[]>,
): Promise<string | undefined> {
  const addresses = isIP(hostname.replace(/^\[|\]$/g, ''))
    ? []
    : await lookup(hostname).catch(() => [])
  for (const address of addresses) {
    const problem = addressProblem(address, 'public')
    if (problem) return problem
  }
  return undefined
}

async function fetchMedia(
  url: URL,
  signal: AbortSignal,
  { limits, dispatcher }: MediaOptions,
): Promise<string> {
  try {
    const answer = await request(url, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(limits.imageMs)]),
      ...(dispatcher ? { dispatcher } : {}),
    })
    if (answer.statusCode !== 200)
      throw fail('TG_UPSTREAM_FAILED', url.host, `status ${answer.statusCode}`)
    const parts: Buffer[] = []
    let bytes = 0
    for await (const part of answer.body as AsyncIterable<Buffer>) {
      bytes += part.length
      if (bytes > limits.imageBytesMax)
        throw fail('TG_TOO_LARGE', 'the picture', `${limits.imageBytesMax} bytes`)
      parts.push(part)
    }
    const type = String(answer.headers['content-type'] ?? 'application/octet-stream').split(';')[0]!
    return dataUrl(Buffer.concat(parts), type)
  } catch (error) {
    if (error instanceof Error && 'args' in error) throw error
    throw failFrom(error, 'TG_UPSTREAM_UNREACHABLE', url.host, 'the picture could not be fetched')
  }
}

const dataUrl = (bytes: Uint8Array, mediaType: string): string =>
  `data:${mediaType};base64,${Buffer.from(bytes).toString('base64')}`
