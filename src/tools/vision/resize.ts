import type { Picture } from './picture.ts'

/** The picture in another size, its proportions not kept. */
export async function resize(picture: Picture, width: number, height: number): Promise<Picture> {
  if (width === picture.width && height === picture.height) return picture
  const { default: sharp } = await import('sharp')
  const raw = { width: picture.width, height: picture.height, channels: 3 } as const
  const data = await sharp(picture.data, { raw })
    .resize(width, height, { fit: 'fill', kernel: 'linear' })
    .raw()
    .toBuffer()
  return { data, width, height }
}
