import { fail, failFrom, isToolError } from '../../registry/errors.ts'
import type { Picture } from './picture.ts'
import type { Metadata, Sharp, SharpOptions } from 'sharp'

/** Bounds of what is opened as a picture. */
export const pictureLimits = {
  /** Pixels a file may declare, unless the operator says otherwise. */
  pixelsMax: 50_000_000,
  /** Pixels that are worked on: a larger picture is made smaller while it is decoded. */
  workPixelsMax: 16_000_000,
  /** Frames or pages a file may hold; the first alone is read. */
  pagesMax: 10_000,
  decodeSeconds: 15,
  /** How much of a truncated picture may be missing for the rest to be worth reading. */
  missingShareMax: 0.5,
} as const

/** What the operator says of it, as tools read it. */
export const pixelsMaxOf = (setting: (name: string) => string | undefined): number | undefined => {
  const stated = setting('IMAGE_PIXELS_MAX')
  return stated === undefined ? undefined : Number(stated)
}

type Size = { readonly width: number; readonly height: number }

/** A picture opened for reading: its pixels, and its size as a person sees it. */
export type OpenPicture = {
  readonly picture: Picture
  /** Of the whole picture, after EXIF; `picture` may be smaller. */
  readonly width: number
  readonly height: number
}

const pictureTypes: ReadonlySet<string> = new Set([
  'image/jpeg',
  'image/png',
  'image/apng',
  'image/webp',
  'image/gif',
  'image/tiff',
  'image/avif',
])
const wanted = 'a JPEG, PNG, WebP, GIF, TIFF or AVIF picture'

/**
 * Opens a picture header first. Its bytes decide what it is, never its name; one that declares
 * more than the bounds is refused before a pixel is decoded; SVG and documents are never rendered.
 * With `within`, its pixels come no larger than that, which a JPEG decodes much faster.
 */
export async function openPicture(
  bytes: Uint8Array,
  name: string,
  {
    within,
    pixelsMax = pictureLimits.pixelsMax,
  }: { within?: Size | undefined; pixelsMax?: number | undefined } = {},
): Promise<OpenPicture> {
  await checkType(bytes, name, pixelsMax)
  const { default: sharp } = await import('sharp')
  const open = (options: SharpOptions = {}) =>
    sharp(bytes, { limitInputPixels: pixelsMax, failOn: 'none', ...options })
  try {
    const metadata = await open().metadata()
    const size = checkSize(metadata, pixelsMax)
    const picture = await decode(open, { metadata, size, name, within })
    return { picture, ...size }
  } catch (error) {
    throw isToolError(error) ? error : broken(error, name, pixelsMax)
  }
}

async function checkType(bytes: Uint8Array, name: string, pixelsMax: number): Promise<void> {
  if (bytes.length === 0) throw fail('TG_FILE_BROKEN', name, 'it is empty')
  const { fileTypeFromBuffer } = await import('file-type')
  const mime = (await fileTypeFromBuffer(bytes))?.mime
  if (mime === 'image/gif') checkGif(bytes, pixelsMax)
  if (mime !== undefined && pictureTypes.has(mime)) return
  const head = Buffer.from(bytes.subarray(0, 1024)).toString('latin1')
  if (head.startsWith('\x89PNG\r\n')) throw fail('TG_FILE_BROKEN', name, 'its header is corrupt')
  const isSvg = head.toLowerCase().includes('<svg')
  throw fail('TG_MEDIA_TYPE', isSvg ? 'an SVG drawing' : (mime ?? 'this kind of file'), wanted)
}

/**
 * A GIF says its size twice, for the screen and for each frame; libvips believes the screen and
 * stumbles over a frame that is larger, so both are looked at first.
 */
function checkGif(bytes: Uint8Array, pixelsMax: number): void {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const size = (at: number): void => {
    if (at + 4 > file.length) return
    checkPixels({ width: file.readUInt16LE(at), height: file.readUInt16LE(at + 2) }, pixelsMax)
  }
  size(6)
  const flags = file[10] ?? 0
  let at = 13 + (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0)
  while (file[at] === 0x21) {
    at += 2
    while (file[at]) at += file[at]! + 1
    at += 1
  }
  if (file[at] === 0x2c) size(at + 5)
}

const megapixels = (pixels: number): string => `${pixels / 1_000_000} megapixels`

function checkPixels({ width, height }: Size, pixelsMax: number): void {
  if (width * height <= pixelsMax) return
  throw fail('TG_TOO_LARGE', `a picture of ${width} x ${height} pixels`, megapixels(pixelsMax))
}

