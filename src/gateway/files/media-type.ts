import {
  fileTypeFromBuffer,
  fileTypeFromFile,
  type FileTypeOptions,
  type FileTypeResult,
} from 'file-type'
import type { FileKind } from '../../registry/tool.ts'

/** What is looked at to tell a file's type. */
export const sniffLimits = { headBytes: 4_096, bufferBytesMax: 1_048_576, ms: 2_000 } as const

/** A type and the extension that goes with it. */
export type MediaType = { mediaType: string; extension: string }

const textExtensions: Record<string, string> = {
  'text/plain': 'txt',
  'text/html': 'html',
  'application/xhtml+xml': 'html',
  'text/css': 'css',
  'text/csv': 'csv',
  'text/markdown': 'md',
  'text/javascript': 'js',
  'application/javascript': 'js',
  'application/json': 'json',
  'application/x-ndjson': 'jsonl',
  'application/yaml': 'yaml',
  'application/xml': 'xml',
  'text/xml': 'xml',
  'image/svg+xml': 'svg',
}

/**
 * Tells a file's type by its bytes; what its sender declared counts for text alone, where bytes say
 * little. A picture that is really a page is a page.
 */
export async function sniff(
  path: string,
  head: Uint8Array,
  declared: string | undefined,
): Promise<MediaType> {
  const found = (await signatureOf(path)) ?? brokenPng(head)
  if (found && found.mediaType !== 'application/xml') return found
  const text = asText(head)
  if (text === undefined) return { mediaType: 'application/octet-stream', extension: 'bin' }
  return typeOfText(text, essenceOf(declared))
}

const signatureOf = (path: string): Promise<MediaType | undefined> =>
  bounded(options => fileTypeFromFile(path, options))

/** The type that bytes have by their signature alone; undefined for text and the unknown. */
export const signatureOfBytes = (bytes: Uint8Array): Promise<MediaType | undefined> =>
  bounded(options => fileTypeFromBuffer(bytes, options))

async function bounded(
  detect: (options: FileTypeOptions) => Promise<FileTypeResult | undefined>,
): Promise<MediaType | undefined> {
  try {
    const found = await detect({
      maxBufferSize: sniffLimits.bufferBytesMax,
      signal: AbortSignal.timeout(sniffLimits.ms),
    })
    const extension = found?.ext.split('.').at(-1) ?? 'bin'
    return found && { mediaType: essenceOf(found.mime) ?? found.mime, extension }
  } catch {
    // A file made to mislead the sniffer has no type that anybody should rely on.
    return undefined
  }
}

/** A PNG whose chunks make no sense is a PNG all the same, and its reader will say what is broken. */
const brokenPng = (head: Uint8Array): MediaType | undefined =>
  Buffer.from(head.subarray(0, 8)).toString('latin1') === '\x89PNG\r\n\x1a\n'
    ? { mediaType: 'image/png', extension: 'png' }
    : undefined

/** The head of a file as text, or undefined when it holds what no text does. */
function asText(head: Uint8Array): string | undefined {
  const text = new TextDecoder().decode(head)
  // eslint-disable-next-line no-control-regex -- control characters tell binary from text
  return /[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/.test(text) ? undefined : text
}

function typeOfText(text: string, declared: string | undefined): MediaType {
  const start = text.replace(/^\ufeff?\s+/, '').slice(0, 1_000)
  const isMarkup = start.startsWith('<')
  if (isMarkup && /<svg[\s/>]/i.test(text)) return textType('image/svg+xml')
  if (/^<(!doctype html|html|head|body|script|iframe|meta|title)\b/i.test(start))
    return textType('text/html')
  if (start.startsWith('<?xml')) return textType('application/xml')
  if (declared && isTextual(declared) && declared !== 'image/svg+xml') return textType(declared)
  return textType('text/plain')
}

const textType = (mediaType: string): MediaType => ({
  mediaType,
  extension: textExtensions[mediaType] ?? 'txt',
})

const isTextual = (mediaType: string): boolean =>
  mediaType in textExtensions || mediaType.startsWith('text/')

/** A media type without its parameters, in lower case; undefined when it is none. */
export function essenceOf(mediaType: string | undefined): string | undefined {
  const essence = mediaType?.split(';')[0]?.trim().toLowerCase()
  return essence && /^[a-z0-9][\w!#$&^.+-]*\/[\w!#$&^.+-]+$/.test(essence) ? essence : undefined
}

const recordings = ['video/mp4', 'video/webm', 'video/ogg', 'video/quicktime', 'video/mpeg']
const documents = [
  'application/pdf',
  'application/rtf',
  'application/msword',
  'application/x-cfb',
  'application/epub+zip',
  'application/json',
  'application/xml',
  'application/yaml',
  'application/x-ndjson',
  'application/xhtml+xml',
]

const fits: Record<FileKind, (mediaType: string) => boolean> = {
  // An SVG is a program that draws; what it may load and how long it takes is nobody's bound.
  image: type => type.startsWith('image/') && type !== 'image/svg+xml',
  audio: type => type.startsWith('audio/') || recordings.includes(type),
  document: type =>
    type.startsWith('text/') ||
    documents.includes(type) ||
    type.startsWith('application/vnd.openxmlformats-officedocument.') ||
    type.startsWith('application/vnd.oasis.opendocument.'),
  any: () => true,
}

/** True when a tool that asks for `kind` may be given a file of this type. */
export const fitsKind = (kind: FileKind, mediaType: string): boolean => fits[kind](mediaType)

/** What to send instead, for an error. */
export const kindWords: Record<FileKind, string> = {
  image: 'a picture: PNG, JPEG, WebP, GIF, TIFF, AVIF or BMP',
  audio: 'a recording: WAV, MP3, FLAC, OGG, M4A or WebM',
  document: 'a document: PDF, an office file or text',
  any: 'a file',
}

const inline = /^(image\/(a?png|jpeg|gif|webp|avif|bmp|tiff|heic|x-icon)|audio\/.+|video\/.+)$/
const plain = ['text/plain', 'text/csv', 'text/markdown', 'application/json', 'application/pdf']

/** How a file is served: what could run in a browser is a download of plain text or bytes. */
export function servedAs(mediaType: string): { type: string; disposition: string } {
  if (inline.test(mediaType)) return { type: mediaType, disposition: 'inline' }
  if (plain.includes(mediaType))
    return {
      type: mediaType === 'application/pdf' ? mediaType : `${mediaType}; charset=utf-8`,
      disposition: 'inline',
    }
  const type = isTextual(mediaType) ? 'text/plain; charset=utf-8' : mediaType
  return { type, disposition: 'attachment' }
}
