import { lookup as dnsLookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { type Dispatcher, request } from 'undici'
import { fail, failFrom } from '../../registry/errors.ts'
import { addressProblem, hostProblem } from '../http/guard-address.ts'
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
}

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

const kinds = ['image_url', 'image', 'video_url', 'video', 'audio_url', 'audio', 'time_series_url']

/** Makes the gate. */
export function createMediaGate(options: MediaOptions): MediaGate {
  return {
    async check(messages, signal) {
      const list = recordsIn(messages)
      if (!list.some(({ content }) => hasMedia(content))) return undefined
      let left = options.limits.imagesMax
      let changed = false
      const mended: Json[] = []
      for (const message of list) {
        const parts: unknown[] = Array.isArray(message['content']) ? message['content'] : []
        const out: unknown[] = []
        for (const part of parts) {
          const url = isRecord(part) ? mediaUrl(part) : undefined
          if (url === undefined) {
            out.push(part)
            continue
          }
          left -= 1
          if (left < 0)
            throw fail('TG_TOO_LARGE', 'the request', `${options.limits.imagesMax} media parts`)
          const inlined = await admit(url, signal, options)
          out.push(inlined === url ? part : withUrl(part as Json, inlined))
          changed ||= inlined !== url
        }
        mended.push(parts.length > 0 ? { ...message, content: out } : message)
      }
      return changed ? mended : undefined
    },
  }
}

const hasMedia = (content: unknown): boolean =>
  Array.isArray(content) && content.some(part => isRecord(part) && mediaUrl(part) !== undefined)

function mediaUrl(part: Json): string | undefined {
  for (const kind of kinds) {
    const value = part[kind]
    if (typeof value === 'string') return value
    if (isRecord(value)) return textOf(value['url'])
  }
  return undefined
}

function withUrl(part: Json, url: string): Json {
  const kind = kinds.find(name => part[name] !== undefined) ?? 'image_url'
  const value = part[kind]
  return { ...part, [kind]: isRecord(value) ? { ...value, url } : url }
}

/** The URL a node may have: the same, or its content. */
async function admit(text: string, signal: AbortSignal, options: MediaOptions): Promise<string> {
  if (text.startsWith('data:')) {
    if (/^data:[\w.+-]+\/[\w.+-]+(?:;[\w.+=-]+)*;base64,/.test(text.slice(0, 200))) return text
    throw fail('TG_URL_REFUSED', text.slice(0, 40), 'a data: URL must say its type and be base64')
  }
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw fail('TG_URL_REFUSED', text, 'media must be an http(s) or data: URL')
  }
  const own = url.origin === options.publicOrigin && /^\/files\/([^/]+)$/.exec(url.pathname)?.[1]
  if (own && options.readFile) {
    const { bytes, mediaType } = await options.readFile(decodeURIComponent(own))
    return dataUrl(bytes, mediaType)
  }
  const host = `${url.hostname}:${url.port || (url.protocol === 'https:' ? 443 : 80)}`
  if (options.allowedHosts?.includes(host)) return fetchMedia(url, signal, options)
  const problem =
    hostProblem(url.hostname, 'public') ??
    (await nameProblem(url.hostname, options.lookup ?? lookupAll))
  if (problem) throw fail('TG_URL_REFUSED', text, problem)
  return text
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
