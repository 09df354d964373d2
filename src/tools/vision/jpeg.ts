import type { Picture } from './picture.ts'

/** The picture as a JPEG file. */
export async function jpegOf({ data, width, height }: Picture): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp')
  return sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 90 })
    .toBuffer()
}