/** The size after EXIF; sharp gives the size as stored. */
function checkSize(metadata: Metadata, pixelsMax: number): Size {
  const { pages = 1, autoOrient } = metadata
  checkPixels(metadata, pixelsMax)
  if (pages > pictureLimits.pagesMax)
    throw fail('TG_TOO_LARGE', `a picture of ${pages} frames`, `${pictureLimits.pagesMax} frames`)
  return { width: autoOrient.width, height: autoOrient.height }
}

type Decoding = {
  metadata: Metadata
  size: Size
  name: string
  within: Size | undefined
}

/** A whole file is decoded strictly; a truncated one as far as it goes, if enough of it is there. */
async function decode(
  open: (options?: SharpOptions) => Sharp,
  { metadata, size, name, within }: Decoding,
): Promise<Picture> {
  const shrink = Math.min(
    1,
    Math.sqrt(pictureLimits.workPixelsMax / (size.width * size.height)),
    ...(within ? [within.width / size.width, within.height / size.height] : []),
  )
  // Colours need not be exact to be looked at, and profiles cost more than the decoding itself;
  // without one, though, inks would not become the colours a person sees.
  const ignoreIcc = metadata.space !== 'cmyk'
  const raw = (image: Sharp) => {
    image.autoOrient().toColourspace('srgb').timeout({ seconds: pictureLimits.decodeSeconds })
    if (metadata.hasAlpha) image.ensureAlpha()
    if (shrink < 1) image.resize({ ...scaled(size, shrink), fit: 'fill' })
    return image.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true })
  }
  try {
    return onGround(await raw(open({ failOn: 'truncated', ignoreIcc })))
  } catch (cause) {
    if (String(cause).includes('timeout')) throw cause
    const image = await raw(open({ ignoreIcc }))
    const share = missingShare(image)
    if (share <= pictureLimits.missingShareMax) return onGround(image)
    throw failFrom(cause, 'TG_FILE_BROKEN', name, `${Math.round(share * 100)} % of it is missing`)
  }
}

const scaled = ({ width, height }: Size, scale: number): Size => ({
  width: Math.max(1, Math.floor(width * scale)),
  height: Math.max(1, Math.floor(height * scale)),
})

type Raw = {
  data: Uint8Array
  info: { width: number; height: number; channels: number }
}

/** The share of rows at the end that are all of one colour: what a decoder leaves where data stops. */
function missingShare({ data, info: { width, height, channels } }: Raw): number {
  const last = data.subarray(data.length - channels)
  let at = data.length - channels
  while (at >= 0 && last.every((value, channel) => data[at + channel] === value)) at -= channels
  const rowsLeft = Math.ceil((at + channels) / (width * channels))
  return (height - rowsLeft) / height
}

/** Puts what is transparent on white; on black when what can be seen is light. */
function onGround({ data, info: { width, height, channels } }: Raw): Picture {
  if (channels === 3) return { data, width, height }
  const colours = channels > 2 ? 3 : 1
  const hasAlpha = channels > colours
  const ground = hasAlpha && isLight(data, channels) ? 0 : 255
  const flat = new Uint8Array(width * height * 3)
  for (let from = 0, to = 0; to < flat.length; from += channels, to += 3) {
    const alpha = hasAlpha ? data[from + colours]! / 255 : 1
    const back = ground * (1 - alpha)
    for (let colour = 0; colour < 3; colour++)
      flat[to + colour] = data[from + (colours === 3 ? colour : 0)]! * alpha + back
  }
  return { data: flat, width, height }
}

/** True when part is transparent and what can be seen is, on average, nearer to white than black. */
function isLight(data: Uint8Array, channels: number): boolean {
  let light = 0
  let seen = 0
  for (let at = 0; at < data.length; at += channels) {
    const alpha = data[at + channels - 1]!
    seen += alpha
    light += alpha * (channels > 2 ? data[at + 1]! : data[at]!)
  }
  const whole = (data.length / channels) * 255
  return seen < whole && light > seen * 160
}

function broken(error: unknown, name: string, pixelsMax: number): Error {
  const problem = error instanceof Error ? error.message : String(error)
  if (problem.includes('pixel limit'))
    return failFrom(error, 'TG_TOO_LARGE', 'the picture', megapixels(pixelsMax))
  if (problem.includes('unsupported image format'))
    return failFrom(error, 'TG_FILE_BROKEN', name, 'its header is corrupt')
  return failFrom(error, 'TG_FILE_BROKEN', name, firstLine(problem))
}

const firstLine = (text: string): string => (text.split('\n')[0] ?? text).slice(0, 200)
